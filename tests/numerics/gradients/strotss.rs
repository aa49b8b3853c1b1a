//! The losses of STROTSS and what they are made of.
//!
//! All of them have kinks: where two pairs cost the same, where two sums of costs are equal, where two moments or two shares of a
//! distance are. Each test goes on to the next random input until [`smooth`] finds none near.

use super::{BOUND, engines, mask};
use crate::common::{on_one_thread, random};
use crate::joint::forward;
use impasto::engine::EngineKind;
use impasto::method::finite_difference::{STEP, relative_error};
use impasto::method::strotss::moments::Moments;
use impasto::method::strotss::{
    Sampling, SelfSimilarity, StrotssStyle, StrotssStyleBuilder, moments, palette, remd,
    self_similarity,
};
use impasto::method::{JointLoss, PlainProducts, Products, Scalar};
use ndarray::{Array2, Array3, ArrayView2, Axis};

/// Whether `loss` has no kink within 10 steps of `x` along any axis: there, difference quotients over 10 steps and over one are
/// equal, but for a part that is smaller than the bound.
pub(super) fn smooth(x: &Array3<f64>, loss: impl Fn(&Array3<f64>) -> f64) -> bool {
    let quotients = |step: f64| -> Vec<f64> {
        let mut moved = x.clone();
        let mut quotient = |at: (usize, usize, usize)| {
            moved[at] = x[at] + step;
            let above = loss(&moved);
            moved[at] = x[at] - step;
            let below = loss(&moved);
            moved[at] = x[at];
            (above - below) / (2.0 * step)
        };
        x.indexed_iter().map(|(at, _)| quotient(at)).collect()
    };
    let (near, far) = (quotients(STEP), quotients(10.0 * STEP));
    let largest = near.iter().fold(0.0, |m: f64, q| m.max(q.abs()));
    (near.iter().zip(&far)).all(|(a, b)| (a - b).abs() <= BOUND * largest)
}

/// Vectors of positive elements, as activations and colors are, n×1×C.
fn vectors(n: usize, channels: usize, seed: u64) -> Array3<f64> {
    random((n, 1, channels), seed).mapv(|x: f64| 0.6 + 0.4 * x)
}

fn matrix(x: &Array3<f64>) -> ArrayView2<'_, f64> {
    x.index_axis(Axis(1), 0)
}

/// Checks a function of `n` vectors, at the first of a hundred random inputs that has no kinks near.
fn check(
    name: &str,
    (n, channels): (usize, usize),
    value_and_gradient: impl Fn(ArrayView2<f64>) -> (f64, Array2<f64>),
) {
    let value = |x: &Array3<f64>| value_and_gradient(matrix(x)).0;
    let x = (0..100)
        .map(|seed| vectors(n, channels, 1000 + seed))
        .find(|x| smooth(x, value))
        .expect("one seed of a hundred is away from kinks");
    let gradient = value_and_gradient(matrix(&x)).1.insert_axis(Axis(1));
    let error = relative_error(&x, &gradient, value);
    assert!(error <= BOUND, "{name} of {n} vectors: {error:e}");
}

#[test]
fn the_functions_of_vectors_have_the_right_gradients() {
    for engine in engines() {
        let engine = engine.build::<f64>();
        let products: &dyn Products<f64> = &*engine;
        // More vectors than the painting has, fewer, and one: both sides of the maximum in `remd`.
        for n in [7, 4, 1] {
            let y = vectors(5, 4, 20);
            check("remd", (n, 4), |x| {
                remd::value_and_gradient(x, matrix(&y), products)
            });
            let target = Moments::of(matrix(&y), products);
            check("moments", (n, 4), |x| {
                moments::value_and_gradient(x, &target, products)
            });
            let colors = vectors(5, 3, 21);
            check("palette", (n, 3), |x| {
                palette::value_and_gradient(x, matrix(&colors), products)
            });
            let photograph = vectors(n, 6, 22);
            check("self-similarity", (n, 4), |x| {
                self_similarity::value_and_gradient(x, matrix(&photograph), products)
            });
        }
    }
}

/// Both sides of the maximum in `remd`: vectors in one direction are all near one of the painting, which has others; and the other
/// way round.
#[test]
fn both_sums_of_the_relaxed_earth_movers_distance_have_the_right_gradients() {
    let near = |n, seed| {
        let noise: Array3<f64> = random((n, 1, 3), seed);
        noise.mapv(|x| 1.0 + 0.1 * x)
    };
    let far: Array3<f64> = vectors(6, 3, 30);
    let products = PlainProducts;
    let (x, y) = (near(4, 31), near(4, 32));
    for (x, y) in [(&x, &far), (&far, &y)] {
        let value = |x: &Array3<f64>| remd::value_and_gradient(matrix(x), matrix(y), &products).0;
        assert!(smooth(x, value));
        let gradient = remd::value_and_gradient(matrix(x), matrix(y), &products).1;
        let error = relative_error(x, &gradient.insert_axis(Axis(1)), value);
        assert!(error <= BOUND, "{error:e}");
    }
}

const MEAN: [f64; 3] = [120.0, 110.0, 100.0];

/// What elements of pixels and of activations are multiplied with, so that the losses vary on a scale of 1.
const UNITS: [f64; 3] = [255.0, 58.0, 58.0];

/// A picture of height 5 and width 4, a layer as large and one that is half as large. In units of [`UNITS`].
fn arrays(seed: u64) -> [Array3<f64>; 3] {
    let positive =
        |shape, seed| -> Array3<f64> { random(shape, seed).mapv(|x: f64| 0.6 + 0.4 * x) };
    let mut pixels = positive((5, 4, 3), seed);
    for mut pixel in pixels.rows_mut() {
        pixel
            .iter_mut()
            .zip(MEAN)
            .for_each(|(p, m)| *p -= m / 255.0);
    }
    [
        pixels,
        positive((5, 4, 2), seed + 1),
        positive((3, 2, 3), seed + 2),
    ]
}

fn in_units(arrays: &[Array3<f64>; 3]) -> [Array3<f64>; 3] {
    std::array::from_fn(|k| &arrays[k] * UNITS[k])
}

fn references(arrays: &[Array3<f64>; 3]) -> [&Array3<f64>; 3] {
    arrays.each_ref()
}

/// The gradient by each array, with a weight of 2.5, at the first of some random inputs that has no kinks near.
fn check_joint(name: &str, loss: &dyn JointLoss<f64>, products: &dyn Products<f64>) {
    let iteration = 3;
    let with = |all: &[Array3<f64>; 3], k: usize, x: &Array3<f64>| {
        let mut all = all.clone();
        all[k] = x.clone();
        2.5 * forward(loss, &references(&in_units(&all)), iteration, products).0
    };
    let all = (0..100)
        .map(|seed| arrays(2000 + 10 * seed))
        .find(|all| (0..3).all(|k| smooth(&all[k], |x| with(all, k, x))))
        .expect("one seed of a hundred is away from kinks");
    let inputs = in_units(&all);
    let (_, back) = forward(loss, &references(&inputs), iteration, products);
    for k in [2, 0, 1] {
        // On top of what the array holds.
        let mut df = Array3::ones(all[k].dim());
        back.add_gradient(k, 2.5, &mut df);
        let gradient = (df - 1.0) * UNITS[k];
        let error = relative_error(&all[k], &gradient, |x| with(&all, k, x));
        assert!(error <= BOUND, "{name}, array {k}: {error:e}");
        assert!(gradient.iter().any(|g| g.abs() > 1e-3), "{name}, array {k}");
    }
}

fn sampling(count: usize, mask: Option<Array2<f64>>) -> Sampling<f64> {
    Sampling {
        count,
        mask,
        ..Sampling::new(7, MEAN)
    }
}

/// Adds a painting of these arrays.
fn add_painting<T: Scalar>(
    loss: &mut StrotssStyleBuilder<T>,
    arrays: &[&Array3<T>],
    share: f64,
    mask: Option<&Array2<T>>,
    products: &dyn Products<T>,
) {
    let (height, width, _) = arrays[0].dim();
    let channels = arrays.iter().map(|f| f.dim().2).sum();
    let show = |read: &mut dyn FnMut(&Array3<T>)| arrays.iter().for_each(|f| read(f));
    loss.add_painting(((height, width), channels), share, mask, products, show);
}

fn style(sampling: Sampling<f64>, mixed: bool) -> StrotssStyle<f64> {
    let mut loss = StrotssStyleBuilder::new(sampling, 0.5);
    let first = in_units(&arrays(40));
    add_painting(&mut loss, &references(&first), 1.0, None, &PlainProducts);
    if mixed {
        let second = in_units(&arrays(50));
        let mask = mask((5, 4), 51);
        add_painting(
            &mut loss,
            &references(&second),
            0.6,
            Some(&mask),
            &PlainProducts,
        );
    }
    loss.finish()
}

fn content<T: Scalar>(sampling: Sampling<T>, photograph: &[Array3<T>]) -> SelfSimilarity<T> {
    let mut loss = SelfSimilarity::new(sampling);
    photograph.iter().for_each(|f| loss.read(f));
    loss
}

#[test]
fn the_style_loss_of_strotss_has_the_right_gradient() {
    on_one_thread(check_style);
}

fn check_style() {
    let engine = EngineKind::default().build();
    for count in [6, 20] {
        for mixed in [false, true] {
            for mask in [None, Some(mask((5, 4), 16))] {
                let case = format!("{count} positions, mixed {mixed}, {mask:?}");
                let loss = style(sampling(count, mask), mixed);
                check_joint(&case, &loss, &*engine);
            }
        }
    }
}

#[test]
fn self_similarity_has_the_right_gradient() {
    let engine = EngineKind::default().build();
    let photograph = in_units(&arrays(60));
    for count in [6, 20] {
        for mask in [None, Some(mask((5, 4), 16))] {
            let case = format!("{count} positions, {mask:?}");
            let loss = content(sampling(count, mask), &photograph);
            check_joint(&case, &loss, &*engine);
        }
    }
}

/// Large enough that all work is divided.
#[test]
fn strotss_has_the_same_bits_on_one_thread_and_on_three() {
    let arrays = |seed: u64| -> [Array3<f32>; 2] {
        [random((40, 35, 3), seed), random((20, 18, 37), seed + 1)].map(|f| f * 100.0)
    };
    let (picture, painting) = (arrays(90), arrays(92));
    let run = || {
        let engine = EngineKind::default().build::<f32>();
        let sampling = Sampling {
            count: 300,
            ..Sampling::new(7, MEAN)
        };
        let mut style = StrotssStyleBuilder::new(sampling.clone(), 0.5);
        add_painting(&mut style, &painting.each_ref(), 1.0, None, &*engine);
        let style = style.finish();
        let content = content(sampling, &painting);
        let losses: [&dyn JointLoss<f32>; 2] = [&style, &content];
        losses.map(|loss| {
            let (value, back) = forward(loss, &picture.each_ref(), 4, &*engine);
            let mut df = Array3::zeros(picture[1].dim());
            back.add_gradient(1, 1.0, &mut df);
            (value, df)
        })
    };
    let three = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .build()
        .unwrap();
    assert_eq!(on_one_thread(run), three.install(run));
}

/// Nothing visible in the picture or in any painting, pictures of one pixel, and black ones: a value and a gradient that are
/// numbers.
#[test]
fn strotss_has_no_trouble_with_masks_of_zeros_and_pictures_of_one_black_pixel() {
    let nothing = Some(Array2::zeros((5, 4)));
    let invisible = style(sampling(6, nothing.clone()), false);
    let mut unpainted = StrotssStyleBuilder::new(sampling(6, None), 0.5);
    let painting = in_units(&arrays(40));
    add_painting(
        &mut unpainted,
        &references(&painting),
        1.0,
        nothing.as_ref(),
        &PlainProducts,
    );
    add_painting(
        &mut unpainted,
        &references(&painting),
        0.0,
        None,
        &PlainProducts,
    );
    let picture = in_units(&arrays(70));
    for loss in [&invisible, &unpainted.finish()] {
        let (value, back) = forward(loss, &references(&picture), 0, &PlainProducts);
        let mut df = Array3::zeros(picture[0].dim());
        back.add_gradient(0, 1.0, &mut df);
        assert!(value == 0.0 && df.iter().all(|&g| g == 0.0));
    }

    let black = [
        -Array3::from_shape_fn((1, 1, 3), |(_, _, c)| MEAN[c]),
        Array3::zeros((1, 1, 2)),
        Array3::zeros((1, 1, 3)),
    ];
    let mut of_black = StrotssStyleBuilder::new(sampling(6, None), 0.5);
    add_painting(
        &mut of_black,
        &references(&black),
        1.0,
        None,
        &PlainProducts,
    );
    let content = content(sampling(6, None), &black);
    let style: [&dyn JointLoss<f64>; 2] = [&of_black.finish(), &content];
    for loss in style {
        let (value, back) = forward(loss, &references(&black), 0, &PlainProducts);
        assert!(value.is_finite());
        for (k, f) in black.iter().enumerate() {
            let mut df = Array3::zeros(f.dim());
            back.add_gradient(k, 1.0, &mut df);
            assert!(df.iter().all(|g: &f64| g.is_finite()));
        }
    }
}
