//! Pooling as [`method::pool`](crate::method::pool) defines it, where it is not computed together with a convolution.

use super::Fast;
use super::workspace::{Buffer, Workspace};
use crate::engine::{Activation, Forward, Layer};
use crate::method::scalar::{elements, elements_mut};
use crate::method::{Pooling, Scalar};
use crate::parallel::for_each;
use ndarray::Array3;
use std::sync::Arc;

/// A pooling layer.
pub(super) struct FastPool<T> {
    pooling: Pooling,
    workspace: Arc<Workspace<T>>,
}

impl<T: Scalar> FastPool<T> {
    pub fn new(pooling: Pooling, engine: &Fast<T>) -> Self {
        Self {
            pooling,
            workspace: engine.workspace.clone(),
        }
    }
}

impl<T: Scalar> Layer<T> for FastPool<T> {
    fn forward<'a>(&'a self, x: &Activation<T>) -> Forward<'a, T> {
        forward(self.pooling, x, &self.workspace)
    }
}

/// What `x` (H×W×C) is pooled to over cells of 2×2, ⌈H/2⌉×⌈W/2⌉×C, and its backward pass.
pub(super) fn forward<'a, T: Scalar>(
    pooling: Pooling,
    x: &Array3<T>,
    workspace: &'a Workspace<T>,
) -> Forward<'a, T> {
    let shape = x.dim();
    match pooling {
        Pooling::Average => Forward {
            output: Arc::new(averages(x, workspace)),
            back: Box::new(move |dy: &Array3<T>| averages_backward(dy, shape, workspace)),
        },
        Pooling::Max => {
            let (y, winners) = maxima(x, workspace);
            Forward {
                output: Arc::new(y),
                back: Box::new(move |dy: &Array3<T>| {
                    maxima_backward(dy, &winners, shape, workspace)
                }),
            }
        }
    }
}

/// The averages of `x` (H×W×C) over cells of 2×2, ⌈H/2⌉×⌈W/2⌉×C.
fn averages<T: Scalar>(x: &Array3<T>, workspace: &Workspace<T>) -> Array3<T> {
    let shape = x.dim();
    let mut y = workspace.array(pooled(shape));
    let (row, x) = (y.dim().1 * shape.2, elements(x));
    let rows = elements_mut(&mut y).chunks_mut(row).enumerate();
    for_each(rows, |(i, y)| {
        for (j, y) in y.chunks_exact_mut(shape.2).enumerate() {
            let cell = Cell::new(shape, i, j);
            let mut positions = cell.positions().map(|at| &x[at..at + shape.2]);
            y.copy_from_slice(positions.next().expect("a cell has a position"));
            for x in positions {
                y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
            }
            let share = cell.share::<T>();
            y.iter_mut().for_each(|y| *y *= share);
        }
    });
    y
}

/// The gradient of the input of [`averages`], which has this shape.
fn averages_backward<T: Scalar>(
    dy: &Array3<T>,
    shape: (usize, usize, usize),
    workspace: &Workspace<T>,
) -> Array3<T> {
    backward(dy, shape, workspace, |cell, _, _, dy, dx| {
        let share = cell.share::<T>();
        dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx = dy * share);
    })
}

/// The maxima of `x` (H×W×C) over cells of 2×2, ⌈H/2⌉×⌈W/2⌉×C, and for each the number of the position that has it.
fn maxima<T: Scalar>(x: &Array3<T>, workspace: &Workspace<T>) -> (Array3<T>, Buffer<u16>) {
    let shape = x.dim();
    let mut y = workspace.array(pooled(shape));
    let mut winners = workspace.words(y.len());
    let (row, x) = (y.dim().1 * shape.2, elements(x));
    let rows = (elements_mut(&mut y).chunks_mut(row)).zip(winners.chunks_mut(row));
    for_each(rows.enumerate(), |(i, (y, winners))| {
        let cells = y.chunks_exact_mut(shape.2);
        for (j, (y, winners)) in cells.zip(winners.chunks_mut(shape.2)).enumerate() {
            let cell = Cell::new(shape, i, j);
            for (c, (y, winner)) in y.iter_mut().zip(winners).enumerate() {
                *winner = cell.largest(x, c);
                *y = x[cell.starts[usize::from(*winner)] + c];
            }
        }
    });
    (y, winners)
}

/// The gradient of the input of [`maxima`], which has this shape.
fn maxima_backward<T: Scalar>(
    dy: &Array3<T>,
    winners: &[u16],
    shape: (usize, usize, usize),
    workspace: &Workspace<T>,
) -> Array3<T> {
    backward(dy, shape, workspace, |_, number, first, dy, dx| {
        for ((dx, &dy), &winner) in dx.iter_mut().zip(dy).zip(&winners[first..]) {
            let won = usize::from(winner) == number;
            *dx = if won { dy } else { T::zero() };
        }
    })
}

/// The gradient of the input, which has this shape. Calls `fill(cell, number, first, dy, dx)` for each position of each cell, to
/// set its channels `dx`: it is position `number` of the cell, and `dy` are the channels of the cell's output, which begin at
/// element `first`.
fn backward<T: Scalar>(
    dy: &Array3<T>,
    shape: (usize, usize, usize),
    workspace: &Workspace<T>,
    fill: impl Fn(&Cell, usize, usize, &[T], &mut [T]) + Sync,
) -> Array3<T> {
    assert_eq!(
        dy.dim(),
        pooled(shape),
        "dy must have the pooled shape of x"
    );
    let (_, width, channels) = shape;
    let across = dy.dim().1;
    let mut dx = workspace.array(shape);
    let dy = elements(dy);
    // Two rows of x for one row of y: no two tasks write to the same place.
    let rows = elements_mut(&mut dx).chunks_mut(2 * width * channels);
    for_each(rows.enumerate(), |(i, dx)| {
        let offset = 2 * i * width * channels;
        for j in 0..across {
            let cell = Cell::new(shape, i, j);
            let first = (i * across + j) * channels;
            let dy = &dy[first..first + channels];
            for (number, at) in cell.positions().enumerate() {
                fill(&cell, number, first, dy, &mut dx[at - offset..][..channels]);
            }
        }
    });
    dx
}

/// The shape of the output for an input of this shape.
fn pooled((height, width, channels): (usize, usize, usize)) -> (usize, usize, usize) {
    (height.div_ceil(2), width.div_ceil(2), channels)
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

    /// The number of the position where channel `c` is largest. A NaN counts as larger than anything, so that it is passed on.
    fn largest<T: Scalar>(&self, x: &[T], c: usize) -> u16 {
        let value = |number: usize| x[self.starts[number] + c];
        let larger = |best: usize, at: usize| {
            value(at) > value(best) || (value(at).is_nan() && !value(best).is_nan())
        };
        (1..self.count).fold(0, |best, at| if larger(best, at) { at } else { best }) as u16
    }
}
