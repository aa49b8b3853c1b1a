//! The check of a derivative: a hand-written gradient is compared with central finite differences, in `f64`.
//!
//! > ∂L/∂xᵢ ≈ (L(x + h eᵢ) − L(x − h eᵢ)) / 2h
//!
//! The truncation error is h²·L‴/6, the rounding error about ε·|L|/h with ε = 1.1e-16. Their sum is smallest near
//! h = ∛ε ≈ 5e-6 times the scale on which L varies, where both are about 1e-11 of L. [`STEP`] is a little larger, since the losses
//! here are polynomials of low degree with values of order 1, so that rounding is the larger error. Where L is not smooth, at a
//! ReLU's kink or where two values are equal under max pooling, the difference quotient is meaningless: choose x away from such
//! points.
//!
//! [`relative_error`] does all at once. Its parts, [`central_differences`] and [`compare`], say which element is wrong, and by how much.
//!
//! ```
//! use impasto::method::finite_difference::{STEP, central_differences, compare, relative_error};
//! use ndarray::array;
//!
//! let x = array![[[1.0, -2.0, 0.5]]];
//! let cubes = |x: &ndarray::Array3<f64>| x.iter().map(|x| x.powi(3)).sum();
//! let right = x.mapv(|x| 3.0 * x * x);
//! assert!(relative_error(&x, &right, cubes) < 1e-8);
//! let wrong = x.mapv(|x| 3.0 * x);
//! assert!(relative_error(&x, &wrong, cubes) > 0.1);
//!
//! let worst = compare(&wrong, &central_differences(&x, STEP, cubes));
//! assert_eq!((worst.at, worst.claimed), ([0, 0, 1], -6.0)); // 3·(−2) where 3·(−2)² is right
//! assert!((worst.measured - 12.0).abs() < 1e-8);
//! ```

use ndarray::Array3;
use serde::Serialize;

/// The step h, for x and L of order 1.
pub const STEP: f64 = 1e-5;

/// The error of an element that is smaller than this part of the largest is measured relative to that part: small elements are
/// differences of larger terms, and carry their rounding errors.
const FLOOR: f64 = 1e-3;

/// The element of a gradient with the largest relative error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The error: 0 if all elements are equal, infinity if there is a NaN.
    pub error: f64,
    /// Where the element is: row, column, channel.
    pub at: [usize; 3],
    /// What the gradient has there.
    pub claimed: f64,
    /// The difference quotient.
    pub measured: f64,
}

/// The largest relative error over all elements of `gradient`, which should be the gradient of `loss` at `x`.
///
/// A correct gradient gives about 1e-9. One wrong factor, sign or index gives far more than 1e-6. A NaN on either side gives
/// infinity.
///
/// # Panics
/// If `gradient` does not have the shape of `x`.
pub fn relative_error(
    x: &Array3<f64>,
    gradient: &Array3<f64>,
    loss: impl Fn(&Array3<f64>) -> f64,
) -> f64 {
    compare(gradient, &central_differences(x, STEP, loss)).error
}

/// The same for a loss that is smooth within a few hundredths of each element, by [`smooth_differences`] with steps that are a hundred
/// times as long.
///
/// # Panics
/// If `gradient` does not have the shape of `x`.
pub fn relative_error_of_smooth(
    x: &Array3<f64>,
    gradient: &Array3<f64>,
    loss: impl Fn(&Array3<f64>) -> f64,
) -> f64 {
    compare(gradient, &smooth_differences(x, 100.0 * STEP, loss)).error
}

/// The central difference quotients of `loss` at `x`, element by element, with the step h = `step`.
pub fn central_differences(
    x: &Array3<f64>,
    step: f64,
    loss: impl Fn(&Array3<f64>) -> f64,
) -> Array3<f64> {
    let mut moved = x.clone();
    Array3::from_shape_fn(x.dim(), |at| central(&mut moved, at, step, &loss))
}

/// The same by quotients of fourth order:
///
/// > ∂L/∂xᵢ ≈ (8·(L(x + h eᵢ) − L(x − h eᵢ)) − (L(x + 2h eᵢ) − L(x − 2h eᵢ))) / 12h
///
/// Their truncation error is h⁴·L⁽⁵⁾/30, so that a hundred times longer steps are possible and rounding errors count a hundred times
/// less. That is needed where a small loss is the difference of larger terms.
pub fn smooth_differences(
    x: &Array3<f64>,
    step: f64,
    loss: impl Fn(&Array3<f64>) -> f64,
) -> Array3<f64> {
    let [near, far] = [step, 2.0 * step].map(|step| central_differences(x, step, &loss));
    (near * 4.0 - far) / 3.0
}

/// Compares a gradient with one that was `measured`, and returns the worst element. Of an empty gradient, it says that all is well.
///
/// # Panics
/// If the shapes differ.
pub fn compare(claimed: &Array3<f64>, measured: &Array3<f64>) -> Comparison {
    assert_eq!(
        measured.dim(),
        claimed.dim(),
        "a gradient has the shape of x"
    );
    let largest = (measured.iter().chain(claimed)).fold(0.0, |m: f64, g| m.max(g.abs()));
    let mut worst: Option<Comparison> = None;
    for (((i, j, c), &claimed), &measured) in claimed.indexed_iter().zip(measured) {
        let size = claimed.abs().max(measured.abs()).max(FLOOR * largest);
        let error = match (claimed - measured).abs() / size {
            _ if claimed == measured => 0.0, // both may be 0 everywhere
            error if error.is_nan() => f64::INFINITY,
            error => error,
        };
        if worst.is_none_or(|worst| error > worst.error) {
            worst = Some(Comparison {
                error,
                at: [i, j, c],
                claimed,
                measured,
            });
        }
    }
    worst.unwrap_or(Comparison {
        error: 0.0,
        at: [0; 3],
        claimed: 0.0,
        measured: 0.0,
    })
}

/// The central difference quotient of `loss` at `x` for one element.
// ANCHOR: central
fn central(
    x: &mut Array3<f64>,
    at: (usize, usize, usize),
    step: f64,
    loss: impl Fn(&Array3<f64>) -> f64,
) -> f64 {
    let here = x[at];
    x[at] = here + step;
    let above = loss(x);
    x[at] = here - step;
    let below = loss(x);
    x[at] = here;
    (above - below) / (2.0 * step)
}
// ANCHOR_END: central
