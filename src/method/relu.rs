//! The rectified linear unit, y = max(x, 0).
//!
//! > dL/dx = dL/dy where y > 0, else 0
//!
//! At the kink, x = 0, the derivative is taken to be 0. The backward pass needs only the sign of the output, so that x need not
//! be stored.

use super::Scalar;
use ndarray::{Array3, Zip};

/// Overwrites `x` (H×W×C) with max(x, 0), and returns it.
///
/// A NaN stays a NaN, so that a broken run is noticed instead of looking like a black picture.
// ANCHOR: relu_forward
pub fn forward<T: Scalar>(mut x: Array3<T>) -> Array3<T> {
    x.par_mapv_inplace(|x| if x < T::zero() { T::zero() } else { x });
    x
}
// ANCHOR_END: relu_forward

/// dL/dx (H×W×C) of `dy` = dL/dy, with the output `y` of the forward pass.
///
/// # Panics
/// If the shapes differ.
// ANCHOR: relu_backward
pub fn backward<T: Scalar>(y: &Array3<T>, dy: &Array3<T>) -> Array3<T> {
    let gate = |&y: &T, &dy: &T| if y > T::zero() { dy } else { T::zero() };
    Zip::from(y).and(dy).par_map_collect(gate)
}
// ANCHOR_END: relu_backward
