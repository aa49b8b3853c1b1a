//! A whole forward pass of a loss of several arrays.

use impasto::method::{JointBackward, JointLoss, Products, Scalar};
use ndarray::Array3;

/// L of these arrays, of which the first has the picture's height and width, and the backward pass.
pub fn forward<'a, T: Scalar>(
    loss: &'a dyn JointLoss<T>,
    arrays: &[&Array3<T>],
    iteration: u64,
    products: &'a dyn Products<T>,
) -> (f64, Box<dyn JointBackward<T> + 'a>) {
    let (height, width, _) = arrays[0].dim();
    let mut pass = loss.begin((height, width), iteration, products);
    for (k, f) in arrays.iter().enumerate() {
        pass.read(k, f);
    }
    pass.finish()
}
