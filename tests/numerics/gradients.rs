//! Every hand-written derivative against central finite differences in f64, and every linear operation against its adjoint.
//!
//! The bound is [`BOUND`] for each; step and error measure are those of `impasto::finite_difference`. Where an operation has
//! kinks, the inputs are chosen, and checked, to lie away from them.

use crate::common::{TINY, inner, random, random_weights};
use impasto::finite_difference::{STEP, relative_error};
use impasto::loss::content::ContentLoss;
use impasto::loss::style::{Sample, Statistic, StyleLoss};
use impasto::loss::{Objective, Region, StylePicture, Tap, Targets, total_variation};
use impasto::network::Network;
use impasto::ops::conv::{Conv, Engine, Padding};
use impasto::ops::pool::Pooling::{self, Average, Max};
use impasto::ops::project::{self, Directions};
use impasto::ops::transport::{self, Masses};
use impasto::ops::workspace::Workspace;
use impasto::ops::{gram, pool, relu};
use impasto::vgg::{Architecture, Block};
use ndarray::{Array1, Array2, Array3, Array4};
use proptest::prelude::*;

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

#[test]
fn convolution_has_the_right_gradient() {
    for (h, w) in SIZES {
        for ((cin, cout), engine) in convolutions() {
            for padding in PADDINGS {
                let kernel: Array4<f64> = random((3, 3, cin, cout), 1);
                let conv = Conv::new(&kernel, random(cout, 2), padding, engine);
                let workspace = Workspace::new(engine);
                let x = random((h, w, cin), 2);
                // L = ⟨dy, y⟩ has dL/dy = dy.
                let dy: Array3<f64> = random((h, w, cout), 3);
                let loss = |x: &Array3<f64>| inner(&dy, &conv.forward(x, &workspace));
                let error = relative_error(&x, &conv.backward(&dy, &workspace), loss);
                assert!(
                    error <= BOUND,
                    "{padding:?} {h}x{w}, {cin} to {cout}: {error:e}"
                );
            }
        }
    }
}

/// Channels and engines: the fast one takes another way from 16 channels on.
fn convolutions() -> Vec<((usize, usize), Engine)> {
    let reference = [(1, 1), (3, 4), (5, 2)].map(|channels| (channels, Engine::Reference));
    let fast = [(3, 4), (5, 17), (16, 16), (19, 35)].map(|channels| (channels, Engine::default()));
    [&reference[..], &fast].concat()
}

/// What networks are made of: a convolution with its ReLU, and with the pooling that follows.
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
            let workspace = Workspace::new(engine);
            let x = random((h, w, cin), 41);
            // Every sum of products moved up or down so far that no ReLU is near its kink.
            let linear = Conv::new(&kernel, Array1::zeros(cout), padding, engine);
            let linear = linear.forward(&x, &workspace);
            let far = linear.iter().fold(1.0, |most: f64, y| most.max(y.abs())) + 0.1;
            let bias = Array1::from_shape_fn(cout, |o| if o % 3 == 0 { -far } else { far });
            let conv = Conv::new(&kernel, bias, padding, engine);
            let (y, mask) = conv.forward_relu(&x, &workspace);
            assert!(y.iter().any(|&y| y > 0.0) == (cout > 1));
            let dy: Array3<f64> = random(y.dim(), 42);
            let dx = conv.backward_relu(&dy, &mask, &workspace);
            // Less the loss at x, so that far values do not hide small differences.
            let loss = |x: &Array3<f64>| inner(&dy, &(conv.forward_relu(x, &workspace).0 - &y));
            let error = relative_error(&x, &dx, loss);
            assert!(
                error <= BOUND,
                "{padding:?} {h}x{w}, {cin} to {cout}: {error:e}"
            );

            let (y, mask) = conv.forward_relu_pool(&x, &workspace);
            let dy: Array3<f64> = random(y.dim(), 43);
            let dx = conv.backward_relu_pool(&dy, &mask, &workspace);
            let loss =
                |x: &Array3<f64>| inner(&dy, &(conv.forward_relu_pool(x, &workspace).0 - &y));
            let error = relative_error(&x, &dx, loss);
            assert!(
                error <= BOUND,
                "{padding:?} pooled {h}x{w}, {cin} to {cout}: {error:e}"
            );
        }
    }
}

#[test]
fn relu_has_the_right_gradient() {
    let workspace = Workspace::default();
    for (h, w) in SIZES {
        // Away from the kink: no element nearer to 0 than 0.1.
        let x = random((h, w, 19), 4).mapv(|x: f64| x + 0.1 * x.signum());
        let dy = random((h, w, 19), 5);
        let y = |x: &Array3<f64>| {
            let mut y = x.clone();
            let mask = relu::forward(&mut y, &workspace);
            (y, mask)
        };
        let dx = relu::backward(&y(&x).1, &dy, &workspace);
        let error = relative_error(&x, &dx, |x| inner(&dy, &y(x).0));
        assert!(error <= BOUND, "{h}x{w}: {error:e}");
    }
}

#[test]
fn pooling_has_the_right_gradient() {
    let workspace = Workspace::default();
    for (h, w) in SIZES {
        for pooling in [Average, Max] {
            let x = distinct(h, w, 3);
            let (y, pooled) = pool::forward(pooling, &x, &workspace);
            let dy = random(y.dim(), 7);
            let dx = pool::backward(&pooled, &dy, &workspace);
            let loss = |x: &Array3<f64>| inner(&dy, &pool::forward(pooling, x, &workspace).0);
            let error = relative_error(&x, &dx, loss);
            assert!(error <= BOUND, "{pooling:?} {h}x{w}: {error:e}");
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
            (4, Engine::Reference),
            (4, Engine::default()),
            (8, Engine::default()),
            (19, Engine::default()),
        ] {
            let workspace = Workspace::new(engine);
            let f = random((h, w, channels), 8);
            let any: Array2<f64> = random((channels, channels), 9);
            let dg = &any + &any.t(); // symmetric, as every loss on Gram matrices has it
            let mut df = Array3::zeros(f.dim());
            gram::add_backward(&f, &dg, 1.0, &mut df, &workspace);
            let loss = |f: &Array3<f64>| (&gram::forward(f, &workspace) * &dg).sum();
            let error = relative_error(&f, &df, loss);
            assert!(error <= BOUND, "{h}x{w}x{channels}: {error:e}");
        }
    }
}

#[test]
fn the_content_loss_has_the_right_gradient() {
    for (h, w) in SIZES {
        let f = random((h, w, 3), 10);
        let loss = ContentLoss::new(random((h, w, 3), 11));
        let mut df = Array3::zeros(f.dim());
        loss.add_gradient(&f, 2.5, &mut df);
        let error = relative_error(&f, &df, |f| 2.5 * loss.value(f));
        assert!(error <= BOUND, "{h}x{w}: {error:e}");
    }
}

/// The mixture of a picture and a part of another, neither of the painting's size.
fn mixture<'a>(
    [first, second]: [&'a Array3<f64>; 2],
    mask: &'a Array2<f64>,
) -> [Sample<'a, f64>; 2] {
    let other = Sample {
        activations: second,
        mask: Some(mask),
        share: 0.4,
    };
    [Sample::whole(first), other]
}

/// Weights from 0 to 1, some of them 0.
fn mask((h, w): (usize, usize), seed: u64) -> Array2<f64> {
    random((h, w), seed).mapv(|w: f64| (w + 0.4).clamp(0.0, 1.0))
}

#[test]
fn every_style_loss_has_the_right_gradient() {
    let activations = |shape, seed| random(shape, seed).mapv(|f: f64| f + 0.5);
    let (first, second) = (activations((6, 5, 4), 13), activations((3, 4, 4), 14));
    let style_mask = mask((3, 4), 15);
    let mixture = mixture([&first, &second], &style_mask);
    for (h, w) in SIZES {
        let f = (100..200)
            .map(|seed| activations((h, w, 4), seed))
            .find(|f| gaps(f) > 10.0 * STEP)
            .expect("one of a hundred has no two projections next to each other");
        for (statistic, engine) in Statistic::ALL.into_iter().flat_map(|statistic| {
            [Engine::Reference, Engine::default()].map(|engine| (statistic, engine))
        }) {
            let workspace = Workspace::new(engine);
            for samples in [&mixture[..1], &mixture] {
                for mask in [None, Some(mask((h, w), 16))] {
                    let case = format!("{statistic} {engine:?} {h}x{w} {mask:?}");
                    let seen = mask.as_ref().is_none_or(|mask| mask.sum() > 0.0);
                    let loss = StyleLoss::new(statistic, samples, mask, &workspace);
                    let residual = loss.residual(&f, &workspace);
                    assert!((residual.loss() > 0.0) == seen, "{case}");
                    let mut df = Array3::zeros(f.dim());
                    loss.add_gradient(&f, &residual, 30.0, &mut df, &workspace);
                    let value = |f: &Array3<f64>| 30.0 * loss.residual(f, &workspace).loss();
                    let error = relative_error(&f, &df, value);
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
        project::forward(f, &directions, p.view_mut());
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
            project::add_backward(dp.view(), &directions, 2.5, &mut df);
            let error = relative_error(&f, &df, |f| {
                let mut p = Array2::zeros(dp.dim());
                project::forward(f, &directions, p.view_mut());
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
            let mut dx = Array3::zeros(x.dim());
            total_variation::add_gradient(&x, padding, 0.5, &mut dx);
            let error = relative_error(&x, &dx, |x| 0.5 * total_variation::value(x, padding));
            assert!(error <= BOUND, "{padding:?} {h}x{w}: {error:e}");
        }
    }
}

#[test]
fn gradients_are_added_to_what_is_there() {
    let f: Array3<f64> = random((3, 4, 2), 15);
    let before: Array3<f64> = random((3, 4, 2), 16);
    let content = ContentLoss::new(random((3, 4, 2), 17));
    let workspace = Workspace::default();
    let target = random((2, 2, 2), 18);
    let losses = Statistic::ALL
        .map(|statistic| StyleLoss::new(statistic, &[Sample::whole(&target)], None, &workspace));
    let styles = losses.each_ref().map(|style| {
        |df: &mut Array3<f64>| {
            style.add_gradient(&f, &style.residual(&f, &workspace), 1.5, df, &workspace)
        }
    });
    type Addition<'a> = &'a dyn Fn(&mut Array3<f64>);
    let [gram, moments, sliced, histogram] = &styles;
    let additions: [Addition; 6] = [
        &|df| content.add_gradient(&f, 1.5, df),
        gram,
        moments,
        sliced,
        histogram,
        &|df| total_variation::add_gradient(&f, Padding::Circular, 1.5, df),
    ];
    for add in additions {
        let mut alone = Array3::zeros(f.dim());
        add(&mut alone);
        let mut on_top = before.clone();
        add(&mut on_top);
        let rest = &on_top - &before - &alone;
        assert!(rest.iter().all(|rest| rest.abs() < 1e-14));
        assert!(alone.iter().any(|g| g.abs() > 1e-3));
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
            for engine in [Engine::Reference, Engine::default()] {
                whole_objective(TINY, (pooling, padding), size, engine, None);
            }
        }
        // Every statistic, with regions and mixtures.
        for statistic in Statistic::ALL {
            for (size, engine) in [
                ((7, 5), Engine::default()),
                ((4, 6), Engine::Reference),
                ((1, 9), Engine::default()),
            ] {
                whole_objective(TINY, (pooling, padding), size, engine, Some(statistic));
            }
        }
        // Wide enough for the fast engine to take Winograd's way. More ReLUs: smaller pictures, or all have a kink nearby.
        for size in [(4, 3), (1, 6), (5, 1)] {
            whole_objective(WIDE, (pooling, padding), size, Engine::default(), None);
        }
    }
}

/// Three blocks with as many channels as Winograd's way takes at the least, and some more.
const WIDE: Architecture = Architecture {
    name: "wide VGG",
    blocks: &[Block::new(2, 16), Block::new(2, 18), Block::new(1, 17)],
};

fn whole_objective(
    architecture: Architecture,
    how: (Pooling, Padding),
    size: (usize, usize),
    engine: Engine,
    regions: Option<Statistic>,
) {
    let (network, objective) = objective(architecture, how, size, engine, regions);
    let ranked = matches!(regions, Some(Statistic::Sliced | Statistic::Histogram));
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
    engine: Engine,
    regions: Option<Statistic>,
) -> (Network<f64>, Objective<f64>) {
    let weights = random_weights(architecture, 20);
    let network = Network::new(&weights, pooling, padding, weights.depth(), engine);
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
    let (here, style_mask) = (mask((h, w), 25), mask((5, 4), 26));
    let there = here.mapv(|w| 1.0 - w);
    let whole = [StylePicture::whole(&style)];
    let part = StylePicture {
        picture: &other,
        mask: Some(&style_mask),
        share: 0.7,
    };
    let (mixture, part) = ([whole[0], part], [part]);
    let region = |styles, mask| Region { styles, mask };
    let both = [region(&mixture, Some(&here)), region(&part, Some(&there))];
    let everywhere = [Region::everywhere(&whole)];
    let content = random((h, w, 3), 21);
    let targets = Targets {
        content: Some((&content, &content_taps)),
        regions: if regions.is_some() {
            &both[..]
        } else {
            &everywhere
        },
        style_taps: &style_taps,
        statistic: regions.unwrap_or_default(),
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
    let workspace = Workspace::default();
    let activations = network.forward(x, layers.len(), |_| true);
    let mut switches = Vec::new();
    for layer in 0..layers.len() {
        let y = activations.of(layer);
        switches.extend(y.iter().map(|&y| usize::from(y > 0.0)));
        // Where a gradient of ones would go: to the first of the largest.
        let (largest, pooled) = pool::forward(Max, y, &workspace);
        let winners = pool::backward(&pooled, &Array3::ones(largest.dim()), &workspace);
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
        Engine::Reference,
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

    // And a plausible mistake in an operation: the kernel not turned by 180° on the way back.
    let kernel: Array4<f64> = random((3, 3, 2, 2), 30);
    let no_bias = Array1::zeros(2);
    let swapped = kernel.clone().permuted_axes([0, 1, 3, 2]);
    let swapped = swapped.as_standard_layout().into_owned();
    let unturned = Conv::new(&swapped, no_bias.clone(), Padding::Zero, Engine::Reference);
    let conv = Conv::new(&kernel, no_bias, Padding::Zero, Engine::Reference);
    let (x, dy) = (random((4, 5, 2), 31), random((4, 5, 2), 32));
    let workspace = Workspace::default();
    let loss = |x: &Array3<f64>| inner(&dy, &conv.forward(x, &workspace));
    assert!(relative_error(&x, &conv.backward(&dy, &workspace), loss) <= BOUND);
    assert!(relative_error(&x, &unturned.forward(&dy, &workspace), loss) > BOUND);
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
        let engine = if seed.is_multiple_of(2) { Engine::default() } else { Engine::Reference };
        let workspace = Workspace::new(engine);
        let x = random((h, w, cin), seed ^ 1);
        let y = random((h, w, cout), seed ^ 2);
        for padding in PADDINGS {
            let conv = Conv::new(&kernel, Array1::zeros(cout), padding, engine); // linear without the bias
            let (ax, aty) = (conv.forward(&x, &workspace), conv.backward(&y, &workspace));
            prop_assert!(adjoint(&ax, &y, &x, &aty), "{padding:?}");
        }
    }

    #[test]
    fn average_pooling_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let x = random((h, w, c), seed);
        let workspace = Workspace::default();
        let (ax, pooled) = pool::forward(Average, &x, &workspace);
        let y = random(ax.dim(), seed ^ 1);
        prop_assert!(adjoint(&ax, &y, &x, &pool::backward(&pooled, &y, &workspace)));
    }

    /// With the winners fixed, max pooling is linear too: it copies some elements of x.
    #[test]
    fn max_pooling_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let x = random((h, w, c), seed);
        let workspace = Workspace::default();
        let (ax, pooled) = pool::forward(Max, &x, &workspace);
        let y = random(ax.dim(), seed ^ 1);
        prop_assert!(adjoint(&ax, &y, &x, &pool::backward(&pooled, &y, &workspace)));
    }

    /// With its mask fixed, so is ReLU.
    #[test]
    fn relu_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let x: Array3<f64> = random((h, w, c), seed);
        let workspace = Workspace::default();
        let mut y = x.clone();
        let mask = relu::forward(&mut y, &workspace);
        let dy = random(x.dim(), seed ^ 1);
        let dx = relu::backward(&mask, &dy, &workspace);
        prop_assert!(adjoint(&y, &dy, &x, &dx));
    }

    /// The derivative of total variation is linear in x, and its matrix is symmetric.
    #[test]
    fn the_gradient_of_total_variation_is_self_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let (x, y) = (random((h, w, c), seed), random((h, w, c), seed ^ 1));
        for padding in PADDINGS {
            let gradient = |x: &Array3<f64>| {
                let mut dx = Array3::zeros(x.dim());
                total_variation::add_gradient(x, padding, 1.0, &mut dx);
                dx
            };
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
        gram::add_backward(&f, &dg, 1.0, &mut back, &Workspace::default());
        let as_array = |m: Array2<f64>| m.into_shape_with_order((1, c, c)).unwrap();
        prop_assert!(adjoint(&as_array(derivative), &as_array(dg), &v, &back));
    }
}
