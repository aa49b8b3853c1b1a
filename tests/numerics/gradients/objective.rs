//! The whole objective: from the pixels through every kind of layer to content, style and total variation at once.

use super::{BOUND, PADDINGS, engines, mask, projections};
use crate::common::{TINY, WIDE, inner, on_one_thread, random, random_weights};
use impasto::engine::EngineKind;
use impasto::method::finite_difference::{STEP, relative_error};
use impasto::method::pool::Pooling::{self, Average, Max};
use impasto::method::{Padding, StyleLossKind, conv, pool};
use impasto::network::Network;
use impasto::objective::{Compared, Objective, Region, Style, Tap, Targets};
use impasto::vgg::Architecture;
use ndarray::{Array1, Array2, Array3, Array4};

/// A network, what it minimizes, and the size of the painted picture.
#[derive(Clone, Copy, Debug)]
struct Case {
    architecture: Architecture,
    pooling: Pooling,
    padding: Padding,
    size: (usize, usize),
    engine: EngineKind,
    /// `None`: Gram matrices of the whole picture. Otherwise this loss in two regions.
    regions: Option<StyleLossKind>,
}

#[test]
fn the_whole_objective_has_the_right_gradient() {
    on_one_thread(|| {
        for pooling in [Average, Max] {
            for padding in PADDINGS {
                cases(pooling, padding).into_iter().for_each(check);
            }
        }
    });
}

fn cases(pooling: Pooling, padding: Padding) -> Vec<Case> {
    let case = |architecture, size, engine, regions| Case {
        architecture,
        pooling,
        padding,
        size,
        engine,
        regions,
    };
    let mut cases = Vec::new();
    // The third and fourth are one pixel wide or high; all but the second have odd edges at some depth.
    for size in [(7, 5), (8, 8), (1, 9), (6, 1), (1, 1)] {
        cases.extend(engines().map(|engine| case(TINY, size, engine, None)));
    }
    // Every style loss, with regions and mixtures.
    for &kind in StyleLossKind::ALL {
        for (size, engine) in [
            ((7, 5), EngineKind::default()),
            ((4, 6), EngineKind::Reference),
            ((1, 9), EngineKind::default()),
        ] {
            cases.push(case(TINY, size, engine, Some(kind)));
        }
    }
    // Wide enough for Winograd's algorithm. With so many ReLUs only small pictures are away from all kinks.
    for size in [(4, 3), (1, 6), (5, 1)] {
        cases.push(case(WIDE, size, EngineKind::default(), None));
    }
    cases
}

fn check(case: Case) {
    let (network, objective) = objective(case);
    let x = away_from_kinks(case, &network);
    let (losses, gradient) = objective.evaluate(&network, &x);
    assert!(losses.content > 0.0 && losses.style > 0.0);
    assert!(losses.tv > 0.0 || case.size == (1, 1));
    let error = relative_error(&x, &gradient, |x| objective.evaluate(&network, x).0.total());
    assert!(error <= BOUND, "{case:?}: {error:e}");
}

/// Taps in every block, at convolutions and pools, two of them on one layer. The painting has another size than the picture.
fn objective(case: Case) -> (Network<f64>, Objective<f64>) {
    let architecture = case.architecture;
    let weights = random_weights(architecture, 20);
    let engine = case.engine.build();
    let network = Network::new(
        &weights,
        case.pooling,
        case.padding,
        weights.depth(),
        engine,
    );
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
    let (h, w) = case.size;
    let content = random((h, w, 3), 21);
    let painting = random((6, 9, 3), 22);
    let regions = match case.regions {
        Some(_) => two_regions(painting, case.size),
        None => vec![Region::everywhere(vec![Style::whole(painting)])],
    };
    let targets = Targets {
        content: Some((&content, &content_taps)),
        regions: &regions,
        style_taps: &style_taps,
        compared: Compared::Layers,
        style_loss: case.regions.unwrap_or_default(),
        tv_weight: 0.3,
        tv_diagonals: 0.25,
        normalize: false,
    };
    let objective = Objective::new(&network, targets);
    (network, objective)
}

/// Two regions that share their border. The style of the first is a mixture of the painting and part of another, that of the second
/// the part alone.
fn two_regions(
    painting: Array3<f64>,
    size: (usize, usize),
) -> Vec<Region<Array3<f64>, Array2<f64>>> {
    let here = mask(size, 25);
    let there = here.mapv(|w| 1.0 - w);
    let part = Style {
        picture: random((5, 4, 3), 24),
        mask: Some(mask((5, 4), 26)),
        share: 0.7,
    };
    let region = |styles, mask| Region { styles, mask };
    vec![
        region(vec![Style::whole(painting), part.clone()], Some(here)),
        region(vec![part], Some(there)),
    ]
}

/// A picture at which no step of the finite differences switches a ReLU or moves a maximum. With regions, no step changes the order
/// of two projections either: style losses may depend on it. A new style loss with other kinks needs more care here.
///
/// The function tries seeds and checks each.
fn away_from_kinks(case: Case, network: &Network<f64>) -> Array3<f64> {
    let smooth = |x: &Array3<f64>| {
        let here = switches(case, network, x);
        let mut moved = x.clone();
        (0..x.len()).all(|at| {
            let pixel = x.as_slice().unwrap()[at];
            // Ten steps away, not just one.
            [10.0 * STEP, -10.0 * STEP].into_iter().all(|step| {
                moved.as_slice_mut().unwrap()[at] = pixel + step;
                let there = switches(case, network, &moved);
                moved.as_slice_mut().unwrap()[at] = pixel;
                here == there
            })
        })
    };
    let (h, w) = case.size;
    (1000..1100)
        .map(|seed| random((h, w, 3), seed))
        .find(smooth)
        .expect("one seed of a hundred gives a picture away from all kinks")
}

/// Which ReLUs are open and which position of each 2×2 cell holds the maximum. With regions, also the positions in the order of
/// their projections.
fn switches(case: Case, network: &Network<f64>, x: &Array3<f64>) -> Vec<usize> {
    let layers = case.architecture.layers();
    let activations = network.forward(&network.steps(0..layers.len()), x);
    let mut switches = Vec::new();
    for layer in 0..layers.len() {
        let y = activations.of(layer);
        switches.extend(y.iter().map(|&y| usize::from(y > 0.0)));
        // A gradient of ones goes to the first of the largest in each cell.
        let largest = pool::forward(Max, y);
        let winners = pool::backward(Max, y, &Array3::ones(largest.dim()));
        let open = winners.iter().zip(y).filter(|(_, y)| **y > 0.0);
        switches.extend(open.map(|(&winner, _)| usize::from(winner > 0.0)));
        for p in projections(y).iter().filter(|_| case.regions.is_some()) {
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
fn the_check_catches_a_wrong_gradient() {
    on_one_thread(check_wrong_gradients);
}

fn check_wrong_gradients() {
    let case = Case {
        architecture: TINY,
        pooling: Average,
        padding: Padding::Zero,
        size: (7, 5),
        engine: EngineKind::Reference,
        regions: None,
    };
    let (network, objective) = objective(case);
    let x = away_from_kinks(case, &network);
    let loss = |x: &Array3<f64>| objective.evaluate(&network, x).0.total();
    let right = objective.evaluate(&network, &x).1;
    assert!(relative_error(&x, &right, loss) <= BOUND);

    type Mistake = (&'static str, fn(&mut Array3<f64>));
    let mistakes: [Mistake; 5] = [
        ("all elements off by three millionths", |g| *g *= 1.0 + 3e-6),
        ("one element off by a ten-thousandth", |g| {
            g[[3, 2, 1]] *= 1.0 + 1e-4
        }),
        ("one element of the wrong sign", |g| g[[0, 0, 0]] *= -1.0),
        ("two elements exchanged", |g| g.swap([1, 1, 0], [1, 2, 0])),
        ("a NaN", |g| g[[6, 4, 2]] = f64::NAN),
    ];
    for (what, make) in mistakes {
        let mut wrong = right.clone();
        make(&mut wrong);
        assert!(relative_error(&x, &wrong, loss) > BOUND, "{what}");
    }
}

/// A plausible mistake in an operation: the backward pass swaps the kernel's channels but does not rotate the kernel by 180°.
#[test]
fn the_check_catches_a_kernel_that_is_not_rotated() {
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
