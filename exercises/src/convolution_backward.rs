//! Exercise 4: the backward pass of the convolution (chapters 2 and 4).

use ndarray::{Array3, Array4};

/// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout), with the `kernel` (3 × 3 × Cin × Cout) of the forward pass.
///
/// In the forward pass x\[i, j, c\] contributes to y\[i−p+1, j−q+1, o\], through k\[p, q, c, o\]. So
///
/// > dL/dx\[i, j, c\] = Σ k\[p, q, c, o\] · dL/dy\[i−p+1, j−q+1, o\], over p and q in 0..3 and the output channels o,
///
/// where dL/dy is 0 beyond the edges.
///
/// Hint: this is a convolution again, of dy, with another kernel. Which one? What is its shape, and what its bias? Then this can call
/// [`convolution::forward`](crate::convolution::forward).
pub fn backward(dy: &Array3<f64>, kernel: &Array4<f64>) -> Array3<f64> {
    todo!("a convolution with another kernel")
}
