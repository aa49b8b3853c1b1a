//! Exercise 5: the Gram matrix (chapter 5).

use ndarray::{Array2, Array3};

/// G (N×N) of the activations `f` (H×W×N).
///
/// > G\[a, b\] = Σ f\[i, j, a\] · f\[i, j, b\], over all positions i, j: G = FᵀF, with a row of F for each position
///
/// Hint: `f.to_shape((h * w, n))` gives F as a matrix, and `a.dot(&b)` is the product of two. Three or four loops do as well.
pub fn matrix(f: &Array3<f64>) -> Array2<f64> {
    todo!("FᵀF")
}
