//! Exercise 1: the convolution (chapter 2).

use ndarray::{Array1, Array3, Array4};

/// The convolution of `x` (H×W×Cin) with a `kernel` (3 × 3 × Cin × Cout) and a `bias` (Cout): y (H×W×Cout).
///
/// > y\[i, j, o\] = b\[o\] + Σ k\[p, q, c, o\] · x\[i+p−1, j+q−1, c\], over p and q in 0..3 and the input channels c
///
/// Beyond the edges x is 0.
///
/// Hint: six loops, over i, j, o, p, q and c, are enough. `i + p` minus 1 may be −1 or H, and indices are unsigned: skip a term if
/// `i + p < 1 || i + p > height`, or ask for `x.get((row, column, c))`, which is `None` outside.
pub fn forward(x: &Array3<f64>, kernel: &Array4<f64>, bias: &Array1<f64>) -> Array3<f64> {
    todo!("write the six loops")
}
