//! Nearest-neighbor losses: the search, the losses' values, and their derivatives against finite differences.

mod matching;
mod split;
mod targets;

use crate::common::random;
use crate::joint::forward;
use impasto::engine::EngineKind;
use impasto::method::finite_difference::relative_error;
use impasto::method::{JointLoss, Products};
use ndarray::{Array2, Array3};

/// The largest relative error that a gradient may have.
const BOUND: f64 = 1e-6;

/// Activations of three layers of a picture of this height and width, at its size, a half and an eighth. Their vectors have very
/// different directions: near a distance of 0 the loss is flat, and rounding errors would be a large part of its differences.
fn layers((h, w): (usize, usize), seed: u64) -> Vec<Array3<f64>> {
    let layer = |k: usize, channels| {
        let size = (h.div_ceil(1 << k), w.div_ceil(1 << k), channels);
        random(size, seed + k as u64).mapv(|f: f64| 0.3 + f)
    };
    vec![layer(0, 3), layer(1, 4), layer(3, 5)]
}

fn references(arrays: &[Array3<f64>]) -> Vec<&Array3<f64>> {
    arrays.iter().collect()
}

/// L and dL/dFₖ for each k.
fn value_and_gradients(
    loss: &dyn JointLoss<f64>,
    arrays: &[Array3<f64>],
    iteration: u64,
    products: &dyn Products<f64>,
) -> (f64, Vec<Array3<f64>>) {
    let arrays = references(arrays);
    let (value, back) = forward(loss, &arrays, iteration, products);
    let gradient = |(k, f): (usize, &&Array3<f64>)| {
        let mut df = Array3::zeros(f.dim());
        back.add_gradient(k, 1.0, &mut df);
        df
    };
    (value, arrays.iter().enumerate().map(gradient).collect())
}

/// The largest relative error of the gradients with respect to each array.
fn error_of(
    loss: &dyn JointLoss<f64>,
    arrays: &[Array3<f64>],
    iteration: u64,
    products: &dyn Products<f64>,
) -> f64 {
    let (_, gradients) = value_and_gradients(loss, arrays, iteration, products);
    let errors = gradients.iter().enumerate().map(|(k, gradient)| {
        relative_error(&arrays[k], gradient, |f| {
            let mut moved = references(arrays);
            moved[k] = f;
            forward(loss, &moved, iteration, products).0
        })
    });
    errors.fold(0.0, f64::max)
}

/// Whether value and gradients have the same bits on one thread and on three.
fn has_the_same_bits_on_any_number_of_threads(
    loss: &dyn JointLoss<f64>,
    arrays: &[Array3<f64>],
) -> bool {
    let engine = EngineKind::default().build();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        (pool.unwrap()).install(|| value_and_gradients(loss, arrays, 1, &*engine))
    };
    on(1) == on(3)
}

/// 1 in the left half of a picture of this size, 0 in the right, and the reverse.
fn halves(size: (usize, usize)) -> Vec<Option<Array2<f64>>> {
    let left = Array2::from_shape_fn(size, |(_, j)| f64::from(u8::from(2 * j < size.1)));
    vec![Some(left.clone()), Some(left.mapv(|w| 1.0 - w))]
}
