//! Every hand-written derivative against central finite differences in f64, and every linear operation against its adjoint.
//!
//! The bound is [`BOUND`] for each; step and error measure are those of `impasto::method::finite_difference`. Where an operation has
//! kinks, the inputs are chosen, and checked, to lie away from them.

use crate::common::{TINY, WIDE, inner, linear_conv, random, random_weights, run_layer};
use impasto::engine::{Engine, EngineKind};
use impasto::method::finite_difference::{STEP, relative_error};
use impasto::method::pool::Pooling::{self, Average, Max};
use impasto::method::style::projection::{self, Directions};
use impasto::method::style::transport::{self, Masses};
use impasto::method::style::{Features, RegionLoss, RegionLossBuilder};
use impasto::method::{ContentLoss, Loss, Padding, PlainProducts, StyleLossKind, TotalVariation};
use impasto::method::{conv, gram, pool, relu};
use impasto::network::Network;
use impasto::objective::{Objective, Region, Style, Tap, Targets};
use impasto::vgg::Architecture;
use ndarray::{Array1, Array2, Array3, Array4};
use proptest::prelude::*;
use std::sync::Arc;

const BOUND: f64 = 1e-6;

/// Sizes that have what goes wrong: one pixel, one row, one column, odd and even edges.
const SIZES: [(usize, usize); 8] = [
    (1, 1),
    (1, 7),
    (6, 1),
    (2, 2),
    (3, 3),
    (5, 4),
    (4, 7),
    (9, 5),
];

const PADDINGS: [Padding; 2] = [Padding::Zero, Padding::Circular];

fn engines() -> [EngineKind; 2] {
    [EngineKind::Reference, EngineKind::default()]
}

#[test]
fn convolution_has_the_right_gradient() {
    for (h, w) in SIZES {
        for ((cin, cout), engine) in convolutions() {
            for padding in PADDINGS {
                let kernel: Array4<f64> = random((3, 3, cin, cout), 1);
                let conv = linear_conv(&kernel, &random(cout, 2), padding, engine);
                let x = random((h, w, cin), 2);
                // L = ⟨dy, y⟩ has dL/dy = dy.
                let dy: Array3<f64> = random((h, w, cout), 3);
                let loss = |x: &Array3<f64>| inner(&dy, &(conv.forward)(x));
                let error = relative_error(&x, &(conv.backward)(&dy), loss);
                assert!(
                    error <= BOUND,
                    "{padding:?} {h}x{w}, {cin} to {cout}: {error:e}"
                );
            }
        }
    }
}

/// Channels and engines: the fast one uses another algorithm from 16 channels on.
fn convolutions() -> Vec<((usize, usize), EngineKind)> {
    let reference = [(1, 1), (3, 4), (5, 2)].map(|channels| (channels, EngineKind::Reference));
    let fast = [(3, 4), (5, 17), (16, 16), (19, 35)];
    let fast = fast.map(|channels| (channels, EngineKind::default()));
    [&reference[..], &fast].concat()
}

/// The layers of networks: a convolution with its ReLU, and with the pooling that follows.
#[test]
fn convolution_relu_and_pooling_together_have_the_right_gradient() {
    for padding in PADDINGS {
        convolution_relu_and_pooling(padding);
    }
}

fn convolution_relu_and_pooling(padding: Padding) {
    for (h, w) in SIZES {
        for ((cin, cout), engine) in convolutions() {
            let kernel: Array4<f64> = random((3, 3, cin, cout), 40);
            let x = random((h, w, cin), 41);
            // The bias moves every sum so far up or down that no ReLU is near its kink.
            let linear = linear_conv(&kernel, &Array1::zeros(cout), padding, engine);
            let linear = (linear.forward)(&x);
            let far = linear.iter().fold(1.0, |most: f64, y| most.max(y.abs())) + 0.1;
            let bias = Array1::from_shape_fn(cout, |o| if o % 3 == 0 { -far } else { far });
            let conv = engine.build().conv_relu(&kernel, &bias, padding);
            for pooled in [false, true] {
                let forward = |x: &Array3<f64>| {
                    let x = Arc::new(x.clone());
                    if pooled {
                        conv.forward_pooled(&x)
                    } else {
                        conv.forward(&x)
                    }
                };
                let pass = forward(&x);
                let y = pass.output;
                assert!(y.iter().any(|&y| y > 0.0) == (cout > 1));
                let dy: Array3<f64> = random(y.dim(), 42);
                let dx = pass.back.backward(&dy);
                // Less the loss at x, so that large values do not hide small differences.
                let loss = |x: &Array3<f64>| inner(&dy, &(&*forward(x).output - &*y));
                let error = relative_error(&x, &dx, loss);
                assert!(
                    error <= BOUND,
                    "{padding:?} pooled: {pooled}, {h}x{w}, {cin} to {cout}: {error:e}"
                );
            }
        }
    }
}

#[test]
fn relu_has_the_right_gradient() {
    for (h, w) in SIZES {
        // Away from the kink: no element nearer to 0 than 0.1.
        let x = random((h, w, 19), 4).mapv(|x: f64| x + 0.1 * x.signum());
        let dy = random((h, w, 19), 5);
        let dx = relu::backward(&relu::forward(x.clone()), &dy);
        let error = relative_error(&x, &dx, |x| inner(&dy, &relu::forward(x.clone())));
        assert!(error <= BOUND, "{h}x{w}: {error:e}");
    }
}

#[test]
fn pooling_has_the_right_gradient() {
    for (h, w) in SIZES {
        for pooling in [Average, Max] {
            let x = distinct(h, w, 3);
            let dy = random(pool::forward(pooling, &x).dim(), 7);
            for engine in engines() {
                let layer = engine.build::<f64>().pool(pooling);
                let dx = run_layer(&*layer, &x).back.backward(&dy);
                let loss = |x: &Array3<f64>| inner(&dy, &run_layer(&*layer, x).output);
                let error = relative_error(&x, &dx, loss);
                assert!(error <= BOUND, "{pooling:?} {engine:?} {h}x{w}: {error:e}");
            }
        }
    }
}

/// Numbers in random order that differ by far more than the step, so that max pooling has no ties.
fn distinct(h: usize, w: usize, channels: usize) -> Array3<f64> {
    let noise: Array3<f64> = random((h, w, channels), 6);
    let mut order: Vec<usize> = (0..noise.len()).collect();
    let noise = noise.into_raw_vec_and_offset().0;
    order.sort_by(|&a, &b| noise[a].total_cmp(&noise[b]));
    let mut x = vec![0.0; order.len()];
    for (rank, at) in order.into_iter().enumerate() {
        x[at] = rank as f64 / noise.len() as f64 - 0.5;
    }
    assert!(1.0 / noise.len() as f64 > 100.0 * STEP);
    Array3::from_shape_vec((h, w, channels), x).unwrap()
}

#[test]
fn the_gram_matrix_has_the_right_gradient() {
    for (h, w) in SIZES {
        for (channels, engine) in [
            (4, EngineKind::Reference),
            (4, EngineKind::default()),
            (8, EngineKind::default()),
            (19, EngineKind::default()),
        ] {
            let engine = engine.build();
            let f = random((h, w, channels), 8);
            let any: Array2<f64> = random((channels, channels), 9);
            let dg = &any + &any.t(); // symmetric, as every loss on Gram matrices has it
            let mut df = Array3::zeros(f.dim());
            engine.add_gram_backward(&f, &dg, 1.0, &mut df);
            let loss = |f: &Array3<f64>| (&engine.gram(f) * &dg).sum();
            let error = relative_error(&f, &df, loss);
            assert!(error <= BOUND, "{h}x{w}x{channels}: {error:e}");
        }
    }
}

/// The largest relative error of 2.5 times a loss's gradient at `f`.
fn error_of(loss: &dyn Loss<f64>, f: &Array3<f64>, engine: &dyn Engine<f64>) -> f64 {
    let mut df = Array3::zeros(f.dim());
    let value = loss.add_gradient(f, 2.5, &mut df, engine);
    assert_eq!(value, value_of(loss, f, engine));
    relative_error(f, &df, |f| 2.5 * value_of(loss, f, engine))
}

fn value_of(loss: &dyn Loss<f64>, f: &Array3<f64>, engine: &dyn Engine<f64>) -> f64 {
    loss.add_gradient(f, 0.0, &mut Array3::zeros(f.dim()), engine)
}

#[test]
fn the_content_loss_has_the_right_gradient() {
    for (h, w) in SIZES {
        let f = random((h, w, 3), 10);
        let loss = ContentLoss::new(random((h, w, 3), 11));
        let error = error_of(&loss, &f, &*EngineKind::Reference.build());
        assert!(error <= BOUND, "{h}x{w}: {error:e}");
    }
}

/// Paintings of other sizes than the painted picture's: a whole one, and a part of another.
struct Paintings {
    first: Array3<f64>,
    second: Array3<f64>,
    mask: Array2<f64>,
}

impl Paintings {
    /// The style loss against the first painting, or against a mixture of both.
    fn loss(
        &self,
        kind: StyleLossKind,
        mixed: bool,
        mask: Option<Array2<f64>>,
        engine: &dyn Engine<f64>,
    ) -> RegionLoss<f64> {
        let mut loss = RegionLossBuilder::new(kind);
        loss.add_painting(Features::new(&self.first, None), 1.0, engine);
        if mixed {
            let part = Features::new(&self.second, Some(&self.mask));
            loss.add_painting(part, 0.4, engine);
        }
        loss.finish(mask)
    }
}

/// Weights from 0 to 1, some of them 0.
fn mask((h, w): (usize, usize), seed: u64) -> Array2<f64> {
    random((h, w), seed).mapv(|w: f64| (w + 0.4).clamp(0.0, 1.0))
}

#[test]
fn every_style_loss_has_the_right_gradient() {
    let activations = |shape, seed| random(shape, seed).mapv(|f: f64| f + 0.5);
    let paintings = Paintings {
        first: activations((6, 5, 4), 13),
        second: activations((3, 4, 4), 14),
        mask: mask((3, 4), 15),
    };
    for (h, w) in SIZES {
        let f = (100..200)
            .map(|seed| activations((h, w, 4), seed))
            .find(|f| gaps(f) > 10.0 * STEP)
            .expect("one of a hundred has no two projections next to each other");
        for (&kind, engine) in
            (StyleLossKind::ALL.iter()).flat_map(|kind| engines().map(|engine| (kind, engine)))
        {
            let built = engine.build();
            for mixed in [false, true] {
                for mask in [None, Some(mask((h, w), 16))] {
                    let case = format!("{kind} {engine:?} {h}x{w} {mask:?}");
                    let seen = mask.as_ref().is_none_or(|mask| mask.sum() > 0.0);
                    let loss = paintings.loss(kind, mixed, mask, &*built);
                    assert!((value_of(&loss, &f, &*built) > 0.0) == seen, "{case}");
                    let error = error_of(&loss, &f, &*built);
                    assert!(error <= BOUND, "{case}: {error:e}");
                }
            }
        }
    }
}

/// The smallest distance between two positions' projections, on an axis or on a direction of the random basis.
fn gaps(f: &Array3<f64>) -> f64 {
    let mut smallest = f64::INFINITY;
    for p in projections(f) {
        for p in p.rows() {
            let mut p = p.to_vec();
            p.sort_by(f64::total_cmp);
            smallest = p.windows(2).map(|p| p[1] - p[0]).fold(smallest, f64::min);
        }
    }
    smallest
}

/// On the axes and on the random basis.
fn projections(f: &Array3<f64>) -> [Array2<f64>; 2] {
    let (h, w, channels) = f.dim();
    [Directions::Axes, Directions::random_basis(channels)].map(|directions| {
        let mut p = Array2::zeros((channels, h * w));
        projection::forward(f, &directions, p.view_mut());
        p
    })
}

#[test]
fn projections_have_the_right_gradient() {
    for (h, w) in SIZES {
        for directions in [Directions::Axes, Directions::random_basis(3)] {
            let f = random((h, w, 3), 17);
            let dp: Array2<f64> = random((3, h * w), 18);
            let mut df = Array3::zeros(f.dim());
            projection::add_backward(dp.view(), &directions, 2.5, &mut df);
            let error = relative_error(&f, &df, |f| {
                let mut p = Array2::zeros(dp.dim());
                projection::forward(f, &directions, p.view_mut());
                2.5 * (&p * &dp).sum()
            });
            assert!(error <= BOUND, "{h}x{w}: {error:e}");
        }
    }
}

#[test]
fn transport_has_the_right_gradient() {
    for (count, steps) in [(1, 1), (1, 5), (7, 1), (7, 7), (12, 5), (5, 12), (40, 23)] {
        let target: Vec<f64> = random(steps, 19).to_vec();
        let all = |values: &[f64]| Masses {
            weights: None,
            total: values.len() as f64,
        };
        let target = transport::quantiles(&target, all(&target), steps);
        let mut weights = mask((1, count), 23).into_raw_vec_and_offset().0;
        weights[count / 2] = 1.0;
        let masses = Masses {
            total: weights.iter().sum(),
            weights: Some(&weights),
        };
        let x = distinct(1, count, 1);
        for masses in [all(x.as_slice().unwrap()), masses] {
            let transported = |x: &Array3<f64>| {
                let mut x = x.clone();
                let values = x.as_slice_mut().unwrap();
                let cost = transport::transport(values, masses, &target, &mut Vec::new());
                (cost, x)
            };
            let dx = transported(&x).1 * 2.0;
            let error = relative_error(&x, &dx, |x| transported(x).0);
            assert!(error <= BOUND, "{count} to {steps}: {error:e}");
        }
    }
}

#[test]
fn total_variation_has_the_right_gradient() {
    for (h, w) in SIZES {
        for padding in PADDINGS {
            let x = random((h, w, 3), 14);
            let error = error_of(
                &TotalVariation(padding),
                &x,
                &*EngineKind::Reference.build(),
            );
            assert!(error <= BOUND, "{padding:?} {h}x{w}: {error:e}");
        }
    }
}

#[test]
fn gradients_are_added_to_what_is_there() {
    let f: Array3<f64> = random((3, 4, 2), 15);
    let before: Array3<f64> = random((3, 4, 2), 16);
    let painting = random((2, 2, 2), 18);
    let mut losses: Vec<Box<dyn Loss<f64>>> = vec![
        Box::new(ContentLoss::new(random((3, 4, 2), 17))),
        Box::new(TotalVariation(Padding::Circular)),
    ];
    for &kind in StyleLossKind::ALL {
        let mut loss = RegionLossBuilder::new(kind);
        loss.add_painting(Features::new(&painting, None), 1.0, &PlainProducts);
        losses.push(Box::new(loss.finish(None)));
    }
    for loss in losses {
        let engine = EngineKind::default().build();
        let mut alone = Array3::zeros(f.dim());
        loss.add_gradient(&f, 1.5, &mut alone, &*engine);
        let mut on_top = before.clone();
        loss.add_gradient(&f, 1.5, &mut on_top, &*engine);
        let rest = &on_top - &before - &alone;
        assert!(rest.iter().all(|rest| rest.abs() < 1e-14));
        assert!(alone.iter().any(|g| g.abs() > 1e-3));
        // The short form computes the same.
        let (_, gradient) = loss.value_and_gradient(&f);
        let difference = (gradient * 1.5 - &alone).mapv(f64::abs).sum();
        assert!(difference < 1e-12);
    }
}

/// From the pixels through every kind of layer to content, style and total variation at once.
#[test]
fn the_whole_objective_has_the_right_gradient() {
    for (pooling, padding) in [Average, Max]
        .into_iter()
        .flat_map(|p| PADDINGS.map(|q| (p, q)))
    {
        // The third and fourth are one pixel wide or high; all but the second have odd edges at some depth.
        for size in [(7, 5), (8, 8), (1, 9), (6, 1), (1, 1)] {
            for engine in engines() {
                whole_objective(TINY, (pooling, padding), size, engine, None);
            }
        }
        // Every style loss, with regions and mixtures.
        for &kind in StyleLossKind::ALL {
            for (size, engine) in [
                ((7, 5), EngineKind::default()),
                ((4, 6), EngineKind::Reference),
                ((1, 9), EngineKind::default()),
            ] {
                whole_objective(TINY, (pooling, padding), size, engine, Some(kind));
            }
        }
        // Wide enough for Winograd's algorithm. More ReLUs need smaller pictures, or all have a kink nearby.
        for size in [(4, 3), (1, 6), (5, 1)] {
            whole_objective(WIDE, (pooling, padding), size, EngineKind::default(), None);
        }
    }
}

fn whole_objective(
    architecture: Architecture,
    how: (Pooling, Padding),
    size: (usize, usize),
    engine: EngineKind,
    regions: Option<StyleLossKind>,
) {
    let (network, objective) = objective(architecture, how, size, engine, regions);
    let ranked = matches!(
        regions,
        Some(StyleLossKind::Sliced | StyleLossKind::Histogram)
    );
    let x = away_from_kinks(architecture, &network, size, ranked);
    let (losses, gradient) = objective.evaluate(&network, &x);
    assert!(losses.content > 0.0 && losses.style > 0.0);
    assert!(losses.tv > 0.0 || size == (1, 1));
    let error = relative_error(&x, &gradient, |x| objective.evaluate(&network, x).0.total());
    let name = architecture.name;
    assert!(
        error <= BOUND,
        "{name} {engine:?} {how:?} {size:?} {regions:?}: {error:e}"
    );
}

/// Taps in every block, at convolutions and pools, two of them on one layer; a painting of another size. Either Gram matrices of
/// all of it, or two regions, which share their border, each with a mixture of its own.
fn objective(
    architecture: Architecture,
    (pooling, padding): (Pooling, Padding),
    (h, w): (usize, usize),
    engine: EngineKind,
    regions: Option<StyleLossKind>,
) -> (Network<f64>, Objective<f64>) {
    let weights = random_weights(architecture, 20);
    let network = Network::new(&weights, pooling, padding, weights.depth(), engine.build());
    let tap = |name: &str, weight| Tap {
        layer: architecture.find(name).unwrap(),
        weight,
    };
    let content_taps = [tap("conv2_2", 1.0), tap("pool1", 0.5)];
    let style_taps = [
        tap("conv1_1", 20.0),
        tap("pool1", 30.0),
        tap("conv2_2", 40.0),
        tap("conv3_1", 50.0),
        tap("pool3", 10.0),
    ];
    let (style, other): (Array3<f64>, Array3<f64>) = (random((6, 9, 3), 22), random((5, 4, 3), 24));
    let here = mask((h, w), 25);
    let there = here.mapv(|w| 1.0 - w);
    let part = Style {
        picture: other,
        mask: Some(mask((5, 4), 26)),
        share: 0.7,
    };
    let regions_or_all = if regions.is_some() {
        let region = |styles, mask| Region { styles, mask };
        vec![
            region(vec![Style::whole(style), part.clone()], Some(here)),
            region(vec![part], Some(there)),
        ]
    } else {
        vec![Region::everywhere(vec![Style::whole(style)])]
    };
    let content = random((h, w, 3), 21);
    let targets = Targets {
        content: Some((&content, &content_taps)),
        regions: &regions_or_all,
        style_taps: &style_taps,
        style_loss: regions.unwrap_or_default(),
        tv_weight: 0.3,
        normalize: false,
    };
    let objective = Objective::new(&network, targets);
    (network, objective)
}

/// A picture at which no step of the finite differences switches a ReLU, moves a maximum or, if `ranked`, lets two projections
/// change their order: found by trying seeds, and verified.
fn away_from_kinks(
    architecture: Architecture,
    network: &Network<f64>,
    (h, w): (usize, usize),
    ranked: bool,
) -> Array3<f64> {
    let smooth = |x: &Array3<f64>| {
        let here = switches(architecture, network, x, ranked);
        let mut moved = x.clone();
        (0..x.len()).all(|at| {
            let pixel = x.as_slice().unwrap()[at];
            // Ten steps away, not just one.
            [10.0 * STEP, -10.0 * STEP].into_iter().all(|step| {
                moved.as_slice_mut().unwrap()[at] = pixel + step;
                let there = switches(architecture, network, &moved, ranked);
                moved.as_slice_mut().unwrap()[at] = pixel;
                here == there
            })
        })
    };
    (1000..1100)
        .map(|seed| random((h, w, 3), seed))
        .find(smooth)
        .expect("one seed of a hundred gives a picture away from all kinks")
}

/// Which ReLUs are open and, for max pooling, which position of each cell holds the maximum; if `ranked`, the positions in the order
/// of their projections as well.
fn switches(
    architecture: Architecture,
    network: &Network<f64>,
    x: &Array3<f64>,
    ranked: bool,
) -> Vec<usize> {
    let layers = architecture.layers();
    let activations = network.forward(&network.steps(0..layers.len()), x);
    let mut switches = Vec::new();
    for layer in 0..layers.len() {
        let y = activations.of(layer);
        switches.extend(y.iter().map(|&y| usize::from(y > 0.0)));
        // Where a gradient of ones would go: to the first of the largest.
        let largest = pool::forward(Max, y);
        let winners = pool::backward(Max, y, &Array3::ones(largest.dim()));
        let open = winners.iter().zip(y).filter(|(_, y)| **y > 0.0);
        switches.extend(open.map(|(&winner, _)| usize::from(winner > 0.0)));
        for p in projections(y).iter().filter(|_| ranked) {
            for p in p.rows() {
                let mut order: Vec<usize> = (0..p.len()).collect();
                order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
                switches.extend(order);
            }
        }
    }
    switches
}

#[test]
fn the_check_catches_a_wrong_derivative() {
    let (network, objective) = objective(
        TINY,
        (Average, Padding::Zero),
        (7, 5),
        EngineKind::Reference,
        None,
    );
    let x = away_from_kinks(TINY, &network, (7, 5), false);
    let loss = |x: &Array3<f64>| objective.evaluate(&network, x).0.total();
    let right = objective.evaluate(&network, &x).1;
    assert!(relative_error(&x, &right, loss) <= BOUND);

    type Mutilation = (&'static str, fn(&mut Array3<f64>));
    let mutilations: [Mutilation; 5] = [
        ("all of it three millionths off", |g| *g *= 1.0 + 3e-6),
        ("one element off by a ten-thousandth", |g| {
            g[[3, 2, 1]] *= 1.0 + 1e-4
        }),
        ("one element of the wrong sign", |g| g[[0, 0, 0]] *= -1.0),
        ("two elements exchanged", |g| g.swap([1, 1, 0], [1, 2, 0])),
        ("a NaN", |g| g[[6, 4, 2]] = f64::NAN),
    ];
    for (how, mutilate) in mutilations {
        let mut wrong = right.clone();
        mutilate(&mut wrong);
        assert!(relative_error(&x, &wrong, loss) > BOUND, "{how}");
    }

    // And a plausible mistake in an operation: the kernel is not rotated by 180° on the way back.
    let kernel: Array4<f64> = random((3, 3, 2, 2), 30);
    let no_bias = Array1::zeros(2);
    let swapped = kernel.clone().permuted_axes([0, 1, 3, 2]);
    let (x, dy) = (random((4, 5, 2), 31), random((4, 5, 2), 32));
    let forward = |x: &Array3<f64>, kernel| conv::forward(x, kernel, &no_bias, Padding::Zero);
    let loss = |x: &Array3<f64>| inner(&dy, &forward(x, &kernel));
    let right = conv::backward(&dy, &kernel, Padding::Zero);
    assert!(relative_error(&x, &right, loss) <= BOUND);
    assert!(relative_error(&x, &forward(&dy, &swapped), loss) > BOUND);
}

/// ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ up to rounding.
fn adjoint(ax: &Array3<f64>, y: &Array3<f64>, x: &Array3<f64>, aty: &Array3<f64>) -> bool {
    let (left, right) = (inner(ax, y), inner(x, aty));
    let scale = inner(&ax.mapv(f64::abs), &y.mapv(f64::abs));
    (left - right).abs() <= 1e-13 * scale.max(1.0)
}

proptest! {
    #[test]
    fn convolution_and_its_backward_pass_are_adjoint(
        (h, w) in (1usize..20, 1usize..20), (cin, cout) in (1usize..24, 1usize..24), seed: u64,
    ) {
        let kernel: Array4<f64> = random((3, 3, cin, cout), seed);
        let engine = engines()[(seed % 2) as usize];
        let x = random((h, w, cin), seed ^ 1);
        let y = random((h, w, cout), seed ^ 2);
        for padding in PADDINGS {
            let conv = linear_conv(&kernel, &Array1::zeros(cout), padding, engine); // linear without the bias
            let (ax, aty) = ((conv.forward)(&x), (conv.backward)(&y));
            prop_assert!(adjoint(&ax, &y, &x, &aty), "{padding:?}");
        }
    }

    /// With the winners fixed, max pooling is linear too: it copies some elements of x.
    #[test]
    fn pooling_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let x = random((h, w, c), seed);
        for pooling in [Average, Max] {
            for engine in engines() {
                let layer = engine.build::<f64>().pool(pooling);
                let pass = run_layer(&*layer, &x);
                let y = random(pass.output.dim(), seed ^ 1);
                let aty = pass.back.backward(&y);
                prop_assert!(adjoint(&pass.output, &y, &x, &aty), "{pooling:?} {engine:?}");
            }
        }
    }

    /// With its signs fixed, so is ReLU.
    #[test]
    fn relu_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let x: Array3<f64> = random((h, w, c), seed);
        let y = relu::forward(x.clone());
        let dy = random(x.dim(), seed ^ 1);
        prop_assert!(adjoint(&y, &dy, &x, &relu::backward(&y, &dy)));
    }

    /// The derivative of total variation is linear in x, and its matrix is symmetric.
    #[test]
    fn the_gradient_of_total_variation_is_self_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let (x, y) = (random((h, w, c), seed), random((h, w, c), seed ^ 1));
        for padding in PADDINGS {
            let gradient = |x: &Array3<f64>| TotalVariation(padding).value_and_gradient(x).1;
            prop_assert!(adjoint(&gradient(&x), &y, &x, &gradient(&y)), "{padding:?}");
        }
    }

    /// The derivative of the Gram matrix in the direction V is VᵀF + FᵀV, and that is what backward is the adjoint of.
    #[test]
    fn the_derivative_of_the_gram_matrix_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..12, 1usize..12, 1usize..8), seed: u64,
    ) {
        let f: Array3<f64> = random((h, w, c), seed);
        let v: Array3<f64> = random((h, w, c), seed ^ 1);
        let any: Array2<f64> = random((c, c), seed ^ 2);
        let dg = &any + &any.t();
        let product = gram::matrix(&v).t().dot(&gram::matrix(&f));
        let derivative = &product + &product.t();
        let mut back = Array3::zeros(f.dim());
        EngineKind::default().build().add_gram_backward(&f, &dg, 1.0, &mut back);
        let as_array = |m: Array2<f64>| m.into_shape_with_order((1, c, c)).unwrap();
        prop_assert!(adjoint(&as_array(derivative), &as_array(dg), &v, &back));
    }
}
