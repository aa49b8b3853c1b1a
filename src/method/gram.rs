//! The Gram matrix of a layer's activations, G = FᵀF (Gatys, Ecker and Bethge 2015, equation 3).
//!
//! F is M×N, with M = H·W positions and N channels (the paper's F transposed). Gᵢⱼ says how strongly channels i and j fire together, summed over the
//! picture: which things there are, wherever they are. That is what the paper means by style.
//!
//! > dL/dF = F (dL/dG + (dL/dG)ᵀ) = 2 F dL/dG, since every loss on Gram matrices has a symmetric gradient
//!
//! A Gram matrix is a sum over positions: that of a picture is the sum of those of its tiles.

use super::Scalar;
use crate::parallel::{for_each, map};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Array3, ArrayView2, Axis};

/// Positions that one parallel task sums. The sum is N×N with N ≤ 512, so that a task must be long to be worth it.
const GRAM_CHUNK: usize = 4096;

/// The activations (H×W×N) seen as the matrix F (M×N) with M = H·W. No copy.
pub fn matrix<T: Scalar>(activations: &Array3<T>) -> ArrayView2<'_, T> {
    let (height, width, channels) = activations.dim();
    (activations.view())
        .into_shape_with_order((height * width, channels))
        .expect("activations are in standard layout")
}

// ANCHOR: forward
/// G = FᵀF (N×N) of `activations` (H×W×N).
pub fn forward<T: Scalar>(activations: &Array3<T>) -> Array2<T> {
    let f = matrix(activations);
    let chunks = f.axis_chunks_iter(Axis(0), GRAM_CHUNK);
    let sums: Vec<Array2<T>> = map(chunks, |f| f.t().dot(&f));
    // Added in the order of the chunks, whichever thread computed them.
    (sums.into_iter())
        .reduce(|sum, g| sum + g)
        .unwrap_or_else(|| Array2::zeros((f.ncols(), f.ncols())))
}
// ANCHOR_END: forward

// ANCHOR: backward
/// Adds `scale`·dL/dF = 2·`scale`·F·(dL/dG) to `df` (H×W×N), for a *symmetric* `dg` = dL/dG (N×N).
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
    assert_eq!(dg.dim(), (channels, channels), "dL/dG must be N×N");
    let scale = T::of(2.0) * scale;
    let mut df = (df.view_mut())
        .into_shape_with_order((height * width, channels))
        .expect("activations are in standard layout");
    let f = matrix(activations);
    let chunks = df.axis_chunks_iter_mut(Axis(0), GRAM_CHUNK);
    let chunks = chunks.zip(f.axis_chunks_iter(Axis(0), GRAM_CHUNK));
    for_each(chunks, |(mut df, f)| {
        general_mat_mul(scale, &f, dg, T::one(), &mut df)
    });
    // ANCHOR_END: backward
}
