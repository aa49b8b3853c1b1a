//! Exercise 7: the content loss (chapter 6).

use ndarray::Array3;

/// L and dL/dF (H×W×C) of the activations `f`, where `target` is P, those of the photograph (both H×W×C).
///
/// > L = Σ (F − P)² / (4·size),  dL/dF = (F − P) / (2·size),  with size = H·W·C
pub fn value_and_gradient(f: &Array3<f64>, target: &Array3<f64>) -> (f64, Array3<f64>) {
    todo!("L, and (F − P) / (2·size)")
}
