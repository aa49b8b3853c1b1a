//! Exercise 8: total variation (chapter 6).

use ndarray::Array3;

/// dL/dx (H×W×C) of
///
/// > L = ½ Σ (x\[i, j+1, c\] − x\[i, j, c\])² + ½ Σ (x\[i+1, j, c\] − x\[i, j, c\])²
///
/// over all pairs of neighbors inside the picture: the last column has no neighbor to its right, the last row none below.
///
/// Hint: begin with zeros and go through the pairs. What does a pair with difference d add to the gradient of its first pixel, and what
/// to that of its second?
pub fn gradient(x: &Array3<f64>) -> Array3<f64> {
    todo!("go through the pairs of neighbors")
}
