//! The eigenvalues of a symmetric matrix: Householder reflections make it tridiagonal, and bisection finds the eigenvalues of that.

use ndarray::{Array2, s};
use rayon::prelude::*;

/// Bisections: enough to halve an interval down to rounding errors.
const BISECTIONS: usize = 60;

/// The eigenvalues of a symmetric matrix, the smallest first.
pub fn eigenvalues(a: Array2<f64>) -> Vec<f64> {
    let (diagonal, beside) = tridiagonal(a);
    let squares: Vec<f64> = beside.iter().map(|b| b * b).collect();
    // Gershgorin: every eigenvalue is within the sum of the elements beside it of some diagonal element.
    let radius = |i: usize| {
        let before = i.checked_sub(1).and_then(|i| beside.get(i));
        before.map_or(0.0, |b| b.abs()) + beside.get(i).map_or(0.0, |b| b.abs())
    };
    let bounds = (0..diagonal.len()).map(|i| (diagonal[i] - radius(i), diagonal[i] + radius(i)));
    let all = bounds.fold((f64::INFINITY, f64::NEG_INFINITY), |all, (low, high)| {
        (all.0.min(low), all.1.max(high))
    });
    let number = |k: usize| {
        let (mut low, mut high) = all;
        for _ in 0..BISECTIONS {
            let middle = (low + high) / 2.0;
            if below(&diagonal, &squares, middle) > k {
                high = middle;
            } else {
                low = middle;
            }
        }
        (low + high) / 2.0
    };
    (0..diagonal.len()).into_par_iter().map(number).collect()
}

/// How many eigenvalues are below x: as many as the factors L D Lᵀ of the tridiagonal matrix less x have negative numbers in D
/// (Sylvester's law of inertia).
fn below(diagonal: &[f64], squares: &[f64], x: f64) -> usize {
    let (mut count, mut d) = (0, 1.0f64);
    for (i, a) in diagonal.iter().enumerate() {
        let square = if i == 0 { 0.0 } else { squares[i - 1] };
        d = a - x - square / d;
        if d == 0.0 {
            d = -f64::MIN_POSITIVE.sqrt();
        }
        count += usize::from(d < 0.0);
    }
    count
}

/// The diagonal, and the elements beside it, of a tridiagonal matrix with the same eigenvalues. Each step reflects one column to a
/// multiple of a unit vector: A ← A - 2 v wᵀ - 2 w vᵀ with p = A v and w = p - (vᵀ p) v, for the unit vector v of the reflection.
fn tridiagonal(mut a: Array2<f64>) -> (Vec<f64>, Vec<f64>) {
    let n = a.nrows();
    let mut beside = Vec::with_capacity(n.saturating_sub(1));
    for k in 0..n.saturating_sub(1) {
        let mut v = a.slice(s![k + 1.., k]).to_owned();
        let norm = v.dot(&v).sqrt();
        let b = if v[0] > 0.0 { -norm } else { norm };
        beside.push(b);
        v[0] -= b;
        let length = v.dot(&v).sqrt();
        if length == 0.0 {
            continue;
        }
        v /= length;
        let mut rest = a.slice_mut(s![k + 1.., k + 1..]);
        let p = rest.dot(&v);
        let w = &p - &(&v * v.dot(&p));
        for (i, mut row) in rest.rows_mut().into_iter().enumerate() {
            let (vi, wi) = (2.0 * v[i], 2.0 * w[i]);
            ndarray::Zip::from(&mut row)
                .and(&v)
                .and(&w)
                .for_each(|a, &v, &w| *a -= vi * w + wi * v);
        }
    }
    (a.diag().to_vec(), beside)
}
