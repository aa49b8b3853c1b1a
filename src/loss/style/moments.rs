//! Mean μ and covariance C of a layer's activations against those of the painting, μ′ and C′.
//!
//! > L = (s/N)·‖μ − μ′‖² + Σ (C − C′)² / (4·N²),  C = Σ w·f·fᵀ / m − μμᵀ,  μ = Σ w·f / m
//!
//! with N channels, weights w of the positions (1 if there are none) and m = Σ w. The Gram loss compares C + μμᵀ, which mixes the two;
//! s = ‖μ′‖²/2N makes the first term what that is if μ alone moves, across itself, by little. Of several samples, μ′ and C′ are those
//! of their mixture. For each position f, since Σ w·(f − μ) = 0,
//!
//! > dL/df = (w/m)·( (2·s/N)·(μ − μ′) + (C − C′)·(f − μ) / N² ).
//!
//! Good at: colours and mean contrasts, which must be right by themselves and cannot be traded for texture. Statistics: Huang and
//! Belongie 2017 (means and variances); Li, Wang, Liu and Hou 2017, Demystifying Neural Style Transfer, which shows style losses to
//! be distances between distributions, of which this one compares the first two moments.

use super::gram::sum_squares;
use super::layer::Layer;
use crate::ops::workspace::Workspace;
use crate::ops::{Scalar, elements, elements_mut};
use ndarray::{Array1, Array2, Array3, Zip};
use rayon::prelude::*;

/// Positions in one piece of parallel work.
const POSITIONS: usize = 1024;

/// The loss of one layer.
pub(super) struct Moments<T> {
    /// μ′, N.
    mean: Array1<f64>,
    /// C′, N×N; until all samples are there, C′ + μ′μ′ᵀ.
    covariance: Array2<T>,
    /// s/N
    scale: f64,
}

/// What value and gradient need.
pub(super) struct Residual<T> {
    /// C − C′
    covariance: Array2<T>,
    /// μ, and μ − μ′.
    mean: Array1<f64>,
    mean_difference: Array1<f64>,
    scale: f64,
}

impl<T: Scalar> Moments<T> {
    pub fn new(channels: usize) -> Self {
        Self {
            mean: Array1::zeros(channels),
            covariance: Array2::zeros((channels, channels)),
            scale: 0.0,
        }
    }

    /// Adds a sample of this share to the target.
    pub fn add(&mut self, sample: Layer<T>, share: f64, workspace: &Workspace<T>) {
        self.mean.scaled_add(share, &mean(sample));
        let share = T::of(share / sample.mass);
        self.covariance += &(sample.gram(workspace) * share);
    }

    /// When all samples are there, whose shares have this sum.
    pub fn finish(&mut self, shares: f64) {
        self.mean /= shares;
        self.covariance *= T::of(1.0 / shares);
        let channels = self.mean.len() as f64;
        self.scale = self.mean.dot(&self.mean) / (2.0 * channels * channels);
        let mean = &self.mean;
        centre(&mut self.covariance, mean);
    }

    pub fn residual(&self, layer: Layer<T>, workspace: &Workspace<T>) -> Residual<T> {
        let mean = mean(layer);
        let mut covariance = layer.gram(workspace) * T::of(1.0 / layer.mass);
        centre(&mut covariance, &mean);
        covariance -= &self.covariance;
        Residual {
            covariance,
            mean_difference: &mean - &self.mean,
            mean,
            scale: self.scale,
        }
    }
}

impl<T: Scalar> Residual<T> {
    /// L
    pub fn loss(&self) -> f64 {
        let means = self.mean_difference.dot(&self.mean_difference);
        self.scale * means + sum_squares(&self.covariance, self.mean.len() as f64) / 4.0
    }

    /// Adds `weight`·dL/dF to `df`.
    pub fn add_gradient(
        &self,
        layer: Layer<T>,
        weight: f64,
        df: &mut Array3<T>,
        workspace: &Workspace<T>,
    ) {
        let channels = self.mean.len();
        let share = weight / layer.mass;
        let square = (channels * channels) as f64;
        // Half of what the covariance's factor is: the Gram matrix's backward pass doubles it.
        let scale = T::of(share / (2.0 * square));
        layer.add_gram_backward(&self.covariance, scale, df, workspace);
        let turned = self.covariance.mapv(T::as_f64).dot(&self.mean);
        let same_for_all = 2.0 * self.scale * &self.mean_difference - turned / square;
        let same_for_all: Vec<T> = same_for_all.iter().map(|v| T::of(share * v)).collect();
        (elements_mut(df).par_chunks_mut(POSITIONS * channels))
            .enumerate()
            .for_each(|(piece, df)| {
                for (at, df) in (piece * POSITIONS..).zip(df.chunks_exact_mut(channels)) {
                    let w = layer.weights.map_or(T::one(), |weights| weights[at]);
                    df.iter_mut()
                        .zip(&same_for_all)
                        .for_each(|(df, &v)| *df += w * v);
                }
            });
    }
}

/// μ = Σ w·f / m
fn mean<T: Scalar>(layer: Layer<T>) -> Array1<f64> {
    let channels = layer.channels();
    let sums: Vec<Vec<f64>> = (elements(layer.f).par_chunks(POSITIONS * channels))
        .enumerate()
        .map(|(piece, f)| {
            let mut sums = vec![0.0; channels];
            for (at, f) in (piece * POSITIONS..).zip(f.chunks_exact(channels)) {
                let w = layer.weights.map_or(1.0, |weights| weights[at].as_f64());
                sums.iter_mut()
                    .zip(f)
                    .for_each(|(sum, f)| *sum += w * f.as_f64());
            }
            sums
        })
        .collect();
    // In the order of the pieces, whichever thread made them.
    let mut mean = Array1::zeros(channels);
    sums.into_iter()
        .for_each(|sums| mean += &Array1::from(sums));
    mean / layer.mass
}

/// From the mean of f·fᵀ to that of (f − μ)(f − μ)ᵀ.
fn centre<T: Scalar>(second: &mut Array2<T>, mean: &Array1<f64>) {
    Zip::indexed(second).par_for_each(|(i, j), c| *c = T::of(c.as_f64() - mean[i] * mean[j]));
}
