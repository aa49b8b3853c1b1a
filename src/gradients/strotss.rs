//! The losses of STROTSS and what they are made of; and their operands, for tests of the same losses.
//!
//! All of them have kinks: where two pairs cost the same, where two sums of costs are equal, where two moments or two shares of a
//! distance are. Each check goes on to the next random input until [`smooth`] finds none near.

use super::operands::{engine_name, joint_forward, mask, random};
use super::{BOUND, Cases, Check, Family};
use crate::method::finite_difference::{STEP, central_differences};
use crate::method::strotss::moments::Moments;
use crate::method::strotss::{
    Sampling, SelfSimilarity, StrotssStyle, StrotssStyleBuilder, moments, palette, remd,
    self_similarity,
};
use crate::method::{JointLoss, PlainProducts, Products, Scalar};
use ndarray::{Array2, Array3, ArrayView2, Axis};

/// What is subtracted from pixels of 0..255.
pub const MEAN: [f64; 3] = [120.0, 110.0, 100.0];

/// What elements of pixels and of activations are multiplied with, so that the losses vary on a scale of 1.
const UNITS: [f64; 3] = [255.0, 58.0, 58.0];

pub(super) fn checks() -> Vec<Check> {
    let check = |name, statement, visit: fn(&mut Cases)| {
        Check::new(Family::Methods, name, statement, visit)
    };
    vec![
        check(
            "strotss-remd",
            "max((1/n)·Σᵢ minⱼ Cᵢⱼ, (1/m)·Σⱼ minᵢ Cᵢⱼ) with the cosine distance C, on both sides of the maximum",
            of_remd,
        ),
        check(
            "strotss-moments",
            "(1/C)·Σ |μ − μ′| + (1/C²)·Σ |S − S′|, means and covariances",
            of_moments,
        ),
        check(
            "strotss-palette",
            "the same as strotss-remd, of colors",
            of_palette,
        ),
        check(
            "strotss-self-similarity",
            "the differences between two tables of distances, each column divided by its sum",
            of_self_similarity,
        ),
        check(
            "strotss-style",
            "remd + moments + p·palette of hypercolumns, down to the pixels and each layer",
            of_style,
        ),
        check(
            "strotss-content",
            "self-similarity of hypercolumns, down to the pixels and each layer",
            of_content,
        ),
    ]
}

/// Whether `loss` has no kink within 10 steps of `x` along any axis: there, difference quotients over 10 steps and over one are
/// equal, but for a part that is smaller than the bound.
pub fn smooth(x: &Array3<f64>, loss: impl Fn(&Array3<f64>) -> f64) -> bool {
    let [near, far] = [STEP, 10.0 * STEP].map(|step| central_differences(x, step, &loss));
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

/// Cases of a function of vectors with its gradient: more vectors than the painting has, fewer, and one; each at the first of a
/// hundred random inputs that has no kinks near.
fn cases_of_vectors(
    cases: &mut Cases,
    channels: usize,
    function: impl Fn(ArrayView2<f64>, &dyn Products<f64>) -> (f64, Array2<f64>),
) {
    for engine in cases.engines() {
        let products = engine.build::<f64>();
        for n in [7, 4, 1] {
            let name = format!("{n} vectors, {}", engine_name(engine));
            let value = |x: &Array3<f64>| function(matrix(x), &*products).0;
            let inputs = (0..100).map(|seed| vectors(n, channels, 1000 + seed));
            if let Some(x) = cases.first(&name, inputs, |x| smooth(x, value)) {
                let gradient = function(matrix(&x), &*products).1;
                cases.gradient(name, &x, gradient.insert_axis(Axis(1)), value);
            }
        }
    }
}

fn of_remd(cases: &mut Cases) {
    let y = vectors(5, 4, 20);
    cases_of_vectors(cases, 4, |x, products| {
        remd::value_and_gradient(x, matrix(&y), products)
    });
    // Both sides of the maximum: vectors in one direction are all near one of the painting, which has others; and the other way round.
    let near = |n, seed| {
        let noise: Array3<f64> = random((n, 1, 3), seed);
        noise.mapv(|x| 1.0 + 0.1 * x)
    };
    let far: Array3<f64> = vectors(6, 3, 30);
    let (x, y) = (near(4, 31), near(4, 32));
    for (name, x, y) in [
        ("the painting has more directions", &x, &far),
        ("the picture has more directions", &far, &y),
    ] {
        let function =
            |x: &Array3<f64>| remd::value_and_gradient(matrix(x), matrix(y), &PlainProducts);
        let value = |x: &Array3<f64>| function(x).0;
        cases.require(name, smooth(x, value), "there is a kink near");
        let gradient = function(x).1.insert_axis(Axis(1));
        cases.gradient(name, x, gradient, value);
    }
}

fn of_moments(cases: &mut Cases) {
    let y = vectors(5, 4, 20);
    cases_of_vectors(cases, 4, |x, products| {
        let target = Moments::of(matrix(&y), products);
        moments::value_and_gradient(x, &target, products)
    });
}

fn of_palette(cases: &mut Cases) {
    let colors = vectors(5, 3, 21);
    cases_of_vectors(cases, 3, |x, products| {
        palette::value_and_gradient(x, matrix(&colors), products)
    });
}

fn of_self_similarity(cases: &mut Cases) {
    cases_of_vectors(cases, 4, |x, products| {
        let photograph = vectors(x.nrows(), 6, 22);
        self_similarity::value_and_gradient(x, matrix(&photograph), products)
    });
}

/// A picture of height 5 and width 4, a layer as large and one that is half as large. In units in which the losses vary on a scale of 1.
pub fn arrays(seed: u64) -> [Array3<f64>; 3] {
    let positive =
        |shape, seed| -> Array3<f64> { random(shape, seed).mapv(|x: f64| 0.6 + 0.4 * x) };
    let mut pixels = positive((5, 4, 3), seed);
    for mut pixel in pixels.rows_mut() {
        (pixel.iter_mut().zip(MEAN)).for_each(|(p, m)| *p -= m / 255.0);
    }
    [
        pixels,
        positive((5, 4, 2), seed + 1),
        positive((3, 2, 3), seed + 2),
    ]
}

/// The same in the units of pixels and activations.
pub fn in_units(arrays: &[Array3<f64>; 3]) -> [Array3<f64>; 3] {
    std::array::from_fn(|k| &arrays[k] * UNITS[k])
}

/// Cases of the gradient by each array, with a weight of 2.5, at the first of some random inputs that has no kinks near.
fn joint_cases(
    cases: &mut Cases,
    name: &str,
    loss: &dyn JointLoss<f64>,
    products: &dyn Products<f64>,
) {
    let iteration = 3;
    let with = |all: &[Array3<f64>; 3], k: usize, x: &Array3<f64>| {
        let mut all = all.clone();
        all[k] = x.clone();
        2.5 * joint_forward(loss, &in_units(&all).each_ref(), iteration, products).0
    };
    let inputs = (0..100).map(|seed| arrays(2000 + 10 * seed));
    let is_smooth = |all: &[Array3<f64>; 3]| (0..3).all(|k| smooth(&all[k], |x| with(all, k, x)));
    let Some(all) = cases.first(name, inputs, is_smooth) else {
        return;
    };
    let inputs = in_units(&all);
    let (_, back) = joint_forward(loss, &inputs.each_ref(), iteration, products);
    for k in [2, 0, 1] {
        // On top of what the array holds.
        let mut df = Array3::ones(all[k].dim());
        back.add_gradient(k, 2.5, &mut df);
        let gradient = (df - 1.0) * UNITS[k];
        let name = format!("{name}, array {k}");
        let some = gradient.iter().any(|g| g.abs() > 1e-3);
        cases.require(&name, some, "the loss has no gradient");
        cases.gradient(name, &all[k], gradient, |x| with(&all, k, x));
    }
}

/// Which positions are drawn: this many, where the mask is not 0.
pub fn sampling(count: usize, mask: Option<Array2<f64>>) -> Sampling<f64> {
    Sampling {
        count,
        mask,
        ..Sampling::new(7, MEAN)
    }
}

/// Adds a painting of these arrays.
pub fn add_painting<T: Scalar>(
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

/// The style loss of one painting, or of a mixture of two.
pub fn style(sampling: Sampling<f64>, mixed: bool) -> StrotssStyle<f64> {
    let mut loss = StrotssStyleBuilder::new(sampling, 0.5);
    let mut add = |seed, share, mask: Option<&Array2<f64>>| {
        let arrays = in_units(&arrays(seed));
        add_painting(&mut loss, &arrays.each_ref(), share, mask, &PlainProducts);
    };
    add(40, 1.0, None);
    if mixed {
        add(50, 0.6, Some(&mask((5, 4), 51)));
    }
    loss.finish()
}

/// The content loss against the photograph of these arrays.
pub fn content<T: Scalar>(sampling: Sampling<T>, photograph: &[Array3<T>]) -> SelfSimilarity<T> {
    let mut loss = SelfSimilarity::new(sampling);
    photograph.iter().for_each(|f| loss.read(f));
    loss
}

fn of_style(cases: &mut Cases) {
    for engine in cases.engines() {
        let built = engine.build();
        for count in [6, 20] {
            for mixed in [false, true] {
                for mask in [None, Some(mask((5, 4), 16))] {
                    let paintings = if mixed {
                        "two paintings"
                    } else {
                        "one painting"
                    };
                    let name = format!(
                        "{count} positions, {paintings}, {}, {}",
                        shown(&mask),
                        engine_name(engine)
                    );
                    let loss = style(sampling(count, mask), mixed);
                    joint_cases(cases, &name, &loss, &*built);
                }
            }
        }
    }
}

fn of_content(cases: &mut Cases) {
    let photograph = in_units(&arrays(60));
    for engine in cases.engines() {
        let built = engine.build();
        for count in [6, 20] {
            for mask in [None, Some(mask((5, 4), 16))] {
                let name = format!(
                    "{count} positions, {}, {}",
                    shown(&mask),
                    engine_name(engine)
                );
                let loss = content(sampling(count, mask), &photograph);
                joint_cases(cases, &name, &loss, &*built);
            }
        }
    }
}

fn shown(mask: &Option<Array2<f64>>) -> &'static str {
    if mask.is_some() { "masked" } else { "whole" }
}
