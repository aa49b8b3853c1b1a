//! The square root of a symmetric, positive definite matrix and its inverse, from matrix products alone.
//!
//! The iteration of Newton and Schulz (Higham 2008, Functions of Matrices, section 6.3), here with polynomials of degree five, begins
//! with W = M/c, where c is at least M's largest eigenvalue, and with X = 1:
//!
//! > P = a + b·W + e·W²,  W ← P·W·P,  X ← X·P
//!
//! All these matrices are polynomials of M, so that their products are symmetric, and one eigenvalue of M can be followed by itself:
//! with s² its eigenvalue in W, a step makes p(s) = a·s + b·s³ + e·s⁵ of s. When all s are 1, X·(M/c)·X = W = 1, and X is (M/c)^−½. If X
//! begins as M/c, it becomes (M/c)^½. With a cubic p a step takes one product less, but a small s grows by 2.25 instead of 3.9: in
//! single precision eleven steps and 30 products instead of seven and 25.
//!
//! If all s lie between l and 1, the best p is the one that keeps them as near to each other as can be: of all odd polynomials of
//! degree five the nearest to 1 on \[l, 1\], divided by its maximum (Amsel, Persson, Musco and Gower 2025, The Polar Express). Then p(l)
//! is the new l. But for a small l this p makes some s near 1 as small as l, and loses their digits; that for l = 0.08 keeps them above
//! 0.3. When all are near 1, p is (15s − 10s³ + 3s⁵)/8: as p(1) = 1 and p′(1) = p″(1) = 0, a distance d from 1 becomes about 2.5·d³.
//!
//! Rounding errors can make a small eigenvalue negative, and a negative one would grow without end. Therefore M + δ‖M‖ is taken in
//! place of M, where δ is some machine epsilons: l² = δ/(1 + δ) at the beginning. It is as if eigenvalues below δ‖M‖ were that large. If
//! that is not enough, as with the covariance of a picture of one color, which is nothing but rounding errors, δ is taken sixteen times
//! as large, and so on.

use super::Scalar;
use super::loss::{Loan, Products};
use super::scalar::{map_in_place, sum_pairs, zip_in_place};
use ndarray::Array2;

/// δ, in machine epsilons.
const SHIFT: f64 = 16.0;

/// How far W may be from 1 before the last step, in third roots of the machine epsilon.
const CLOSE: f64 = 0.5;

/// The least l that a polynomial is made for. With a smaller one some s near 1 would become too small.
const LEAST: f64 = 0.08;

/// Enough steps for any matrix that is positive definite.
const MAX_STEPS: usize = 40;

/// M^−½, and M.
pub struct InverseRoot<'a, T: Scalar> {
    /// M^−½, N×N.
    pub matrix: Loan<'a, T>,
    /// M plus δ‖M‖ on its diagonal, N×N.
    shifted: Loan<'a, T>,
}

impl<T: Scalar> InverseRoot<'_, T> {
    /// tr M^½, from R = M·Z with Z = M^−½. Where M is small Z is large, and so are its rounding errors and those of R. As
    /// d tr M^½ = ½ tr(M^−½ dM), with dM = M − R²,
    ///
    /// > tr M^½ ≈ tr R + ½ tr(Z·(M − R²))
    ///
    /// and what is left of the errors is of second order.
    pub fn trace_of_root(&self, products: &dyn Products<T>) -> f64 {
        let (m, z) = (&self.shifted, &self.matrix);
        let r = symmetric_product(m, z, products);
        let mut missing = symmetric_product(&r, &r, products);
        zip_in_place(&mut missing, m, |square, m| m - square);
        trace(&r) + 0.5 * sum_pairs(&**z, &*missing, |z, missing| z * missing)
    }
}

/// (M + δ‖M‖)^−½ of a symmetric M (`m`, N×N) that is positive semidefinite up to rounding.
///
/// # Panics
/// If `m` is not square.
pub fn inverse_root<'a, T: Scalar>(
    m: &Array2<T>,
    products: &'a dyn Products<T>,
) -> InverseRoot<'a, T> {
    let (matrix, shifted) = power(m, Power::MinusHalf, products);
    InverseRoot { matrix, shifted }
}

/// (M + δ‖M‖)^½ of such a matrix, N×N. M·M^−½ would be less exact: where M is small M^−½ is large, and so are its rounding errors.
///
/// # Panics
/// If `m` is not square.
pub fn root<'a, T: Scalar>(m: &Array2<T>, products: &'a dyn Products<T>) -> Loan<'a, T> {
    power(m, Power::Half, products).0
}

/// Which power of M is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Power {
    /// From X = M/c.
    Half,
    /// From X = 1.
    MinusHalf,
}

/// This power of M + δ‖M‖, and M + δ‖M‖.
fn power<'a, T: Scalar>(
    m: &Array2<T>,
    power: Power,
    products: &'a dyn Products<T>,
) -> (Loan<'a, T>, Loan<'a, T>) {
    let norm = norm(m).max(T::min_positive_value().as_f64() / T::epsilon().as_f64());
    let mut shift = SHIFT * T::epsilon().as_f64();
    loop {
        let c = norm * (1.0 + shift);
        let mut shifted = copy(m, products);
        map_in_place(&mut shifted, |m| T::of(m.as_f64() / c));
        let least = shift / (1.0 + shift);
        shifted.diag_mut().mapv_inplace(|m| m + T::of(least));
        let (mut found, converged) = power_of_scaled(&shifted, least, power, products);
        // No eigenvalue is below −‖M‖, so that with δ > 1 all are positive.
        if converged || shift > 1.0 {
            let factor = T::of(match power {
                Power::Half => c.sqrt(),
                Power::MinusHalf => 1.0 / c.sqrt(),
            });
            map_in_place(&mut found, |x| factor * x);
            map_in_place(&mut shifted, |m| T::of(c) * m);
            return (found, shifted);
        }
        shift *= 16.0;
    }
}

/// This power of M/c, whose eigenvalues are between `least` and 1, and whether the iteration converged.
fn power_of_scaled<'a, T: Scalar>(
    scaled: &Array2<T>,
    least: f64,
    power: Power,
    products: &'a dyn Products<T>,
) -> (Loan<'a, T>, bool) {
    let symmetric = |a: &Array2<T>, b: &Array2<T>| symmetric_product(a, b, products);
    let (size, epsilon) = (scaled.nrows() as f64, T::epsilon().as_f64());
    let mut w = copy(scaled, products);
    // As long as it is 1, X·P = P needs no product.
    let mut x = (power == Power::Half).then(|| copy(scaled, products));
    let mut converged = false;
    let (mut smallest, mut before) = (least.sqrt(), f64::INFINITY);
    for step in 0..MAX_STEPS {
        let from_one = distance_from_one(&w);
        let distance = from_one / size.sqrt();
        // While all s are between 0 and 1 this is at most 1. A negative eigenvalue makes it grow without end.
        if distance > 2.0 && step > 0 {
            break;
        }
        // No eigenvalue of W is farther from 1 than this. If all are near 1 already, none needs to grow.
        let near = from_one < 0.5;
        let polynomial = if near {
            AT_ONE
        } else {
            nearest_to_one(smallest.max(LEAST))
        };
        smallest = value(polynomial, smallest).min(1.0);
        // P takes the place of W².
        let mut p = symmetric(&w, &w);
        let [a, b, e] = polynomial.map(T::of);
        zip_in_place(&mut p, &w, |square, w| e * square + b * w);
        p.diag_mut().mapv_inplace(|p| p + a);
        // After this step hardly more than rounding errors are left. They may also keep the distance from becoming so small.
        converged = near && (distance < CLOSE * epsilon.cbrt() || distance > 0.5 * before);
        if !converged {
            w = symmetric(&symmetric(&p, &w), &p);
        }
        x = Some(match x {
            None => p,
            Some(x) => symmetric(&x, &p),
        });
        if converged {
            break;
        }
        before = if near { distance } else { f64::INFINITY };
    }
    (x.expect("there was a step"), converged)
}

fn symmetric_product<'a, T: Scalar>(
    a: &Array2<T>,
    b: &Array2<T>,
    products: &'a dyn Products<T>,
) -> Loan<'a, T> {
    Loan::new(products.symmetric_product(a.view(), b.view()), products)
}

fn copy<'a, T: Scalar>(m: &Array2<T>, products: &'a dyn Products<T>) -> Loan<'a, T> {
    let mut copy = Loan::new(products.matrix(m.dim()), products);
    copy.assign(m);
    copy
}

/// a, b and e of the odd polynomial a·s + b·s³ + e·s⁵.
type Polynomial = [f64; 3];

/// Its first two derivatives are 0 where it is 1.
const AT_ONE: Polynomial = [15.0 / 8.0, -10.0 / 8.0, 3.0 / 8.0];

fn value([a, b, e]: Polynomial, s: f64) -> f64 {
    s * (a + s * s * (b + s * s * e))
}

/// The odd polynomial of degree five that is nearest to 1 between `least` and 1, divided by its maximum there, 1 + E. By Chebyshev's
/// theorem it is 1 − E, 1 + E, 1 − E and 1 + E at four points: at both ends, and at its maximum and its minimum between them. Four points
/// determine the polynomial and E, and the polynomial its maximum and its minimum; both in turns, until they stay (Remez's algorithm).
fn nearest_to_one(least: f64) -> Polynomial {
    // Nearer to 1 that one is as good.
    if least > 0.9 {
        return AT_ONE;
    }
    let mut points = [least, 0.75 * least + 0.25, 0.25 * least + 0.75, 1.0];
    for _ in 0..30 {
        let (polynomial, maximum) = through(points);
        let [a, b, e] = polynomial;
        // Where the derivative a + 3b·s² + 5e·s⁴ is 0.
        let root = (9.0 * b * b - 20.0 * a * e).sqrt();
        let extremes = [-root, root].map(|root| ((root - 3.0 * b) / (10.0 * e)).sqrt());
        let moved = (points[1] - extremes[0]).abs() + (points[2] - extremes[1]).abs();
        points[1..3].copy_from_slice(&extremes);
        if moved < 1e-9 {
            return polynomial.map(|factor| factor / maximum);
        }
    }
    unreachable!("for each l from LEAST to 0.9 it takes three or four rounds")
}

/// The odd polynomial of degree five that is 1 − E, 1 + E, 1 − E and 1 + E at these points, and 1 + E.
fn through(points: [f64; 4]) -> (Polynomial, f64) {
    let squares = points.map(|s| s * s);
    // p(s)/s is of second degree in s², so that its third divided difference, Σ weight·p(s), is 0. From this follows E.
    let weights: [f64; 4] = std::array::from_fn(|i| {
        let others = (0..4).filter(|&j| j != i);
        let product: f64 = others.map(|j| squares[i] - squares[j]).product();
        1.0 / (product * points[i])
    });
    let signs = [-1.0, 1.0, -1.0, 1.0];
    let signed = weights
        .iter()
        .zip(signs)
        .map(|(weight, sign)| weight * sign);
    let error = -weights.iter().sum::<f64>() / signed.sum::<f64>();
    // Newton's form through the first three.
    let [y0, y1, y2]: [f64; 3] = std::array::from_fn(|i| (1.0 + signs[i] * error) / points[i]);
    let [t0, t1, t2, _] = squares;
    let slope = (y1 - y0) / (t1 - t0);
    let e = ((y2 - y1) / (t2 - t1) - slope) / (t2 - t0);
    let b = slope - e * (t0 + t1);
    let a = y0 - t0 * (b + e * t0);
    ([a, b, e], 1.0 + error)
}

/// The Frobenius norm, which is at least the largest eigenvalue.
fn norm<T: Scalar>(m: &Array2<T>) -> f64 {
    sum_pairs(m, m, |m, _| m * m).sqrt()
}

/// The Frobenius norm of W − 1: ‖W − 1‖² = ‖W‖² − 2·tr(W) + N.
fn distance_from_one<T: Scalar>(w: &Array2<T>) -> f64 {
    let square = norm(w).powi(2) - 2.0 * trace(w) + w.nrows() as f64;
    // Of NaN this makes 0, which ends the iteration.
    square.max(0.0).sqrt()
}

/// The sum of the diagonal.
pub(super) fn trace<T: Scalar>(m: &Array2<T>) -> f64 {
    m.diag().iter().map(|m| m.as_f64()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::PlainProducts;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    /// Q·diag(λ)·Qᵀ with a Householder matrix Q.
    fn with_eigenvalues(eigenvalues: &[f64]) -> Array2<f64> {
        let size = eigenvalues.len();
        let mut random = Pcg64Mcg::seed_from_u64(3);
        let v = Array2::from_shape_fn((size, 1), |_| random.random_range(-1.0..1.0));
        let square = v.iter().map(|v| v * v).sum::<f64>();
        let q = Array2::eye(size) - v.dot(&v.t()) * (2.0 / square);
        let scaled = &q * &ndarray::ArrayView1::from(eigenvalues);
        scaled.dot(&q.t())
    }

    fn largest(m: &Array2<f64>) -> f64 {
        m.iter().fold(0.0, |largest, m| f64::max(largest, m.abs()))
    }

    #[test]
    fn the_roots_squared_are_the_matrix_and_its_inverse() {
        for eigenvalues in [
            &[5.0][..],
            &[1.0, 1.0, 1.0],
            &[300.0, 2.0, 1e-3, 1e-6],
            &[1e6, 1e-4, 1.0],
        ] {
            let m = with_eigenvalues(eigenvalues);
            let root = root(&m, &PlainProducts);
            let inverse = inverse_root(&m, &PlainProducts);
            let error = largest(&(root.dot(&*root) - &m)) / largest(&m);
            assert!(error < 1e-9, "{eigenvalues:?}: {error:e}");
            let expected: f64 = eigenvalues.iter().map(|e| f64::sqrt(*e)).sum();
            let error = inverse.trace_of_root(&PlainProducts) / expected - 1.0;
            assert!(error.abs() < 1e-6, "{eigenvalues:?}: {error:e}");
            let identity = root.dot(&*inverse.matrix);
            let error = largest(&(identity - Array2::<f64>::eye(eigenvalues.len())));
            assert!(error < 1e-4, "{eigenvalues:?}: {error:e}");
        }
    }

    #[test]
    fn in_single_precision_small_eigenvalues_do_not_spoil_the_others() {
        let m = with_eigenvalues(&[900.0, 30.0, 1.0, 1e-4, 1e-9, 0.0]);
        let m32 = m.mapv(|m| m as f32);
        let root = root(&m32, &PlainProducts).mapv(f64::from);
        let inverse = inverse_root(&m32, &PlainProducts).matrix;
        let error = largest(&(root.dot(&root) - &m)) / 900.0;
        // Each of some seven steps rounds four products.
        assert!(error < 300.0 * f64::from(f32::EPSILON), "{error:e}");
        assert!(inverse.iter().all(|m| m.is_finite()));
    }

    #[test]
    fn what_rounding_made_negative_is_taken_for_positive() {
        for eigenvalues in [
            &[1.0, 0.5, -1e-3][..],
            &[1.0, -1.0],
            &[-2.0],
            &[3e-7, -2e-7, 1e-7],
        ] {
            let m = with_eigenvalues(eigenvalues);
            let m32 = m.mapv(|m| m as f32);
            let root = root(&m32, &PlainProducts).mapv(f64::from);
            let inverse = inverse_root(&m32, &PlainProducts).matrix;
            // M plus at most 16 times what is negative, and the same in all directions.
            let added = root.dot(&root) - &m;
            let most = added.diag().iter().fold(0.0, |most, &a| f64::max(most, a));
            let negative = eigenvalues.iter().fold(0.0, |most, &e| f64::max(most, -e));
            assert!(
                (negative..17.0 * negative).contains(&most),
                "{eigenvalues:?}: {most:e}"
            );
            let error = largest(&(&added - Array2::<f64>::eye(m.nrows()) * most));
            assert!(
                error < 1e-3 * (negative + largest(&m)),
                "{eigenvalues:?}: {error:e}"
            );
            assert!(inverse.iter().all(|m| m.is_finite()));
        }
    }

    #[test]
    fn the_roots_of_nan_are_nan() {
        let m = Array2::from_elem((3, 3), f32::NAN);
        let found = [
            root(&m, &PlainProducts),
            inverse_root(&m, &PlainProducts).matrix,
        ];
        assert!(found.iter().all(|found| found.iter().all(|m| m.is_nan())));
    }

    #[test]
    fn each_polynomial_is_as_near_to_one_at_four_points() {
        for least in [LEAST, 0.1, 0.3, 0.6, 0.89] {
            let polynomial = nearest_to_one(least);
            let values: Vec<f64> = (0..=1000)
                .map(|k| value(polynomial, least + (1.0 - least) * f64::from(k) / 1000.0))
                .collect();
            let lowest = values
                .iter()
                .fold(1.0, |lowest, &value| f64::min(lowest, value));
            assert!(values.iter().all(|&value| value < 1.0 + 1e-6), "{least}");
            assert!((values[0] - lowest).abs() < 1e-5, "{least}: {lowest}");
            assert!((values[1000] - 1.0).abs() < 1e-9, "{least}");
            // Inside there is a maximum that is as high as the end, and a minimum that is as low as the beginning.
            let inside = &values[1..1000];
            let turns: Vec<f64> = (inside.windows(3))
                .filter(|near| (near[1] - near[0]) * (near[2] - near[1]) < 0.0)
                .map(|near| near[1])
                .collect();
            assert_eq!(turns.len(), 2, "{least}: {turns:?}");
            assert!((turns[0] - 1.0).abs() < 1e-5 && (turns[1] - lowest).abs() < 1e-5);
            assert!(lowest > 0.3, "{least}: {lowest}");
        }
        let flat = [-1e-3, 1e-3].map(|d| value(AT_ONE, 1.0 + d) - 1.0);
        assert!(flat.iter().all(|value| value.abs() < 1e-8), "{flat:?}");
    }

    #[test]
    fn one_small_eigenvalue_among_many_is_not_overlooked() {
        let mut eigenvalues = vec![1.0; 200];
        eigenvalues[7] = 1e-3;
        let m = with_eigenvalues(&eigenvalues).mapv(|m| m as f32);
        let inverse = inverse_root(&m, &PlainProducts).matrix.mapv(f64::from);
        let identity = inverse.dot(&m.mapv(f64::from)).dot(&inverse);
        let error = largest(&(identity - Array2::<f64>::eye(200)));
        // δ‖M‖ is 3e-5.
        assert!(error < 0.05, "{error:e}");
    }

    #[test]
    fn a_zero_matrix_has_a_root_and_an_inverse_without_nan() {
        let zero = Array2::<f32>::zeros((3, 3));
        let inverse = inverse_root(&zero, &PlainProducts);
        assert!(inverse.matrix.iter().all(|m| m.is_finite()));
        assert!(inverse.trace_of_root(&PlainProducts).abs() < 1e-12);
        assert!(root(&zero, &PlainProducts).iter().all(|m| m.abs() < 1e-12));
    }

    #[test]
    fn the_trace_of_the_root_is_exact_to_single_precision() {
        let eigenvalues: Vec<f64> = (0..48).map(|k| 10f64.powf(-f64::from(k) / 8.0)).collect();
        let m = with_eigenvalues(&eigenvalues).mapv(|m| m as f32);
        let norm = norm(&m);
        let delta = SHIFT * f64::from(f32::EPSILON) * norm;
        let expected: f64 = eigenvalues.iter().map(|e| (e + delta).sqrt()).sum();
        let found = inverse_root(&m, &PlainProducts).trace_of_root(&PlainProducts);
        let error = (found / expected - 1.0).abs();
        assert!(error < 50.0 * f64::from(f32::EPSILON), "{error:e}");
    }
}
