//! The square root of a symmetric, positive definite matrix and its inverse, from matrix products alone.
//!
//! The coupled iteration of Newton and Schulz (Higham 2008, Functions of Matrices, equation 6.35) begins with Y = M/c and Z = 1,
//! where c is at least M's largest eigenvalue:
//!
//! > W = Z·Y,  P = ½ρ(3 − ρ²·W),  Y ← Y·P,  Z ← P·Z
//!
//! Then Y → (M/c)^½ and Z → (M/c)^−½. All these matrices are polynomials of M, so that one eigenvalue of M can be followed by itself:
//! with s² its eigenvalue in W, a step makes ½ρs·(3 − ρ²s²) of s, and s → 1. With ρ = 1 a small s grows by 3/2 in each step. If
//! all s lie between l and 1, ρ² = 3/(1 + l + l²) keeps them between the new l = ½ρl·(3 − ρ²l²) and 1, and a small s grows by
//! up to 2.6 (Chen and Chow 2014, A Stable Scaling of Newton-Schulz, section 2). But the first of these steps make s = 1 as small
//! as l, and lose its digits; ρ ≤ 3/2 keeps s = 1 above ½, and a small s grows by 2.25. As l comes near 1, ρ does as well, and
//! convergence is quadratic.
//!
//! Rounding errors can make a small eigenvalue negative, and a negative one would grow without end. Therefore M is taken for
//! M + δ‖M‖, where δ is some machine epsilons: l² = δ/(1 + δ) at the beginning. It is as if eigenvalues below δ‖M‖ were that large. If that
//! is not enough, as with the covariance of a picture of one color, which is nothing but rounding errors, δ is taken sixteen times as large,
//! and so on.

use super::Scalar;
use super::loss::{Loan, Products};
use super::scalar::map_in_place;
use ndarray::Array2;
use rayon::prelude::*;

/// δ, in machine epsilons.
const SHIFT: f64 = 16.0;

/// How far W may be from 1 before the last step, in roots of the machine epsilon.
const CLOSE: f64 = 8.0;

/// Rows that one parallel task takes, at least.
const MIN_ROWS: usize = 64;

/// Enough steps for any matrix that is positive definite.
const MAX_STEPS: usize = 50;

/// M^½ and M^−½.
pub struct Roots<'a, T: Scalar> {
    /// M^½, N×N.
    pub root: Loan<'a, T>,
    /// M^−½, N×N.
    pub inverse: Loan<'a, T>,
}

/// Both roots of a symmetric `m` (N×N), plus δ‖M‖ on its diagonal. It is positive semidefinite up to rounding.
///
/// # Panics
/// If `m` is not square.
pub fn roots<'a, T: Scalar>(m: &Array2<T>, products: &'a dyn Products<T>) -> Roots<'a, T> {
    let norm = norm(m).max(f64::MIN_POSITIVE / T::epsilon().as_f64());
    let mut shift = SHIFT * T::epsilon().as_f64();
    loop {
        let (roots, converged) = shifted_roots(m, norm, shift, products);
        // No eigenvalue is below −‖M‖. What does not converge then has NaN in it.
        if converged || shift > 1.0 {
            return roots;
        }
        shift *= 16.0;
    }
}

/// Both roots of `m` plus `shift` times its norm, and whether the iteration converged.
fn shifted_roots<'a, T: Scalar>(
    m: &Array2<T>,
    norm: f64,
    shift: f64,
    products: &'a dyn Products<T>,
) -> (Roots<'a, T>, bool) {
    let size = m.nrows();
    let epsilon = T::epsilon().as_f64();
    let c = norm * (1.0 + shift);
    let shift = shift / (1.0 + shift);
    let mut y = Loan::new(products.matrix(m.dim()), products);
    y.assign(m);
    map_in_place(&mut y, |m| T::of(m.as_f64() / c));
    y.diag_mut().mapv_inplace(|y| y + T::of(shift));
    // Before the first step Z = 1, so that W = Y and P·Z = P need no product.
    let mut z: Option<Loan<T>> = None;
    let mut converged = false;
    let (mut smallest, mut before) = (shift.sqrt(), f64::INFINITY);
    for _ in 0..MAX_STEPS {
        let mut w = match &z {
            None => {
                let mut w = Loan::new(products.matrix(m.dim()), products);
                w.assign(&y);
                w
            }
            // Computed in full: rounding errors that are not symmetric would grow if W were made so.
            Some(z) => Loan::new(products.product(z.view(), y.view()), products),
        };
        let distance = distance_from_one(&w) / (size as f64).sqrt();
        // While all s are between 0 and 1 this is at most 1. A negative eigenvalue makes it grow without end.
        if distance > 2.0 && z.is_some() {
            break;
        }
        // If all s are near 1 already, none needs to grow.
        let rho = if distance < 0.1 {
            1.0
        } else {
            (3.0 / (1.0 + smallest + smallest * smallest))
                .sqrt()
                .min(1.5)
        };
        smallest = (0.5 * rho * smallest * (3.0 - (rho * smallest).powi(2))).min(1.0);
        // P takes the place of W.
        let (diagonal, factor) = (T::of(1.5 * rho), T::of(-0.5 * rho.powi(3)));
        map_in_place(&mut w, |w| factor * w);
        w.diag_mut().mapv_inplace(|w| w + diagonal);
        let p = w;
        y = Loan::new(products.symmetric_product(y.view(), p.view()), products);
        z = Some(match z {
            None => p,
            Some(z) => Loan::new(products.symmetric_product(p.view(), z.view()), products),
        });
        // A step squares the distance: after this one only rounding errors are left. They may also keep it from becoming so small.
        let stuck = distance < 0.1 && distance > 0.5 * before;
        converged = distance < CLOSE * epsilon.sqrt() || stuck;
        if converged {
            break;
        }
        before = distance;
    }
    let mut z = z.expect("there was a step");
    let (of_y, of_z) = (T::of(c.sqrt()), T::of(1.0 / c.sqrt()));
    map_in_place(&mut y, |y| of_y * y);
    map_in_place(&mut z, |z| of_z * z);
    let roots = Roots {
        root: y,
        inverse: z,
    };
    (roots, converged)
}

/// The Frobenius norm, which is at least the largest eigenvalue.
fn norm<T: Scalar>(m: &Array2<T>) -> f64 {
    let elements = m.as_slice().expect("it is in standard layout");
    let rows: Vec<f64> = (elements.par_chunks_exact(m.ncols().max(1)))
        .with_min_len(MIN_ROWS)
        .map(sum_of_squares)
        .collect();
    // Added in the order of the rows, whichever thread computed them.
    rows.iter().sum::<f64>().sqrt()
}

/// The Frobenius norm of W − 1: ‖W − 1‖² = ‖W‖² − 2·tr(W) + N.
fn distance_from_one<T: Scalar>(w: &Array2<T>) -> f64 {
    let trace: f64 = w.diag().iter().map(|w| w.as_f64()).sum();
    (norm(w).powi(2) - 2.0 * trace + w.nrows() as f64)
        .max(0.0)
        .sqrt()
}

/// Σ m²
fn sum_of_squares<T: Scalar>(row: &[T]) -> f64 {
    let (whole, rest) = row.as_chunks::<8>();
    // Side by side, so that they fill a vector of the CPU.
    let mut lanes = [0.0; 8];
    for elements in whole {
        for lane in 0..8 {
            lanes[lane] += elements[lane].as_f64() * elements[lane].as_f64();
        }
    }
    let rest = rest.iter().map(|m| m.as_f64() * m.as_f64());
    lanes.into_iter().chain(rest).sum()
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
            let Roots { root, inverse } = roots(&m, &PlainProducts);
            let error = largest(&(root.dot(&*root) - &m)) / largest(&m);
            assert!(error < 1e-9, "{eigenvalues:?}: {error:e}");
            let identity = root.dot(&*inverse);
            let error = largest(&(identity - Array2::<f64>::eye(eigenvalues.len())));
            assert!(error < 1e-4, "{eigenvalues:?}: {error:e}");
        }
    }

    #[test]
    fn in_single_precision_small_eigenvalues_do_not_spoil_the_others() {
        let m = with_eigenvalues(&[900.0, 30.0, 1.0, 1e-4, 1e-9, 0.0]);
        let Roots { root, inverse } = roots(&m.mapv(|m| m as f32), &PlainProducts);
        let (root, inverse) = (root.mapv(f64::from), inverse.mapv(f64::from));
        let error = largest(&(root.dot(&root) - &m)) / 900.0;
        // Each of some ten steps rounds three products.
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
            let Roots { root, inverse } = roots(&m.mapv(|m| m as f32), &PlainProducts);
            let root = root.mapv(f64::from);
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
        assert!(roots(&m, &PlainProducts).root.iter().all(|m| m.is_nan()));
    }
}
