//! How much of the photograph a painted picture keeps.

use super::features::Maps;
use ndarray::{Array2, Array3, Axis, s};

/// The layers whose activations at a position make its hypercolumn.
pub const HYPERCOLUMN_LAYERS: [&str; 3] = ["conv2_2", "conv3_2", "conv4_2"];

/// The layer of the mean squared error.
pub const ERROR_LAYER: &str = "conv4_2";

/// Positions along each edge, at which hypercolumns are taken.
const GRID: usize = 32;

/// How much the similarities between positions differ from the photograph's (Kolkin, Salavon and Shakhnarovich 2019, *Style
/// Transfer by Relaxed Optimal Transport and Self-Similarity*, equation 7).
///
/// D is the matrix of cosine distances between the hypercolumns of a picture, at 32×32 positions. Every row is divided by its sum.
/// The result is the sum of the absolute differences of two rows, as a mean over the rows: 0 for equal pictures, at most 2.
pub fn self_similarity(photograph: &Maps, painted: &Maps) -> f64 {
    let scales = HYPERCOLUMN_LAYERS.map(|layer| root_mean_square(photograph.of(layer)));
    let (a, b) = (distances(photograph, scales), distances(painted, scales));
    let differences = (&a - &b).mapv(f64::abs);
    differences.sum() / a.nrows() as f64
}

/// The mean squared error at conv4_2, over the variance of the photograph's activations around the mean of their channel.
pub fn error(photograph: &Maps, painted: &Maps) -> f64 {
    let (a, b) = (photograph.of(ERROR_LAYER), painted.of(ERROR_LAYER));
    let (a, b) = (a.mapv(f64::from), b.mapv(f64::from));
    let positions = (a.dim().0 * a.dim().1) as f64;
    let mean = a.sum_axis(Axis(0)).sum_axis(Axis(0)) / positions;
    let square = |difference: Array3<f64>| difference.mapv(|d| d * d).sum();
    square(&a - &b) / square(&a - &mean).max(f64::MIN_POSITIVE)
}

fn root_mean_square(f: &Array3<f32>) -> f64 {
    let squares = f.iter().map(|&v| f64::from(v).powi(2));
    (squares.sum::<f64>() / f.len() as f64).sqrt().max(1e-12)
}

/// The cosine distances between hypercolumns, with rows that add up to 1. Layers are divided by the `scales`, so that each counts.
fn distances(maps: &Maps, scales: [f64; 3]) -> Array2<f64> {
    let layers = HYPERCOLUMN_LAYERS.map(|layer| maps.of(layer));
    let channels: usize = layers.iter().map(|f| f.dim().2).sum();
    let mut columns = Array2::<f64>::zeros((GRID * GRID, channels));
    for (k, mut column) in columns.outer_iter_mut().enumerate() {
        let mut from = 0;
        for (f, scale) in layers.iter().zip(scales) {
            let (h, w, c) = f.dim();
            let at = |number: usize, edge: usize| ((number * 2 + 1) * edge) / (2 * GRID);
            let position = f.slice(s![at(k / GRID, h), at(k % GRID, w), ..]);
            let scaled = position.mapv(|v| f64::from(v) / scale / (c as f64).sqrt());
            column.slice_mut(s![from..from + c]).assign(&scaled);
            from += c;
        }
        let norm = (column.dot(&column) + 1e-12).sqrt();
        column /= norm;
    }
    let mut distances = 1.0 - columns.dot(&columns.t());
    distances.mapv_inplace(|d| d.max(0.0));
    for mut row in distances.outer_iter_mut() {
        let sum = row.sum().max(1e-12);
        row /= sum;
    }
    distances
}
