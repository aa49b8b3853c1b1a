//! Checks every hand-written derivative against central finite differences in f64, and every linear operation against its adjoint.
//!
//! All checks have the same bound, [`BOUND`]. The step and the measure of the error are those of
//! `impasto::method::finite_difference`. Where an operation has kinks, the tests choose inputs away from them and check that they
//! are.

mod adjoints;
mod losses;
mod methods;
mod objective;
mod operations;
mod strotss;

use crate::common::random;
use impasto::engine::EngineKind;
use impasto::method::Padding;
use impasto::method::finite_difference::STEP;
use impasto::method::style::projection::{self, Directions};
use ndarray::{Array2, Array3};

/// The largest relative error that a gradient may have.
const BOUND: f64 = 1e-6;

/// Heights and widths where mistakes are likely: one pixel, one row, one column, odd and even edges.
const SIZES: [(usize, usize); 8] = [
    (1, 1),
    (1, 7),
    (6, 1),
    (2, 2),
    (3, 3),
    (5, 4),
    (4, 7),
    (9, 5),
];

const PADDINGS: [Padding; 2] = [Padding::Zero, Padding::Circular];

fn engines() -> [EngineKind; 2] {
    [EngineKind::Reference, EngineKind::default()]
}

/// Numbers in random order. They differ by far more than the step, so that max pooling has no ties.
fn distinct(h: usize, w: usize, channels: usize) -> Array3<f64> {
    let noise: Array3<f64> = random((h, w, channels), 6);
    let mut order: Vec<usize> = (0..noise.len()).collect();
    let noise = noise.into_raw_vec_and_offset().0;
    order.sort_by(|&a, &b| noise[a].total_cmp(&noise[b]));
    let mut x = vec![0.0; order.len()];
    for (rank, at) in order.into_iter().enumerate() {
        x[at] = rank as f64 / noise.len() as f64 - 0.5;
    }
    assert!(1.0 / noise.len() as f64 > 100.0 * STEP);
    Array3::from_shape_vec((h, w, channels), x).unwrap()
}

/// Weights from 0 to 1, some of them 0.
fn mask((h, w): (usize, usize), seed: u64) -> Array2<f64> {
    random((h, w), seed).mapv(|w: f64| (w + 0.4).clamp(0.0, 1.0))
}

/// The activations projected on the axes and on the random basis.
fn projections(f: &Array3<f64>) -> [Array2<f64>; 2] {
    let (h, w, channels) = f.dim();
    [Directions::Axes, Directions::random_basis(channels)].map(|directions| {
        let mut p = Array2::zeros((channels, h * w));
        projection::forward(f, &directions, p.view_mut());
        p
    })
}
