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
//! ```
//! use impasto::method::finite_difference::relative_error;
//! use ndarray::array;
//!
//! let x = array![[[1.0, -2.0, 0.5]]];
//! let cubes = |x: &ndarray::Array3<f64>| x.iter().map(|x| x.powi(3)).sum();
//! let right = x.mapv(|x| 3.0 * x * x);
//! assert!(relative_error(&x, &right, cubes) < 1e-8);
//! let wrong = x.mapv(|x| 3.0 * x);
//! assert!(relative_error(&x, &wrong, cubes) > 0.1);
//! ```

use ndarray::Array3;

/// The step h, for x and L of order 1.
pub const STEP: f64 = 1e-5;

/// The error of an element that is smaller than this part of the largest is measured relative to that part: small elements are
/// differences of larger terms, and carry their rounding errors.
const FLOOR: f64 = 1e-3;

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
    compare(gradient, difference_quotients(x, loss), x)
}

/// The same for a loss that is smooth within a few hundredths of each element, by a quotient of fourth order:
///
/// > ∂L/∂xᵢ ≈ (8·(L(x + h eᵢ) − L(x − h eᵢ)) − (L(x + 2h eᵢ) − L(x − 2h eᵢ))) / 12h
///
/// Its truncation error is h⁴·L⁽⁵⁾/30, so that a hundred times longer steps are possible and rounding errors count a hundred times
/// less. That is needed where a small loss is the difference of larger terms.
///
/// # Panics
/// If `gradient` does not have the shape of `x`.
pub fn relative_error_of_smooth(
    x: &Array3<f64>,
    gradient: &Array3<f64>,
    loss: impl Fn(&Array3<f64>) -> f64,
) -> f64 {
    let of_step = |step| {
        let mut moved = x.clone();
        Array3::from_shape_fn(x.dim(), |at| central(&mut moved, at, step, &loss))
    };
    let step = 100.0 * STEP;
    let numeric = (of_step(step) * 4.0 - of_step(2.0 * step)) / 3.0;
    compare(gradient, numeric, x)
}

/// The largest relative error of `gradient`, compared with difference quotients.
fn compare(gradient: &Array3<f64>, numeric: Array3<f64>, x: &Array3<f64>) -> f64 {
    assert_eq!(x.dim(), gradient.dim(), "a gradient has the shape of x");
    let largest = (numeric.iter().chain(gradient)).fold(0.0, |m: f64, g| m.max(g.abs()));
    let mut worst: f64 = 0.0;
    for (&claimed, &measured) in gradient.iter().zip(&numeric) {
        if claimed == measured {
            continue; // both may be 0 everywhere
        }
        let size = claimed.abs().max(measured.abs()).max(FLOOR * largest);
        let error = (claimed - measured).abs() / size;
        worst = worst.max(if error.is_nan() { f64::INFINITY } else { error });
    }
    worst
}

/// The central difference quotients of `loss` at `x`, element by element.
fn difference_quotients(x: &Array3<f64>, loss: impl Fn(&Array3<f64>) -> f64) -> Array3<f64> {
    let mut moved = x.clone();
    Array3::from_shape_fn(x.dim(), |at| central(&mut moved, at, STEP, &loss))
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
