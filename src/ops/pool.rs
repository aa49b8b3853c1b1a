//! Pooling over 2×2 cells with stride 2.
//!
//! An odd last row or column is pooled over the cells that exist, and an average divides by *their* count: TensorFlow's
//! `SAME`, PyTorch's `ceil_mode=True, count_include_pad=False`. H×W×C becomes ⌈H/2⌉×⌈W/2⌉×C.

use super::{Scalar, elements, elements_mut};
use ndarray::Array3;
use rayon::prelude::*;

/// How a 2×2 cell becomes one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The mean: gradients flow to all four, and pictures come out smoother (Gatys, Ecker and Bethge 2015, Methods).
    Average,
    /// The largest: what VGG was trained with.
    Max,
}

/// Pools `x` (H×W×C) into ⌈H/2⌉×⌈W/2⌉×C.
pub fn forward<T: Scalar>(pooling: Pooling, x: &Array3<T>) -> Array3<T> {
    let (height, width, channels) = x.dim();
    let mut y = Array3::zeros((height.div_ceil(2), width.div_ceil(2), channels));
    let row = y.dim().1 * channels;
    let shape = x.dim();
    let x = elements(x);
    (elements_mut(&mut y).par_chunks_mut(row))
        .enumerate()
        .for_each(|(i, y_row)| {
            for (j, y) in y_row.chunks_mut(channels).enumerate() {
                let cell = Cell::new(shape, i, j);
                match pooling {
                    Pooling::Average => {
                        for at in cell.positions() {
                            for (y, &x) in y.iter_mut().zip(&x[at..]) {
                                *y += x;
                            }
                        }
                        let share = cell.share::<T>();
                        y.iter_mut().for_each(|y| *y *= share);
                    }
                    Pooling::Max => {
                        for (c, y) in y.iter_mut().enumerate() {
                            *y = x[cell.largest(x, c) + c];
                        }
                    }
                }
            }
        });
    y
}

/// Given the input `x` (H×W×C) of [`forward`] and `dy` = dL/dy (⌈H/2⌉×⌈W/2⌉×C), returns dL/dx (H×W×C).
///
/// Average: every position of a cell of n takes dL/dy / n. Max: the largest takes all of dL/dy, the first of equals, row by
/// row.
///
/// # Panics
/// If `dy` does not have the pooled shape of `x`.
pub fn backward<T: Scalar>(pooling: Pooling, x: &Array3<T>, dy: &Array3<T>) -> Array3<T> {
    let (height, width, channels) = x.dim();
    let pooled = (height.div_ceil(2), width.div_ceil(2), channels);
    assert_eq!(dy.dim(), pooled, "dy must have the pooled shape of x");
    let shape = x.dim();
    let mut dx = Array3::zeros(shape);
    let (x, dy) = (elements(x), elements(dy));
    // Two rows of x for one row of y: no two pieces of work meet.
    (elements_mut(&mut dx).par_chunks_mut(2 * width * channels))
        .enumerate()
        .for_each(|(i, dx_rows)| {
            let offset = 2 * i * width * channels;
            for j in 0..pooled.1 {
                let cell = Cell::new(shape, i, j);
                let dy = &dy[(i * pooled.1 + j) * channels..][..channels];
                match pooling {
                    Pooling::Average => {
                        let share = cell.share::<T>();
                        for at in cell.positions() {
                            for (dx, &dy) in dx_rows[at - offset..].iter_mut().zip(dy) {
                                *dx = dy * share;
                            }
                        }
                    }
                    Pooling::Max => {
                        for (c, &dy) in dy.iter().enumerate() {
                            dx_rows[cell.largest(x, c) - offset + c] = dy;
                        }
                    }
                }
            }
        });
    dx
}

/// The one to four positions of x that become one position of y.
struct Cell {
    /// Where each position's channels begin among the elements of x.
    starts: [usize; 4],
    count: usize,
}

impl Cell {
    /// The cell of position (i, j) of y, for x of this height, width and channels.
    fn new((height, width, channels): (usize, usize, usize), i: usize, j: usize) -> Self {
        let (mut starts, mut count) = ([0; 4], 0);
        for row in 2 * i..(2 * i + 2).min(height) {
            for column in 2 * j..(2 * j + 2).min(width) {
                starts[count] = (row * width + column) * channels;
                count += 1;
            }
        }
        Self { starts, count }
    }

    fn positions(&self) -> impl Iterator<Item = usize> {
        self.starts[..self.count].iter().copied()
    }

    fn share<T: Scalar>(&self) -> T {
        T::of(1.0 / self.count as f64)
    }

    /// The position where channel `c` is largest; a NaN counts as larger than anything, so that it is passed on.
    fn largest<T: Scalar>(&self, x: &[T], c: usize) -> usize {
        let value = |at: usize| x[at + c];
        self.positions()
            .reduce(|best, at| {
                if value(at) > value(best) || (value(at).is_nan() && !value(best).is_nan()) {
                    at
                } else {
                    best
                }
            })
            .expect("a cell has a position")
    }
}
