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
//! The polynomials bring all s between a least one, l, and 1 near to 1 (Amsel, Persson, Musco and Gower 2025, The Polar Express).
//!
//! Rounding errors can make a small eigenvalue negative, and a negative one would grow without end. Therefore M + δ‖M‖ is taken in
//! place of M, where δ is some machine epsilons: l² = δ/(1 + δ) at the beginning. It is as if eigenvalues below δ‖M‖ were that large. If
//! that is not enough, as with the covariance of a picture of one color, which is nothing but rounding errors, δ is taken sixteen times
//! as large, and so on.

use super::Scalar;
use super::loss::{Loan, Products};
use super::odd_polynomial::{AT_ONE, Polynomial, nearest_to_one, value};
use super::scalar::{map_in_place, sum_pairs, zip_in_place};
use ndarray::{Array2, ArrayView2};

/// δ, in machine epsilons.
const SHIFT: f64 = 16.0;

/// How far W may be from 1 before the last step, in third roots of the machine epsilon.
const CLOSE: f64 = 0.5;

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
        let r = symmetric_product(m.view(), z.view(), products);
        let mut missing = symmetric_product(r.view(), r.view(), products);
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
    let symmetric = |a: &Array2<T>, b: &Array2<T>| symmetric_product(a.view(), b.view(), products);
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
            nearest_to_one(smallest)
        };
        smallest = value(polynomial, smallest).min(1.0);
        let p = polynomial_of(&w, polynomial, products);
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

/// P = a + b·W + e·W² of a symmetric W (N×N).
pub(super) fn polynomial_of<'a, T: Scalar>(
    w: &Array2<T>,
    polynomial: Polynomial,
    products: &'a dyn Products<T>,
) -> Loan<'a, T> {
    let [a, b, e] = polynomial.map(T::of);
    // P takes the place of W².
    let mut p = symmetric_product(w.view(), w.view(), products);
    zip_in_place(&mut p, w, |square, w| e * square + b * w);
    p.diag_mut().mapv_inplace(|p| p + a);
    p
}

/// The product of `a` (N×K) and `b` (K×N) that is known to be symmetric.
pub(super) fn symmetric_product<'a, T: Scalar>(
    a: ArrayView2<T>,
    b: ArrayView2<T>,
    products: &'a dyn Products<T>,
) -> Loan<'a, T> {
    Loan::new(products.symmetric_product(a, b), products)
}

/// A copy of a matrix.
pub(super) fn copy<'a, T: Scalar>(m: &Array2<T>, products: &'a dyn Products<T>) -> Loan<'a, T> {
    let mut copy = Loan::new(products.matrix(m.dim()), products);
    copy.assign(m);
    copy
}

/// The Frobenius norm, which is at least the largest eigenvalue.
pub(super) fn norm<T: Scalar>(m: &Array2<T>) -> f64 {
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
pub(super) mod tests {
    use super::*;
    use crate::method::PlainProducts;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    /// A Householder matrix, which is orthogonal.
    pub fn householder(size: usize, seed: u64) -> Array2<f64> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let v = Array2::from_shape_fn((size, 1), |_| random.random_range(-1.0..1.0));
        let square = v.iter().map(|v| v * v).sum::<f64>();
        Array2::eye(size) - v.dot(&v.t()) * (2.0 / square)
    }

    /// Q·diag(λ)·Qᵀ with a Householder matrix Q.
    fn with_eigenvalues(eigenvalues: &[f64]) -> Array2<f64> {
        let q = householder(eigenvalues.len(), 3);
        let scaled = &q * &ndarray::ArrayView1::from(eigenvalues);
        scaled.dot(&q.t())
    }

    pub fn largest(m: &Array2<f64>) -> f64 {
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
