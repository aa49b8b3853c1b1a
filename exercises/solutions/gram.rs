//! Exercise 5, solved.

use ndarray::{Array2, Array3};

/// FᵀF
pub fn matrix(f: &Array3<f64>) -> Array2<f64> {
    let (height, width, channels) = f.dim();
    let f = f
        .to_shape((height * width, channels))
        .expect("as many elements");
    f.t().dot(&f)
}
