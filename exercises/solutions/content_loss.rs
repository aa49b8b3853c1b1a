//! Exercise 7, solved.

use ndarray::Array3;

/// L and dL/dF
pub fn value_and_gradient(f: &Array3<f64>, target: &Array3<f64>) -> (f64, Array3<f64>) {
    let size = f.len() as f64;
    let difference = f - target;
    let value = difference.mapv(|d| d * d).sum() / (4.0 * size);
    (value, difference / (2.0 * size))
}
