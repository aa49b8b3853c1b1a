//! Exercise 6, solved.

use crate::gram;
use ndarray::{Array2, Array3};

/// L and dL/dF
pub fn value_and_gradient(f: &Array3<f64>, target: &Array2<f64>) -> (f64, Array3<f64>) {
    let (height, width, channels) = f.dim();
    let positions = height * width;
    let difference = gram::matrix(f) - target;
    let scale = ((channels * positions) as f64).powi(2);
    let value = difference.mapv(|d| d * d).sum() / (4.0 * scale);
    let flat = f.to_shape((positions, channels)).expect("as many elements");
    let gradient = flat.dot(&difference) / scale;
    let gradient = gradient
        .into_shape_with_order(f.dim())
        .expect("as many elements");
    (value, gradient)
}
