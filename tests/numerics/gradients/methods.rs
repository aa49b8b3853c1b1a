//! The objectives of the methods that compare all layers together, down to the pixels, and a network that repeats a picture's edges.

use super::strotss::smooth;
use super::{BOUND, engines};
use crate::common::{TINY, on_one_thread, random, random_weights};
use impasto::method::finite_difference::relative_error;
use impasto::method::{Padding, Pooling, StyleLossKind};
use impasto::network::Network;
use impasto::objective::{Compared, Objective, Region, Style, Tap, Targets};
use ndarray::Array3;

const SIZE: (usize, usize) = (5, 6);

/// Real pixels differ that much. The hypercolumns of pictures of nearly one color would all be alike.
const LARGEST: f64 = 60.0;

/// Pixels as large as this, and as small.
fn picture((h, w): (usize, usize), largest: f64, seed: u64) -> Array3<f64> {
    random((h, w, 3), seed) * largest
}

/// The taps of every layer of a tiny network.
fn taps(weight: f64) -> Vec<Tap> {
    let layers = TINY.layers();
    let convs = (0..)
        .zip(&layers)
        .filter(|(_, spec)| !spec.name.starts_with("pool"));
    convs.map(|(layer, _)| Tap { layer, weight }).collect()
}

/// Checks the gradient with respect to the pixels, of a photograph and two paintings in one region, at the first of some random pictures
/// without kinks near.
fn check(name: &str, network: &Network<f64>, compared: Compared<f64>, largest: f64) {
    let content = picture(SIZE, largest, 1);
    let paintings = [picture((4, 7), largest, 2), picture((6, 5), largest, 3)];
    let regions = [Region::everywhere(
        paintings.into_iter().map(Style::whole).collect(),
    )];
    let (content_taps, style_taps) = (taps(3.0), taps(2.0));
    let objective = Objective::new(
        network,
        Targets {
            content: Some((&content, &content_taps)),
            regions: &regions,
            style_taps: &style_taps,
            compared,
            style_loss: StyleLossKind::Gram,
            tv_weight: 0.01,
            tv_diagonals: 0.25,
            normalize: false,
        },
    );
    let value = |x: &Array3<f64>| objective.evaluate_at(7, network, x).0.total();
    let x = (0..100)
        .map(|seed| picture(SIZE, largest, 50 + seed))
        .find(|x| smooth(x, value))
        .expect("one of a hundred is away from kinks");
    let (losses, gradient) = objective.evaluate_at(7, network, &x);
    assert!(losses.style != 0.0, "{name}");
    let error = relative_error(&x, &gradient, value);
    assert!(error <= BOUND, "{name}: {error:e}");
}

#[test]
fn the_objective_of_each_method_has_the_right_gradient() {
    on_one_thread(check_methods);
}

fn check_methods() {
    let weights = random_weights(TINY, 20);
    let matched = picture(SIZE, LARGEST, 4);
    for engine in engines() {
        let engine = engine.build::<f64>();
        let network = Network::new(
            &weights,
            Pooling::Max,
            Padding::Zero,
            weights.depth(),
            engine,
        );
        let strotss = Compared::Strotss {
            seed: 5,
            palette_weight: 0.5,
        };
        let nearest = Compared::Nearest {
            matched: &matched,
            rotations: true,
        };
        let split = Compared::Split { rotations: false };
        for (name, compared) in [("strotss", strotss), ("nearest", nearest), ("split", split)] {
            check(name, &network, compared, LARGEST);
        }
        let replicating = network.replicating_edges();
        check("replicating", &replicating, Compared::Layers, 1.0);
    }
}

/// A picture that goes on beyond its edges looks to the first layer as if they were not there.
#[test]
fn a_network_that_repeats_edges_sees_none_in_a_picture_of_one_color() {
    let weights = random_weights(TINY, 20);
    for engine in engines() {
        let network =
            |engine| Network::<f64>::new(&weights, Pooling::Max, Padding::Zero, 1, engine);
        let (zero, repeated) = (
            network(engine.build()),
            network(engine.build()).replicating_edges(),
        );
        let gray = Array3::from_elem((5, 6, 3), 0.7);
        let spread = |network: &Network<f64>| {
            let activations = network.forward(&network.steps([0]), &gray);
            let f = activations.of(0);
            let first = f.slice(ndarray::s![..1, ..1, ..]).to_owned();
            (f - &first).mapv(f64::abs).sum()
        };
        assert!(spread(&zero) > 1e-3 && spread(&repeated) < 1e-12);
    }
}
