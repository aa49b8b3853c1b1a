//! The rectified linear unit, y = max(x, 0).

use super::Scalar;
use ndarray::{Array3, Zip};

/// Replaces each element of `x`, of any shape, with max(x, 0).
///
/// A NaN stays a NaN, so that a broken run is noticed instead of looking like a black picture.
pub fn forward<T: Scalar>(x: &mut Array3<T>) {
    x.par_mapv_inplace(|x| if x < T::zero() { T::zero() } else { x });
}

/// Turns `dy` = dL/dy into dL/dx in place: dL/dx = dL/dy where y > 0, else 0.
///
/// The mask is taken from the *output* `y`, so that the input need not be kept. At the kink, x = 0, the derivative is taken
/// to be 0.
///
/// # Panics
/// If the shapes differ.
pub fn backward<T: Scalar>(y: &Array3<T>, dy: &mut Array3<T>) {
    Zip::from(dy).and(y).par_for_each(|dy, &y| {
        if y <= T::zero() {
            *dy = T::zero();
        }
    });
}
