//! Pooling over 2×2 cells with stride 2.
//!
//! An odd last row or column is pooled over the cells that exist, and an average divides by *their* count: TensorFlow's
//! `SAME`, PyTorch's `ceil_mode=True, count_include_pad=False`. H×W×C becomes ⌈H/2⌉×⌈W/2⌉×C.

use super::workspace::Workspace;
use super::{Scalar, elements, elements_mut};
use ndarray::Array3;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How a 2×2 cell becomes one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean: gradients flow to all four, and pictures come out smoother (Gatys, Ecker and Bethge 2015, Methods).
    #[serde(rename = "avg")]
    Average,
    /// The largest: what VGG was trained with.
    Max,
}

/// What backward needs to know of a pooling.
#[derive(Debug)]
pub struct Pooled {
    /// Of the input: height, width and channels.
    shape: (usize, usize, usize),
    /// Of maxima: for each output, which position of its cell was the largest.
    winners: Option<Vec<u16>>,
}

impl Pooled {
    /// Averages of an input of this height, width and channels.
    pub(crate) fn averages(shape: (usize, usize, usize)) -> Self {
        Self {
            shape,
            winners: None,
        }
    }

    /// Leaves its memory to others.
    pub(crate) fn recycle<T>(self, workspace: &Workspace<T>) {
        if let Some(winners) = self.winners {
            workspace.words.give(winners);
        }
    }

    /// Height, width and channels of the output.
    pub fn dim(&self) -> (usize, usize, usize) {
        let (height, width, channels) = self.shape;
        (height.div_ceil(2), width.div_ceil(2), channels)
    }
}

/// Pools `x` (H×W×C) into ⌈H/2⌉×⌈W/2⌉×C.
pub fn forward<T: Scalar>(
    pooling: Pooling,
    x: &Array3<T>,
    workspace: &Workspace<T>,
) -> (Array3<T>, Pooled) {
    let shape = x.dim();
    let (height, width, channels) = shape;
    let mut y = workspace.array((height.div_ceil(2), width.div_ceil(2), channels));
    let row = y.dim().1 * channels;
    let x = elements(x);
    let rows = elements_mut(&mut y).par_chunks_mut(row).enumerate();
    let winners = match pooling {
        Pooling::Average => {
            rows.for_each(|(i, y)| {
                for (j, y) in y.chunks_exact_mut(channels).enumerate() {
                    let cell = Cell::new(shape, i, j);
                    let mut positions = cell.positions().map(|at| &x[at..at + channels]);
                    y.copy_from_slice(positions.next().expect("a cell has a position"));
                    for x in positions {
                        y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
                    }
                    let share = cell.share::<T>();
                    y.iter_mut().for_each(|y| *y *= share);
                }
            });
            None
        }
        Pooling::Max => {
            let mut winners = workspace.words.take(height.div_ceil(2) * row);
            rows.zip(winners.par_chunks_mut(row))
                .for_each(|((i, y), winners)| {
                    let cells = y.chunks_exact_mut(channels);
                    for (j, (y, winners)) in cells.zip(winners.chunks_mut(channels)).enumerate() {
                        let cell = Cell::new(shape, i, j);
                        for (c, (y, winner)) in y.iter_mut().zip(winners).enumerate() {
                            *winner = cell.largest(x, c);
                            *y = x[cell.starts[usize::from(*winner)] + c];
                        }
                    }
                });
            Some(winners)
        }
    };
    (y, Pooled { shape, winners })
}

/// dL/dx (H×W×C) of `dy` = dL/dy (⌈H/2⌉×⌈W/2⌉×C).
///
/// Average: every position of a cell of n takes dL/dy / n. Max: the largest takes all of dL/dy, the first of equals, row by
/// row.
///
/// # Panics
/// If `dy` does not have the shape of what was pooled.
pub fn backward<T: Scalar>(pooled: &Pooled, dy: &Array3<T>, workspace: &Workspace<T>) -> Array3<T> {
    let (_, width, channels) = pooled.shape;
    let (_, across, _) = pooled.dim();
    assert_eq!(dy.dim(), pooled.dim(), "dy must have the pooled shape of x");
    let mut dx = workspace.array(pooled.shape);
    let dy = elements(dy);
    // Two rows of x for one row of y: no two pieces of work meet.
    (elements_mut(&mut dx).par_chunks_mut(2 * width * channels))
        .enumerate()
        .for_each(|(i, dx_rows)| {
            let offset = 2 * i * width * channels;
            for j in 0..across {
                let cell = Cell::new(pooled.shape, i, j);
                let first = (i * across + j) * channels;
                let dy = &dy[first..first + channels];
                let share = cell.share::<T>();
                for (number, at) in cell.positions().enumerate() {
                    let dx = dx_rows[at - offset..][..channels].iter_mut().zip(dy);
                    match &pooled.winners {
                        None => dx.for_each(|(dx, &dy)| *dx = dy * share),
                        Some(winners) => {
                            for ((dx, &dy), &winner) in dx.zip(&winners[first..]) {
                                let won = usize::from(winner) == number;
                                *dx = if won { dy } else { T::zero() };
                            }
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

    /// The number of the position where channel `c` is largest; a NaN counts as larger than anything, so that it is passed on.
    fn largest<T: Scalar>(&self, x: &[T], c: usize) -> u16 {
        let value = |number: usize| x[self.starts[number] + c];
        let larger = |best: usize, at: usize| {
            value(at) > value(best) || (value(at).is_nan() && !value(best).is_nan())
        };
        (1..self.count).fold(0, |best, at| if larger(best, at) { at } else { best }) as u16
    }
}
