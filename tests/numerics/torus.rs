//! Circular padding joins the opposite edges of a picture, so that it is a torus without edges.
//!
//! A rolled picture must then have rolled activations and a rolled gradient. This shows that no operation, forward or backward,
//! treats an edge differently.

use crate::common::{TINY, WIDE, distance, random, random_weights};
use impasto::engine::EngineKind;
use impasto::method::{Loss, Padding, Pooling, StyleLossKind, TotalVariation, gram};
use impasto::network::Network;
use impasto::objective::{Compared, Objective, Region, Style, Tap, Targets};
use impasto::vgg::Architecture;
use impasto::weights::{Source, Weights};
use ndarray::{Array3, Axis};

/// Pixels per position of the deepest layer of both networks, after three poolings.
const STRIDE: usize = 8;

/// Rounding in f64 makes smaller errors than this.
const ROUNDING: f64 = 1e-13;

/// With zero padding the edges make larger differences than this, far above rounding.
const EDGES: f64 = 1e-3;

/// x (H×W×C) with each position moved down and to the right. Positions that leave at one edge enter at the opposite one.
fn roll(x: &Array3<f64>, (down, right): (usize, usize)) -> Array3<f64> {
    let (h, w, _) = x.dim();
    Array3::from_shape_fn(x.dim(), |(i, j, c)| {
        x[[(i + h - down % h) % h, (j + w - right % w) % w, c]]
    })
}

/// Calls `test` for both networks, both engines and both poolings, with this padding.
fn networks(padding: Padding, mut test: impl FnMut(&str, Architecture, &Network<f64>)) {
    for architecture in [TINY, WIDE] {
        let weights = random_weights(architecture, 50);
        for engine in [EngineKind::Reference, EngineKind::default()] {
            for pooling in [Pooling::Average, Pooling::Max] {
                let built = engine.build();
                let network = Network::new(&weights, pooling, padding, weights.depth(), built);
                let name = format!("{} {engine:?} {pooling:?}", architecture.name);
                test(&name, architecture, &network);
            }
        }
    }
}

/// Rolls a picture by (`STRIDE`, 2·`STRIDE`) pixels. For each layer, how far its activations are from the rolled activations.
fn errors_of_rolling(architecture: Architecture, network: &Network<f64>) -> Vec<f64> {
    let layers = architecture.layers();
    let x: Array3<f64> = random((2 * STRIDE, 3 * STRIDE, 3), 51);
    let steps = network.steps(0..layers.len());
    let of_rolled = network.forward(&steps, &roll(&x, (STRIDE, 2 * STRIDE)));
    let here = network.forward(&steps, &x);
    (layers.iter().enumerate())
        .map(|(layer, spec)| {
            let by = (STRIDE / spec.stride, 2 * STRIDE / spec.stride);
            distance(of_rolled.of(layer), &roll(here.of(layer), by))
        })
        .collect()
}

#[test]
fn on_a_torus_a_rolled_picture_has_rolled_activations() {
    networks(Padding::Circular, |name, architecture, network| {
        for (layer, error) in errors_of_rolling(architecture, network).iter().enumerate() {
            assert!(*error < ROUNDING, "{name} layer {layer}: {error:e}");
        }
    });
}

#[test]
fn with_zero_padding_the_edges_change_every_layer() {
    networks(Padding::Zero, |name, architecture, network| {
        for (layer, error) in errors_of_rolling(architecture, network).iter().enumerate() {
            assert!(*error > EDGES, "{name} layer {layer}: {error:e}");
        }
    });
}

/// Checks the values of the style loss and of total variation, and the gradient of their sum.
#[test]
fn on_a_torus_a_rolled_picture_has_the_same_losses_and_a_rolled_gradient() {
    for (padding, same) in [(Padding::Circular, true), (Padding::Zero, false)] {
        networks(padding, |name, architecture, network| {
            let tap = |layer: &str| Tap {
                layer: architecture.find(layer).unwrap(),
                weight: 10.0,
            };
            let taps = ["conv1_1", "pool1", "conv2_2", "conv3_1", "pool3"].map(tap);
            let x: Array3<f64> = random((2 * STRIDE, 3 * STRIDE, 3), 52);
            let painting = random((17, 9, 3), 53);
            let targets = Targets {
                content: None,
                regions: &[Region::everywhere(vec![Style::whole(painting)])],
                style_taps: &taps,
                compared: Compared::Layers,
                style_loss: StyleLossKind::Gram,
                tv_weight: 0.1,
                tv_diagonals: 0.0,
                normalize: false,
            };
            let objective = Objective::new(network, targets);
            let by = (STRIDE, 2 * STRIDE);
            let (here, gradient) = objective.evaluate(network, &x);
            let (there, of_rolled) = objective.evaluate(network, &roll(&x, by));
            let styles = (here.style / there.style - 1.0).abs();
            let variations = (here.tv / there.tv - 1.0).abs();
            let gradients = distance(&of_rolled, &roll(&gradient, by));
            for error in [styles, variations, gradients] {
                if same {
                    assert!(error < 1e2 * ROUNDING, "{name}: {error:e}");
                } else {
                    assert!(error > 1e-2 * EDGES, "{name}: {error:e}");
                }
            }
        });
    }
}

#[test]
fn on_a_torus_a_rolled_picture_has_the_same_total_variation() {
    let x: Array3<f64> = random((5, 7, 3), 54);
    for by in [(1, 0), (0, 1), (3, 4)] {
        let variation = TotalVariation::new(Padding::Circular);
        let (there, of_rolled) = variation.value_and_gradient(&roll(&x, by));
        let (here, gradient) = variation.value_and_gradient(&x);
        assert!((there / here - 1.0).abs() < ROUNDING);
        assert!(distance(&of_rolled, &roll(&gradient, by)) < ROUNDING);
    }
}

/// VGG-16 with the project's weights. The layer is conv5_1, after four poolings.
#[test]
fn on_a_torus_a_picture_rolled_by_sixteen_pixels_has_the_same_gram_matrices() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/vgg16.safetensors");
    let weights = Weights::load(&Source::File(file.into())).unwrap();
    let depth = weights.architecture().find("conv5_1").unwrap() + 1;
    let x = random((32, 48, 3), 55).mapv(|x: f64| 110.0 * x);
    let rolled = roll(&x, (16, 16));
    let error = |padding| {
        let (engine, pooling) = (EngineKind::default().build(), Pooling::Average);
        let network = Network::<f64>::new(&weights, pooling, padding, depth, engine);
        let [here, there] = [&x, &rolled].map(|x| {
            let activations = network.forward(&network.steps([depth - 1]), x);
            gram::forward(activations.of(depth - 1)).insert_axis(Axis(0))
        });
        distance(&there, &here)
    };
    let (circular, zero) = (error(Padding::Circular), error(Padding::Zero));
    assert!(circular < 1e2 * ROUNDING, "{circular:e}");
    assert!(zero > EDGES, "{zero:e}");
}
