//! Arrays whose rows are divided among processes: each process has a band of them, as a [`BigArray`] of its own.

use super::{BigArray, Interval, Storage, pieces};
use crate::method::Scalar;
use crate::method::communicator::Communicator;
use ndarray::Array3;
use std::borrow::Cow;
use std::ops::Range;

/// Rows that are sent at a time.
const ROWS: usize = 256;

/// How the rows of an array are divided among processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Where the bands begin, and where the last one ends.
    bounds: Vec<usize>,
}

/// Rows that one process has, and another wants.
struct Piece {
    owner: usize,
    /// Counted in the whole array.
    rows: Range<usize>,
    /// Where they are among those that are wanted.
    first: usize,
}

impl Bands {
    /// Bands of about the same height for this many processes, which begin at multiples of the `stride`. Where there are more processes than
    /// strides, some bands are empty.
    pub fn new(height: usize, ranks: usize, stride: usize) -> Self {
        let strides = height.div_ceil(stride);
        let bound = |rank: usize| (strides * rank / ranks * stride).min(height);
        Self {
            bounds: (0..=ranks).map(bound).collect(),
        }
    }

    /// All rows for the first process.
    pub fn undivided(height: usize, ranks: usize) -> Self {
        let bound = |rank: usize| if rank == 0 { 0 } else { height };
        Self {
            bounds: (0..=ranks).map(bound).collect(),
        }
    }

    /// The rows of this process.
    pub fn of(&self, rank: usize) -> Range<usize> {
        self.bounds[rank]..self.bounds[rank + 1]
    }

    /// How many rows there are.
    pub fn height(&self) -> usize {
        *self
            .bounds
            .last()
            .expect("there is one more than processes")
    }

    /// How many rows the highest band has.
    pub fn highest(&self) -> usize {
        let heights = self.bounds.windows(2).map(|pair| pair[1] - pair[0]);
        heights.max().unwrap_or(0)
    }

    /// The rows of each process, with this many more on each side: as many as there are, or, on a torus, around it.
    pub fn widened(&self, by: usize, torus: bool) -> Vec<Interval> {
        let height = self.height();
        let wider = |band: &[usize]| {
            let (first, end) = (band[0], band[1]);
            if first == end || first == 0 && end == height {
                first as isize..end as isize
            } else if torus {
                first as isize - by as isize..(end + by) as isize
            } else {
                first.saturating_sub(by) as isize..(end + by).min(height) as isize
            }
        };
        self.bounds.windows(2).map(wider).collect()
    }

    /// The rows that this process wants, which it gets from those that own them. `wanted` says it of each process. On a torus they may lie
    /// beyond the edges. They are kept in the `storage`.
    ///
    /// # Panics
    /// If `own` does not have the rows of this process.
    pub fn fetch<T: Scalar>(
        &self,
        own: &BigArray<T>,
        wanted: &[Interval],
        storage: &Storage,
        world: &dyn Communicator,
    ) -> BigArray<T> {
        let (_, width, channels) = own.dim();
        let mut fetched = BigArray::zeros((wanted[world.rank()].len(), width, channels), storage);
        self.in_rounds(wanted, |round, first| {
            let to = |wanted: &Interval| self.own_rows(own, wanted, world.rank());
            let received = world.exchange_numbers(round.iter().map(to).collect());
            let mut used = vec![0; received.len()];
            for piece in self.pieces(&round[world.rank()]) {
                let length = piece.rows.len() * width * channels;
                let from = &mut used[piece.owner];
                let rows = received[piece.owner][*from..*from + length].to_vec();
                *from += length;
                let rows = Array3::from_shape_vec((piece.rows.len(), width, channels), rows);
                fetched.set_rows(
                    first + piece.first,
                    &rows.expect("as many as were asked for"),
                );
            }
        });
        fetched
    }

    /// The adjoint of [`fetch`](Self::fetch): the rows of this process, each the sum of those of all processes that have `fetched` it, in the
    /// order of their ranks. They are kept where `fetched` is.
    ///
    /// # Panics
    /// If `fetched` does not have the rows that this process wanted.
    pub fn sum_fetched<T: Scalar>(
        &self,
        fetched: &BigArray<T>,
        wanted: &[Interval],
        world: &dyn Communicator,
    ) -> BigArray<T> {
        let (_, width, channels) = fetched.dim();
        let own = self.of(world.rank());
        let mut sum = BigArray::zeros((own.len(), width, channels), &fetched.storage());
        self.in_rounds(wanted, |round, first| {
            let mut outgoing = vec![Vec::new(); world.ranks()];
            for piece in self.pieces(&round[world.rank()]) {
                let rows = first + piece.first..first + piece.first + piece.rows.len();
                outgoing[piece.owner].extend(fetched.rows(rows).iter());
            }
            let received = world.exchange_numbers(outgoing);
            for (wanted, rows) in round.iter().zip(&received) {
                let mut rows = rows.chunks_exact(width * channels);
                for piece in self.pieces(wanted) {
                    if piece.owner == world.rank() {
                        let elements: Vec<T> = rows
                            .by_ref()
                            .take(piece.rows.len())
                            .flatten()
                            .copied()
                            .collect();
                        let part =
                            Array3::from_shape_vec((piece.rows.len(), width, channels), elements);
                        let row = (piece.rows.start - own.start) as isize;
                        sum.add_part((row, 0), &part.expect("as many as were asked for"));
                    }
                }
            }
        });
        sum
    }

    /// Calls `f` with the intervals of each round, and the number of rows in the rounds before.
    fn in_rounds(&self, wanted: &[Interval], mut f: impl FnMut(&[Interval], usize)) {
        let most = wanted.iter().map(ExactSizeIterator::len).max();
        for first in (0..most.unwrap_or(0)).step_by(ROWS) {
            let part = |wanted: &Interval| {
                let begin = first.min(wanted.len()) as isize;
                let end = (first + ROWS).min(wanted.len()) as isize;
                wanted.start + begin..wanted.start + end
            };
            f(&wanted.iter().map(part).collect::<Vec<_>>(), first);
        }
    }

    /// Those of the wanted rows that this process has, one after the other.
    fn own_rows<T: Scalar>(&self, own: &BigArray<T>, wanted: &Interval, rank: usize) -> Vec<T> {
        let first = self.of(rank).start;
        let pieces = self.pieces(wanted).into_iter();
        let parts = pieces.filter(|piece| piece.owner == rank).map(|piece| {
            let rows = own.rows(piece.rows.start - first..piece.rows.end - first);
            rows.into_raw_vec_and_offset().0
        });
        parts.flatten().collect()
    }

    /// An interval cut where the owner of its rows changes.
    fn pieces(&self, wanted: &Interval) -> Vec<Piece> {
        let mut cut = Vec::new();
        for (to, at) in pieces(wanted, self.height()) {
            for owner in 0..self.bounds.len() - 1 {
                let own = self.of(owner);
                let rows = at.start.max(own.start)..at.end.min(own.end);
                if !rows.is_empty() {
                    let first = to.start + (rows.start - at.start);
                    cut.push(Piece { owner, rows, first });
                }
            }
        }
        cut
    }
}

/// Rows of an array, all that this process has of it.
#[derive(Clone, Debug)]
pub struct Band<'a, T: Scalar> {
    /// The number of the first row, which is below 0 where a torus goes on beyond its edge.
    pub first: isize,
    /// How many rows the whole array has.
    pub height: usize,
    /// The rows.
    pub rows: Cow<'a, BigArray<T>>,
}

impl<T: Scalar> From<BigArray<T>> for Band<'_, T> {
    /// All rows.
    fn from(rows: BigArray<T>) -> Self {
        Self {
            first: 0,
            height: rows.dim().0,
            rows: Cow::Owned(rows),
        }
    }
}

impl<'a, T: Scalar> Band<'a, T> {
    /// These rows, from this one on, of an array with so many.
    pub fn of(rows: Cow<'a, BigArray<T>>, first: isize, height: usize) -> Self {
        Self {
            first,
            height,
            rows,
        }
    }

    /// The same rows, all zeros, kept in the same place.
    pub fn zeros_like(&self) -> Band<'static, T> {
        Band {
            first: self.first,
            height: self.height,
            rows: Cow::Owned(self.rows.zeros_like()),
        }
    }

    /// H×W of the whole array.
    pub fn size(&self) -> (usize, usize) {
        (self.height, self.rows.dim().1)
    }

    /// The part of these rows, counted in the whole array, and columns.
    pub fn part(&self, rows: Interval, columns: Interval) -> Array3<T> {
        (self.rows).part(rows.start - self.first..rows.end - self.first, columns)
    }

    /// Adds `part` to the part that begins in this row, counted in the whole array, and column.
    pub fn add_part(&mut self, (row, column): (isize, isize), part: &Array3<T>) {
        let rows = self.rows.to_mut();
        rows.add_part((row - self.first, column), part);
    }

    /// Overwrites the part that begins in this row, counted in the whole array, and column.
    pub fn set_part(&mut self, (row, column): (isize, isize), part: &Array3<T>) {
        let rows = self.rows.to_mut();
        rows.set_part((row - self.first, column), part);
    }
}
