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
    /// strides, the last have none.
    pub fn new(height: usize, ranks: usize, stride: usize) -> Self {
        let strides = height.div_ceil(stride);
        let bound = |rank: usize| ((strides * rank).div_ceil(ranks) * stride).min(height);
        Self {
            bounds: (0..=ranks).map(bound).collect(),
        }
    }

    /// All rows for the first process.
    pub(crate) fn undivided(height: usize, ranks: usize) -> Self {
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

    /// The rows that this process wants, as [`fetch`](Self::fetch) gets them. A process without others has them: all that there are, not
    /// copied.
    ///
    /// # Panics
    /// As [`fetch`](Self::fetch).
    pub fn read<'a, T: Scalar>(
        &self,
        own: &'a BigArray<T>,
        wanted: &[Interval],
        storage: &Storage,
        world: &dyn Communicator,
    ) -> Band<'a, T> {
        if world.ranks() == 1 {
            return Band::of(Cow::Borrowed(own), 0, self.height());
        }
        let fetched = self.fetch(own, wanted, storage, world);
        let first = wanted[world.rank()].start;
        Band::of(Cow::Owned(fetched), first, self.height())
    }

    /// The rows that this process wants: its own, and those of others, which send them. `wanted` says it of each process. On a torus they
    /// may lie beyond the edges. They are kept in the `storage`.
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
        let rank = world.rank();
        let (_, width, channels) = own.dim();
        let mut fetched = BigArray::zeros((wanted[rank].len(), width, channels), storage);
        let own_rows = |piece: &Piece| {
            let first = self.of(rank).start;
            own.rows(piece.rows.start - first..piece.rows.end - first)
        };
        for piece in self.pieces(&wanted[rank], rank, true) {
            fetched.set_rows(piece.first, &own_rows(&piece));
        }
        self.in_rounds(wanted, |round| {
            let send = |piece: &Option<Piece>| match piece {
                Some(piece) if piece.owner == rank => elements_of(own_rows(piece)),
                _ => Vec::new(),
            };
            let mut received = world.exchange_numbers(round.iter().map(send).collect());
            if let Some(piece) = &round[rank] {
                let rows = std::mem::take(&mut received[piece.owner]);
                let shape = (piece.rows.len(), width, channels);
                let rows = Array3::from_shape_vec(shape, rows);
                fetched.set_rows(piece.first, &rows.expect("as many as were asked for"));
            }
        });
        fetched
    }

    /// The adjoint of [`fetch`](Self::fetch): the rows of this process, each the sum of those of all processes that have `fetched` it. They
    /// are added in the same order each time, and kept where `fetched` is.
    ///
    /// # Panics
    /// If `fetched` does not have the rows that this process wanted.
    pub fn sum_fetched<T: Scalar>(
        &self,
        fetched: &BigArray<T>,
        wanted: &[Interval],
        world: &dyn Communicator,
    ) -> BigArray<T> {
        let rank = world.rank();
        let (_, width, channels) = fetched.dim();
        let own = self.of(rank);
        let mut sum = BigArray::zeros((own.len(), width, channels), &fetched.storage());
        let rows_of = |piece: &Piece| fetched.rows(piece.first..piece.first + piece.rows.len());
        let mut add = |piece: &Piece, rows: &Array3<T>| {
            sum.add_part(((piece.rows.start - own.start) as isize, 0), rows);
        };
        for piece in self.pieces(&wanted[rank], rank, true) {
            add(&piece, &rows_of(&piece));
        }
        self.in_rounds(wanted, |round| {
            let mut outgoing = vec![Vec::new(); world.ranks()];
            if let Some(piece) = &round[rank] {
                outgoing[piece.owner] = elements_of(rows_of(piece));
            }
            let received = world.exchange_numbers(outgoing);
            for (piece, rows) in round.iter().zip(received) {
                if let Some(piece) = piece.as_ref().filter(|piece| piece.owner == rank) {
                    let shape = (piece.rows.len(), width, channels);
                    let rows = Array3::from_shape_vec(shape, rows);
                    add(piece, &rows.expect("as many as were asked for"));
                }
            }
        });
        sum
    }

    /// Calls `f` with a piece for each process that it wants of another, until each has had all.
    fn in_rounds(&self, wanted: &[Interval], mut f: impl FnMut(&[Option<Piece>])) {
        let mut pieces: Vec<_> = (wanted.iter().enumerate())
            .map(|(rank, wanted)| self.pieces(wanted, rank, false).into_iter())
            .collect();
        loop {
            let round: Vec<_> = pieces.iter_mut().map(Iterator::next).collect();
            if round.iter().all(Option::is_none) {
                return;
            }
            f(&round);
        }
    }

    /// The rows that process `rank` wants of itself, or those that it wants of others, cut where the owner changes, and into [`ROWS`].
    fn pieces(&self, wanted: &Interval, rank: usize, own: bool) -> Vec<Piece> {
        let mut cut = Vec::new();
        for (to, at) in pieces(wanted, self.height()) {
            let owners = (0..self.bounds.len() - 1).filter(|owner| (*owner == rank) == own);
            for owner in owners {
                let of_owner = self.of(owner);
                let (first, end) = (at.start.max(of_owner.start), at.end.min(of_owner.end));
                for row in (first..end).step_by(ROWS) {
                    cut.push(Piece {
                        owner,
                        rows: row..(row + ROWS).min(end),
                        first: to.start + (row - at.start),
                    });
                }
            }
        }
        cut
    }
}

fn elements_of<T: Scalar>(rows: Array3<T>) -> Vec<T> {
    rows.into_raw_vec_and_offset().0
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
    pub(crate) fn zeros_like(&self) -> Band<'static, T> {
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
    pub(crate) fn set_part(&mut self, (row, column): (isize, isize), part: &Array3<T>) {
        let rows = self.rows.to_mut();
        rows.set_part((row - self.first, column), part);
    }
}
