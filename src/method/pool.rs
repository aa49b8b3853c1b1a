//! Pooling over cells of 2×2 with stride 2.
//!
//! An odd last row or column is pooled over the positions that exist, and an average divides by *their* number: TensorFlow's
//! `SAME`, PyTorch's `ceil_mode=True, count_include_pad=False`. H×W×C becomes ⌈H/2⌉×⌈W/2⌉×C.
//!
//! > average: y = Σ x / n over the n positions of the cell, and dL/dx = dL/dy / n for each of them
//! >
//! > max: y is the largest of them, and its position gets all of dL/dy; if several are equally large, the first in row order

use super::Scalar;
use crate::parallel::for_each;
use ndarray::{Array1, Array3, ArrayView3, Axis};
use serde::{Deserialize, Serialize};

/// How a 2×2 cell becomes one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean. Gradients flow to all four positions, and pictures come out smoother (Gatys, Ecker and Bethge 2015, Methods).
    #[serde(rename = "avg")]
    Average,
    /// The largest, as VGG was trained.
    Max,
}

/// Pools `x` (H×W×C) into ⌈H/2⌉×⌈W/2⌉×C.
// ANCHOR: pool_forward
pub fn forward<T: Scalar>(pooling: Pooling, x: &Array3<T>) -> Array3<T> {
    let (height, width, channels) = x.dim();
    let mut y = Array3::zeros((height.div_ceil(2), width.div_ceil(2), channels));
    let rows = (y.axis_iter_mut(Axis(0))).zip(x.axis_chunks_iter(Axis(0), 2));
    for_each(rows, |(mut y, x)| {
        for (mut y, cell) in (y.outer_iter_mut()).zip(x.axis_chunks_iter(Axis(1), 2)) {
            match pooling {
                Pooling::Average => {
                    cell.lanes(Axis(2)).into_iter().for_each(|x| y += &x);
                    y *= share(cell);
                }
                Pooling::Max => y.assign(&largest(cell).1),
            }
        }
    });
    y
}
// ANCHOR_END: pool_forward

/// dL/dx (H×W×C) of `dy` = dL/dy (⌈H/2⌉×⌈W/2⌉×C), with the input `x` of the forward pass.
///
/// # Panics
/// If `dy` does not have the shape of the output.
// ANCHOR: pool_backward
pub fn backward<T: Scalar>(pooling: Pooling, x: &Array3<T>, dy: &Array3<T>) -> Array3<T> {
    let (height, width, channels) = x.dim();
    let pooled = (height.div_ceil(2), width.div_ceil(2), channels);
    assert_eq!(dy.dim(), pooled, "dy must have the pooled shape of x");
    let mut dx = Array3::zeros(x.dim());
    let rows = (dx.axis_chunks_iter_mut(Axis(0), 2))
        .zip(x.axis_chunks_iter(Axis(0), 2))
        .zip(dy.axis_iter(Axis(0)));
    for_each(rows, |((mut dx, x), dy)| {
        let cells = (dx.axis_chunks_iter_mut(Axis(1), 2)).zip(x.axis_chunks_iter(Axis(1), 2));
        for ((mut dx, x), dy) in cells.zip(dy.outer_iter()) {
            match pooling {
                Pooling::Average => dx.assign(&(&dy * share(x))),
                Pooling::Max => {
                    let (winners, _) = largest(x);
                    for (number, mut dx) in dx.lanes_mut(Axis(2)).into_iter().enumerate() {
                        for ((dx, &dy), &winner) in dx.iter_mut().zip(dy).zip(&winners) {
                            *dx = if winner == number { dy } else { T::zero() };
                        }
                    }
                }
            }
        }
    });
    dx
}
// ANCHOR_END: pool_backward

// ANCHOR: share
/// 1/n for a cell of n positions.
fn share<T: Scalar>(cell: ArrayView3<T>) -> T {
    T::of(1.0 / (cell.dim().0 * cell.dim().1) as f64)
}
// ANCHOR_END: share

/// For each channel the number of the position where it is largest, and its value there. A NaN counts as larger than anything,
/// so that it is passed on.
fn largest<T: Scalar>(cell: ArrayView3<T>) -> (Array1<usize>, Array1<T>) {
    let mut positions = cell.lanes(Axis(2)).into_iter();
    let mut values = positions.next().expect("a cell has a position").to_owned();
    let mut winners = Array1::zeros(values.len());
    for (number, x) in (1..).zip(positions) {
        for ((&x, value), winner) in x.iter().zip(&mut values).zip(&mut winners) {
            if x > *value || (x.is_nan() && !value.is_nan()) {
                (*value, *winner) = (x, number);
            }
        }
    }
    (winners, values)
}
