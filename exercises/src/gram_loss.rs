//! Exercise 6: the loss on Gram matrices (chapters 5 and 6).

use ndarray::{Array2, Array3};

/// L and dL/dF (H×W×N) of the activations `f` (H×W×N), where `target` is A, the Gram matrix of the painting (N×N).
///
/// > L = Σ (G − A)² / (4·N²·m²), over all elements of G, the Gram matrix of f, with m = H·W positions
/// >
/// > dL/dG = (G − A) / (2·N²·m²),  dL/dF = F·(dL/dG + (dL/dG)ᵀ)
///
/// Hint: dL/dG is symmetric. Call [`gram::matrix`](crate::gram::matrix); `matrix.into_shape_with_order((h, w, n)).unwrap()` makes a matrix of
/// positions × channels an array again.
pub fn value_and_gradient(f: &Array3<f64>, target: &Array2<f64>) -> (f64, Array3<f64>) {
    todo!("L, and F·(dL/dG + (dL/dG)ᵀ)")
}
