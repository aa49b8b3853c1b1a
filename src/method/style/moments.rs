//! Mean μ and covariance C of a layer's activations against those of the painting, μ′ and C′.
//!
//! > L = (s/N)·‖μ − μ′‖² + Σ (C − C′)² / (4·N²),  C = Σ w·f·fᵀ / m − μμᵀ,  μ = Σ w·f / m
//!
//! with N channels, weights w of the positions (1 without a mask) and m = Σ w. The Gram loss compares C + μμᵀ, which mixes the two.
//! With s = ‖μ′‖²/(2N) the first term equals the Gram loss for a small change of μ alone, orthogonal to μ. A mixture of paintings
//! has the μ′ and C′ of the mixture. For each position f, since Σ w·(f − μ) = 0,
//!
//! > dL/df = (w/m)·( (2·s/N)·(μ − μ′) + (C − C′)·(f − μ) / N² ).
//!
//! Good at colors and mean contrasts, which must be right by themselves and cannot be traded for texture. Covariances are
//! compared by the Frobenius norm of their difference. Statistics: Huang and Belongie 2017 (means and variances); Li, Wang, Liu
//! and Hou 2017, Demystifying Neural Style Transfer, which shows that style losses are distances between distributions; this one
//! compares their first two moments.

use super::gram::sum_squares;
use super::sums::{Needs, SecondGradient, SumLoss, Sums, SumsGradient, second_moment};
use super::with_painting;
use crate::method::Scalar;
use crate::method::loss::Products;
use crate::parallel::{for_each, map};
use ndarray::{Array1, Array2, Array3, Axis};

/// The loss of one layer.
pub struct MomentsLoss<T> {
    /// μ′, N.
    mean: Array1<f64>,
    /// C′, N×N; until all paintings are there, C′ + μ′μ′ᵀ.
    covariance: Array2<T>,
    /// s/N
    mean_weight: f64,
}

impl<T: Scalar> MomentsLoss<T> {
    /// The loss that is 0 where activations have mean and covariance of the `painting`'s (H×W×N, of any size).
    pub fn new(painting: &Array3<T>) -> Self {
        with_painting(Self::empty(painting.dim().2), painting)
    }

    pub(super) fn empty(channels: usize) -> Self {
        Self {
            mean: Array1::zeros(channels),
            covariance: Array2::zeros((channels, channels)),
            mean_weight: 0.0,
        }
    }
}

impl<T: Scalar> SumLoss<T> for MomentsLoss<T> {
    fn needs(&self) -> Needs {
        Needs {
            first: true,
            ..Needs::default()
        }
    }

    fn add_sums(&mut self, painting: &Sums<T>, share: f64) {
        self.mean.scaled_add(share, &painting.mean());
        let share = T::of(share / painting.weight);
        self.covariance.scaled_add(share, painting.second.sum());
    }

    fn finish_sums(&mut self, shares: f64, _: &dyn Products<T>) {
        self.mean /= shares;
        self.covariance *= T::of(1.0 / shares);
        let channels = self.mean.len() as f64;
        self.mean_weight = self.mean.dot(&self.mean) / (2.0 * channels * channels);
        center(&mut self.covariance, &self.mean);
    }

    fn at(&self, sums: Sums<T>, _: &dyn Products<T>) -> (f64, SumsGradient<T>) {
        let channels = self.mean.len() as f64;
        let square = channels * channels;
        let (mean, m) = (sums.mean(), sums.weight);
        let mean_difference = &mean - &self.mean;
        let mut difference = second_moment(sums.second.into_sum(), m);
        center(&mut difference, &mean);
        difference -= &self.covariance;

        // (2·s/N)·(μ − μ′) − (C − C′)·μ / N², the same for all positions.
        let at_mean = times(&difference, &mean);
        let constant = 2.0 * self.mean_weight * &mean_difference - at_mean / square;
        let means = mean_difference.dot(&mean_difference);
        let loss = self.mean_weight * means + sum_squares(&difference, channels) / 4.0;
        let gradient = SumsGradient {
            first: Some(constant / m),
            second: SecondGradient::Sum(difference),
            factor: 1.0 / (2.0 * square * m),
        };
        (loss, gradient)
    }
}

/// From the mean of f·fᵀ to that of (f − μ)(f − μ)ᵀ.
pub(super) fn center<T: Scalar>(second: &mut Array2<T>, mean: &Array1<f64>) {
    let mean = mean.as_slice().expect("it is in standard layout");
    let rows = second.as_slice_mut().expect("it is in standard layout");
    let rows = rows.chunks_exact_mut(mean.len().max(1)).enumerate();
    for_each(rows, |(i, row)| {
        for (c, mean_j) in row.iter_mut().zip(mean) {
            *c = T::of(c.as_f64() - mean[i] * mean_j);
        }
    });
}

/// `m`·`vector`, in `f64`.
pub(super) fn times<T: Scalar>(m: &Array2<T>, vector: &Array1<f64>) -> Array1<f64> {
    let rows = m.axis_iter(Axis(0));
    let products = map(rows, |row| row.mapv(T::as_f64).dot(vector));
    Array1::from(products)
}
