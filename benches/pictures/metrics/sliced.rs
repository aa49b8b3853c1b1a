//! The sliced Wasserstein distance: vectors are projected on random directions, and the quantiles of the projections compared. Its
//! square is the mean square of the differences, over directions and quantiles.

use ndarray::{Array2, Axis};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

/// The number of directions.
const DIRECTIONS: usize = 64;

/// The number of quantiles of each projection.
const QUANTILES: usize = 256;

/// The quantiles of the projections of a set of vectors, one direction after the other.
pub struct Quantiles(Vec<f64>);

impl Quantiles {
    /// Those of the rows of `x` (M×N). Sets of vectors of the same length are projected on the same directions.
    pub fn of(x: &Array2<f32>) -> Self {
        let projections = x.dot(&directions(x.ncols()).t());
        let columns: Vec<_> = projections.axis_iter(Axis(1)).collect();
        let quantiles = columns.into_par_iter().flat_map_iter(|column| {
            let mut sorted = column.to_vec();
            sorted.sort_unstable_by(f32::total_cmp);
            (0..QUANTILES).map(move |k| {
                let share = (k as f64 + 0.5) / QUANTILES as f64;
                quantile(&sorted, share)
            })
        });
        Self(quantiles.collect())
    }

    /// The distance to another one.
    pub fn distance(&self, other: &Self) -> f64 {
        let squares = self.0.iter().zip(&other.0).map(|(a, b)| (a - b).powi(2));
        (squares.sum::<f64>() / self.0.len() as f64).sqrt()
    }
}

/// Unit vectors with any direction, DIRECTIONS×N.
fn directions(n: usize) -> Array2<f32> {
    let mut rng = Pcg64Mcg::seed_from_u64(n as u64);
    let mut directions: Array2<f32> =
        Array2::from_shape_simple_fn((DIRECTIONS, n), || StandardNormal.sample(&mut rng));
    for mut direction in directions.rows_mut() {
        let norm = direction.dot(&direction).sqrt();
        direction /= norm;
    }
    directions
}

/// Between two numbers of the sorted ones, in proportion.
fn quantile(sorted: &[f32], share: f64) -> f64 {
    let at = (share * sorted.len() as f64 - 0.5).clamp(0.0, (sorted.len() - 1) as f64);
    let (low, part) = (at as usize, at.fract());
    let high = (low + 1).min(sorted.len() - 1);
    f64::from(sorted[low]) * (1.0 - part) + f64::from(sorted[high]) * part
}
