//! The Wasserstein distance between the Gaussians that have the means μ and covariances C of two sets of vectors:
//!
//! > d² = ‖μ - μ′‖² + tr C + tr C′ - 2 tr (C^½ C′ C^½)^½
//!
//! With a Cholesky factor C = L Lᵀ the last trace is the sum of the square roots of the eigenvalues of Lᵀ C′ L.

use super::eigenvalues::eigenvalues;
use ndarray::{Array1, Array2, Axis, s};

/// Mean and covariance.
pub struct Gaussian {
    /// N.
    pub mean: Array1<f64>,
    /// N×N.
    pub covariance: Array2<f64>,
}

impl Gaussian {
    /// Those of the rows of `x` (M×N).
    pub fn of(x: &Array2<f32>) -> Self {
        let (m, n) = x.dim();
        let mean = x.mapv(f64::from).sum_axis(Axis(0)) / m as f64;
        let mut covariance = Array2::zeros((n, n));
        for rows in x.axis_chunks_iter(Axis(0), 4096) {
            let centered = rows.mapv(f64::from) - &mean;
            covariance += &centered.t().dot(&centered);
        }
        covariance /= m as f64;
        Self { mean, covariance }
    }

    /// The distance d to another one.
    pub fn distance(&self, other: &Self) -> f64 {
        let l = cholesky(&self.covariance);
        let product = l.t().dot(&other.covariance).dot(&l);
        let roots = eigenvalues(product).into_iter().map(|e| e.max(0.0).sqrt());
        let traces = self.covariance.diag().sum() + other.covariance.diag().sum();
        let means = (&self.mean - &other.mean).mapv(|d| d * d).sum();
        (means + traces - 2.0 * roots.sum::<f64>()).max(0.0).sqrt()
    }
}

/// The lower triangle L of C = L Lᵀ. C need not have full rank: where nothing is left of the diagonal, the column is 0.
fn cholesky(c: &Array2<f64>) -> Array2<f64> {
    let n = c.nrows();
    let least = 1e-12 * c.diag().sum();
    let mut l = Array2::<f64>::zeros((n, n));
    for j in 0..n {
        let known = l.slice(s![j.., ..j]);
        let column = &c.slice(s![j.., j]) - &known.dot(&known.row(0));
        if column[0] > least {
            let root = column[0].sqrt();
            l.slice_mut(s![j.., j]).assign(&(column / root));
        }
    }
    l
}
