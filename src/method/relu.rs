//! The rectified linear unit, y = max(x, 0).
//!
//! > dL/dx = dL/dy where y > 0, else 0
//!
//! At the kink, x = 0, the derivative is taken to be 0. The backward pass needs only the sign of the output, so that x need not
//! be stored.

use super::scalar::{Scalar, map_in_place, zip_in_place};
use ndarray::Array3;

/// Overwrites `x` (H×W×C) with max(x, 0), and returns it.
///
/// A NaN stays a NaN, so that a broken run is noticed instead of looking like a black picture.
///
/// # Panics
/// If `x` is not in standard layout.
// ANCHOR: forward
pub fn forward<T: Scalar>(mut x: Array3<T>) -> Array3<T> {
    map_in_place(&mut x, |x| if x < T::zero() { T::zero() } else { x });
    x
}
// ANCHOR_END: forward

/// dL/dx (H×W×C) of `dy` = dL/dy, with the output `y` of the forward pass.
///
/// # Panics
/// If the shapes differ, or an array is not in standard layout.
// ANCHOR: backward
pub fn backward<T: Scalar>(y: &Array3<T>, dy: &Array3<T>) -> Array3<T> {
    let mut dx = dy.clone();
    zip_in_place(
        &mut dx,
        y,
        |dy, y| if y > T::zero() { dy } else { T::zero() },
    );
    dx
}
// ANCHOR_END: backward
