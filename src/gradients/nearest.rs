//! Nearest-neighbor losses: against fixed targets, and of each layer by itself; and their operands, for tests of the same losses.

use super::operands::{engine_name, joint_forward, random};
use super::{Cases, Check, Family};
use crate::engine::EngineKind;
use crate::method::nearest::{Candidates, Hypercolumns, SplitLossBuilder, quarter};
use crate::method::{JointLoss, NearestLoss, PlainProducts, Products, SplitLoss};
use ndarray::{Array2, Array3};

pub(super) fn checks() -> Vec<Check> {
    let check = |name, statement, visit: fn(&mut Cases)| {
        Check::new(Family::Methods, name, statement, visit)
    };
    vec![
        check(
            "nearest-targets",
            "the cosine distances of hypercolumns to fixed targets, by each layer, also with regions",
            of_targets,
        ),
        check(
            "nearest-split",
            "the cosine distances of each layer's vectors to the nearest of the painting, also with regions",
            of_split,
        ),
    ]
}

/// Activations of three layers of a picture of this height and width, at its size, a half and an eighth. Their vectors have very
/// different directions: near a distance of 0 the loss is flat, and rounding errors would be a large part of its differences.
pub fn layers((h, w): (usize, usize), seed: u64) -> Vec<Array3<f64>> {
    let layer = |k: usize, channels| {
        let size = (h.div_ceil(1 << k), w.div_ceil(1 << k), channels);
        random(size, seed + k as u64).mapv(|f: f64| 0.3 + f)
    };
    vec![layer(0, 3), layer(1, 4), layer(3, 5)]
}

/// References to arrays.
pub fn references(arrays: &[Array3<f64>]) -> Vec<&Array3<f64>> {
    arrays.iter().collect()
}

/// L and dL/dFₖ for each k.
pub fn value_and_gradients(
    loss: &dyn JointLoss<f64>,
    arrays: &[Array3<f64>],
    iteration: u64,
    products: &dyn Products<f64>,
) -> (f64, Vec<Array3<f64>>) {
    let arrays = references(arrays);
    let (value, back) = joint_forward(loss, &arrays, iteration, products);
    let gradient = |(k, f): (usize, &&Array3<f64>)| {
        let mut df = Array3::zeros(f.dim());
        back.add_gradient(k, 1.0, &mut df);
        df
    };
    (value, arrays.iter().enumerate().map(gradient).collect())
}

/// 1 in the left half of a picture of this size, 0 in the right, and the reverse.
pub fn halves(size: (usize, usize)) -> Vec<Option<Array2<f64>>> {
    let left = Array2::from_shape_fn(size, |(_, j)| f64::from(u8::from(2 * j < size.1)));
    vec![Some(left.clone()), Some(left.mapv(|w| 1.0 - w))]
}

/// The hypercolumns of the [`layers`] of a picture.
pub fn hypercolumns(size: (usize, usize), seed: u64) -> Hypercolumns<f64> {
    Hypercolumns::new(&references(&layers(size, seed)), quarter(size))
}

/// A painting that a region may choose from.
pub fn candidates<'a>(
    region: usize,
    painting: &'a Hypercolumns<f64>,
    mask: Option<&Array2<f64>>,
) -> Candidates<'a, f64> {
    Candidates {
        region,
        mask: mask.cloned(),
        hypercolumns: Box::new(|| painting.clone()),
    }
}

/// The loss against targets with one region and this painting.
pub fn targets_of(painting: Hypercolumns<f64>, picture: Hypercolumns<f64>) -> NearestLoss<f64> {
    let paintings = [candidates(0, &painting, None)];
    NearestLoss::new(picture, &[None], &paintings, &PlainProducts)
}

/// The loss against targets of a picture of 12×16 in two halves. Each may choose from those of two paintings that are named, by their
/// numbers.
pub fn targets_of_halves(first: &[usize], second: &[usize]) -> NearestLoss<f64> {
    let size = (12, 16);
    let mask = Array2::from_shape_fn((5, 6), |(i, _)| if i < 3 { 0.9 } else { 0.2 });
    let paintings = [hypercolumns((12, 14), 20), hypercolumns((9, 20), 21)];
    let numbers = [first, second].into_iter().enumerate();
    let all: Vec<_> = (numbers
        .flat_map(|(region, numbers)| numbers.iter().map(move |&n| (region, n))))
    .map(|(region, number)| candidates(region, &paintings[number], Some(&mask)))
    .collect();
    NearestLoss::new(hypercolumns(size, 30), &halves(size), &all, &PlainProducts)
}

/// Adds all layers of a painting.
pub fn add_painting(
    builder: &mut SplitLossBuilder<f64>,
    region: usize,
    arrays: &[Array3<f64>],
    mask: Option<&Array2<f64>>,
) {
    for (k, f) in arrays.iter().enumerate() {
        builder.add_layer(region, k, f, mask);
    }
}

/// The loss of each layer with one region and these paintings.
pub fn split_of(paintings: &[Vec<Array3<f64>>]) -> SplitLoss<f64> {
    let mut builder = SplitLossBuilder::new(paintings[0].len(), 1);
    for painting in paintings {
        add_painting(&mut builder, 0, painting, None);
    }
    builder.finish(vec![None])
}

/// A picture of two layers, and a loss of each layer with two regions and three paintings. Positions are drawn with strides of 3 for the
/// picture, 5 and 2 for the paintings.
pub fn split_on_grids() -> (Vec<Array3<f64>>, SplitLoss<f64>) {
    let arrays = vec![random((1, 200, 6), 10), random((3, 70, 5), 11)];
    let painting = |length, seed| vec![random((2, length, 6), seed), random((5, 9, 5), seed)];
    let mask = Array2::from_shape_fn((4, 50), |(_, j)| if j < 20 { 1.0 } else { 0.0 });
    let mut builder = SplitLossBuilder::new(2, 2);
    add_painting(&mut builder, 0, &painting(321, 20), Some(&mask));
    add_painting(&mut builder, 1, &painting(150, 30), None);
    add_painting(&mut builder, 1, &painting(4, 40), None);
    (arrays, builder.finish(halves((1, 200))))
}

/// Cases of the gradient by each array.
fn joint_cases(
    cases: &mut Cases,
    name: &str,
    loss: &dyn JointLoss<f64>,
    arrays: &[Array3<f64>],
    iteration: u64,
    products: &dyn Products<f64>,
) {
    let (_, gradients) = value_and_gradients(loss, arrays, iteration, products);
    for (k, gradient) in gradients.into_iter().enumerate() {
        cases.gradient(format!("{name}, layer {k}"), &arrays[k], gradient, |f| {
            let mut moved = references(arrays);
            moved[k] = f;
            joint_forward(loss, &moved, iteration, products).0
        });
    }
}

fn of_targets(cases: &mut Cases) {
    for size in [(1, 1), (1, 7), (5, 4), (8, 8), (9, 13), (17, 10)] {
        let arrays = layers(size, 10);
        let loss = targets_of(hypercolumns((12, 14), 20), hypercolumns(size, 30));
        for engine in cases.engines() {
            let name = format!("{}×{}, {}", size.0, size.1, engine_name(engine));
            joint_cases(cases, &name, &loss, &arrays, 0, &*engine.build());
        }
    }
    let arrays = layers((12, 16), 10);
    for (name, second) in [
        ("two regions", &[1][..]),
        ("one of two regions painted", &[]),
    ] {
        let loss = targets_of_halves(&[0], second);
        joint_cases(cases, name, &loss, &arrays, 0, &PlainProducts);
    }
}

fn of_split(cases: &mut Cases) {
    let loss = split_of(&[layers((7, 6), 20), layers((3, 5), 24)]);
    for size in [(1, 1), (1, 7), (4, 4), (9, 7)] {
        for engine in cases.engines() {
            let name = format!("{}×{}, {}", size.0, size.1, engine_name(engine));
            let arrays = layers(size, 10);
            joint_cases(cases, &name, &loss, &arrays, 3, &*engine.build());
        }
    }
    let (arrays, loss) = split_on_grids();
    for iteration in [0, 1] {
        let name = format!("two regions on random grids, iteration {iteration}");
        let engine = EngineKind::Reference.build();
        joint_cases(cases, &name, &loss, &arrays, iteration, &*engine);
    }
}
