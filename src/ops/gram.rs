//! The Gram matrix of a layer's activations, G = FᵀF (Gatys, Ecker and Bethge 2015, equation 3).
//!
//! F is M×N: M = H·W positions, N channels. Gᵢⱼ says how strongly channels i and j fire together, summed over the
//! picture: what there is, whatever its place. That is what is meant here by style.

use super::Scalar;
use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, Array3, ArrayView2, Axis};

/// Positions in one piece of parallel work. Partial sums are N×N, so pieces must be long beside N ≤ 512.
const POSITIONS: usize = 4096;

/// The activations (H×W×N) seen as the matrix F (M×N) with M = H·W. No copy.
pub fn matrix<T: Scalar>(activations: &Array3<T>) -> ArrayView2<'_, T> {
    let (height, width, channels) = activations.dim();
    (activations.view())
        .into_shape_with_order((height * width, channels))
        .expect("activations are in standard layout")
}

/// G = FᵀF, N×N, of activations H×W×N.
///
/// A sum over positions: the Gram matrix of a picture is the sum of its tiles' Gram matrices.
pub fn forward<T: Scalar>(activations: &Array3<T>) -> Array2<T> {
    let f = matrix(activations);
    let partial: Vec<Array2<T>> = (f.axis_chunks_iter(Axis(0), POSITIONS).into_par_iter())
        .map(|f| f.t().dot(&f))
        .collect();
    // In the order of the pieces, whichever thread made them.
    partial
        .into_iter()
        .reduce(|sum, g| sum + g)
        .unwrap_or_else(|| Array2::zeros((f.ncols(), f.ncols())))
}

/// Adds the gradient 2·`scale`·F·(dL/dG) to `df` (H×W×N), for a *symmetric* dL/dG (N×N).
///
/// In general dL/dF = F(dL/dG + (dL/dG)ᵀ). Losses on Gram matrices have symmetric gradients, since G is symmetric.
///
/// # Panics
/// If the shapes do not fit.
pub fn add_backward<T: Scalar>(
    activations: &Array3<T>,
    dg: &Array2<T>,
    scale: T,
    df: &mut Array3<T>,
) {
    assert_eq!(activations.dim(), df.dim(), "F and dF must have one shape");
    let (height, width, channels) = df.dim();
    let two = T::of(2.0);
    let mut df = (df.view_mut())
        .into_shape_with_order((height * width, channels))
        .expect("activations are in standard layout");
    (df.axis_chunks_iter_mut(Axis(0), POSITIONS).into_par_iter())
        .zip(matrix(activations).axis_chunks_iter(Axis(0), POSITIONS))
        .for_each(|(mut df, f)| general_mat_mul(two * scale, &f, dg, T::one(), &mut df));
}
