//! Distances of Gaussians of which they are known.

use crate::metrics::gaussian::*;
use ndarray::array;
use ndarray::{Array1, Array2};

fn gaussian(mean: [f64; 2], covariance: [[f64; 2]; 2]) -> Gaussian {
    Gaussian {
        mean: Array1::from_iter(mean),
        covariance: Array2::from(covariance.to_vec()),
    }
}

#[test]
fn the_distance_of_gaussians_with_the_same_axes_is_that_of_their_deviations() {
    let a = gaussian([0.0, 0.0], [[4.0, 0.0], [0.0, 9.0]]);
    let b = gaussian([1.0, 2.0], [[1.0, 0.0], [0.0, 25.0]]);
    // (0 - 1)² + (0 - 2)² + (2 - 1)² + (3 - 5)²
    assert!((a.distance(&b) - 10f64.sqrt()).abs() < 1e-9);
    assert!(a.distance(&a) < 1e-6);
}

/// For 2×2 matrices tr (C^½ C′ C^½)^½ = √(tr C C′ + 2 √(det C det C′)).
#[test]
fn the_distance_is_symmetric_and_right_for_correlated_gaussians() {
    let (c, d) = ([[2.0, 1.0], [1.0, 3.0]], [[1.0, -0.5], [-0.5, 4.0]]);
    let (a, b) = (gaussian([0.0; 2], c), gaussian([0.0; 2], d));
    let trace_of_product = 2.0 - 0.5 - 0.5 + 12.0;
    let root = (trace_of_product + 2.0 * (5.0f64 * 3.75).sqrt()).sqrt();
    let expected = (5.0 + 5.0 - 2.0 * root).sqrt();
    assert!((a.distance(&b) - expected).abs() < 1e-9);
    assert!((b.distance(&a) - expected).abs() < 1e-9);
}

#[test]
fn covariances_without_full_rank_have_a_distance() {
    let line = Gaussian::of(&array![[0f32, 0.0, 1.0], [2.0, 4.0, 1.0]]);
    let point = Gaussian::of(&array![[1f32, 2.0, 1.0]]);
    assert!((line.distance(&point) - 5f64.sqrt()).abs() < 1e-6);
    assert!((point.distance(&line) - 5f64.sqrt()).abs() < 1e-6);
    assert!(line.distance(&line) < 1e-6);
}
