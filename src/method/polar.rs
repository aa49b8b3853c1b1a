//! The polar factor of a matrix, from matrix products alone.
//!
//! A matrix B with the singular values σ, B = Σ σ·u·vᵀ, has the polar factor U = Σ u·vᵀ: of all matrices whose singular values are at
//! most 1 the one with the largest Σ U∘B, which is Σ σ, the nuclear norm of B (Higham 2008, Functions of Matrices, chapter 8). It is the
//! gradient of that norm.
//!
//! The iteration begins with X = B/‖B‖. With an odd polynomial p(s) = a·s + b·s³ + e·s⁵,
//!
//! > W = X·Xᵀ,  P = a + b·W + e·W²,  X ← P·X
//!
//! makes p(s) of each singular value s of X; the polynomials bring all of them near to 1 (Amsel, Persson, Musco and Gower 2025, The Polar
//! Express). If B has fewer columns than rows, W = Xᵀ·X and X ← X·P make the same of it with smaller matrices.
//!
//! W ← P·W·P is the next W, and takes less work than X·Xᵀ if one side of B is much longer than the other. But the squares of small s are
//! lost in W's rounding errors, which many such steps would make large. Therefore X·Xᵀ is computed anew every four steps.
//!
//! A singular value below √ε·‖B‖, with the machine epsilon ε, does not become 1: the smaller it is, the smaller it stays. One that is 0
//! but for rounding errors does no harm, and B may be zero. If all of B is rounding errors, the directions of U are arbitrary.

use super::Scalar;
use super::loss::{Loan, Products};
use super::matrix_root::{copy, norm, polynomial_of, symmetric_product};
use super::odd_polynomial::{AT_ONE, Polynomial, nearest_to_one, value};
use super::scalar::map_in_place;
use ndarray::Array2;

/// How many steps are made from one X·Xᵀ. Each makes a rounding error of W up to 15.5 times as large.
const STEPS_AT_ONCE: usize = 4;

/// The polar factor of `b` (M×N).
pub fn polar_factor<'a, T: Scalar>(b: &Array2<T>, products: &'a dyn Products<T>) -> Loan<'a, T> {
    let (rows, columns) = b.dim();
    let mut x = copy(b, products);
    let norm = norm(b).max(T::min_positive_value().as_f64());
    map_in_place(&mut x, |x| T::of(x.as_f64() / norm));
    for polynomials in steps(T::epsilon().as_f64()).chunks(STEPS_AT_ONCE) {
        let mut w = if rows < columns {
            symmetric_product(x.view(), x.t(), products)
        } else {
            symmetric_product(x.t(), x.view(), products)
        };
        let mut all: Option<Loan<T>> = None;
        for (number, &polynomial) in polynomials.iter().enumerate() {
            let p = polynomial_of(&w, polynomial, products);
            if number + 1 < polynomials.len() {
                let half = symmetric_product(p.view(), w.view(), products);
                w = symmetric_product(half.view(), p.view(), products);
            }
            all = Some(match all {
                None => p,
                Some(all) => symmetric_product(all.view(), p.view(), products),
            });
        }
        let all = all.expect("there is a step");
        let product = if rows < columns {
            products.product(all.view(), x.view())
        } else {
            products.product(x.view(), all.view())
        };
        x = Loan::new(product, products);
    }
    x
}

/// The polynomials that make 1 of every number between √ε and 1.
fn steps(epsilon: f64) -> Vec<Polynomial> {
    let mut steps = Vec::new();
    let mut smallest = epsilon.sqrt();
    while 1.0 - smallest > 0.5 * epsilon.cbrt() {
        let polynomial = nearest_to_one(smallest);
        smallest = value(polynomial, smallest).min(1.0);
        steps.push(polynomial);
    }
    steps.push(AT_ONE);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::PlainProducts;
    use crate::method::matrix_root::tests::{householder, largest};
    use crate::method::scalar::sum_pairs;

    /// `count` orthonormal columns of `size` elements.
    fn orthonormal(size: usize, count: usize, seed: u64) -> Array2<f64> {
        let q = householder(size, seed);
        q.slice(ndarray::s![.., ..count]).to_owned()
    }

    /// The matrix with these singular values, and its polar factor.
    fn with_singular_values(rows: usize, columns: usize, values: &[f64]) -> [Array2<f64>; 2] {
        let (u, v) = (
            orthonormal(rows, values.len(), 5),
            orthonormal(columns, values.len(), 6),
        );
        [&u * &ndarray::ArrayView1::from(values), u].map(|u| u.dot(&v.t()))
    }

    #[test]
    fn all_singular_values_become_one() {
        let values = [900.0, 30.0, 5.0, 1.0, 1e-3];
        for (rows, columns) in [(5, 9), (9, 5), (5, 5), (7, 8)] {
            let [b, expected] = with_singular_values(rows, columns, &values);
            let u = polar_factor(&b, &PlainProducts);
            let error = largest(&(&*u - &expected));
            // What is 0 but for rounding errors grows by some 1/√ε.
            assert!(error < f64::EPSILON.sqrt(), "{rows}×{columns}: {error:e}");
            let nuclear = sum_pairs(&*u, &b, |u, b| u * b);
            let error = nuclear / values.iter().sum::<f64>() - 1.0;
            assert!(error.abs() < 1e-14, "{rows}×{columns}: {error:e}");
        }
    }

    #[test]
    fn in_single_precision_small_singular_values_become_one_too() {
        let values: Vec<f64> = (0..28).map(|k| 10f64.powf(-f64::from(k) / 9.0)).collect();
        for (rows, columns) in [(30, 90), (90, 30)] {
            let [b, expected] = with_singular_values(rows, columns, &values);
            let u = polar_factor(&b.mapv(|b| b as f32), &PlainProducts);
            let error = largest(&(u.mapv(f64::from) - &expected));
            // The smallest is 1e-3, and rounding is 6e-8 of the largest.
            assert!(error < 1e-3, "{rows}×{columns}: {error:e}");
        }
    }

    #[test]
    fn what_is_zero_stays_nearly_zero() {
        let [b, expected] = with_singular_values(40, 60, &[1.0; 20]);
        let u = polar_factor(&b.mapv(|b| b as f32), &PlainProducts);
        let error = largest(&(u.mapv(f64::from) - &expected));
        assert!(error < 1e-3, "{error:e}");
        let zero = polar_factor(&Array2::<f32>::zeros((3, 4)), &PlainProducts);
        assert!(zero.iter().all(|&u| u == 0.0));
    }

    #[test]
    fn the_polar_factor_of_nan_is_nan() {
        let u = polar_factor(&Array2::from_elem((3, 4), f32::NAN), &PlainProducts);
        assert!(u.iter().all(|u| u.is_nan()));
    }
}
