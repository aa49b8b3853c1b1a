//! Reads tiles from a picture and transforms them, a vector of channels at a time.

use super::super::mask::{Mask, apply_mask, words_per_position};
use super::super::simd::{Simd, SimdTask, load_partial, prefetch};
use super::block::{Block, Input};
use super::{POINTS, TILE, transforms};
use crate::method::scalar::elements;
use crate::method::{Pooling, Scalar};
use std::array::from_fn;

/// Computes V of a block of tiles.
pub(super) struct TransformInputs<'a, T> {
    pub input: &'a Input<'a, T>,
    pub block: &'a Block,
    pub v: &'a mut [T],
    /// Elements of V from one tile to the next.
    pub tile_stride: usize,
    /// Elements of V from one pair of points to the next.
    pub pair_stride: usize,
}

impl<T: Scalar> SimdTask<T> for TransformInputs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (height, width, channels) = self.input.dim();
        let source = Source::new(self.input);
        let tiles = self.v.chunks_exact_mut(self.tile_stride);
        for ((i, j), v) in self.block.positions().zip(tiles) {
            // Row p of a tile's inputs is row TILE·i + p − 1 of the picture, if there is one; likewise the columns.
            let padding = self.input.padding;
            let rows: [_; POINTS] = from_fn(|p| padding.position(TILE * i + p, height));
            let columns = from_fn(|q| padding.position(TILE * j + q, width));
            let columns = source.columns(columns);
            // The transformed rows. Those that do not exist stay 0.
            let mut d = [[s.splat(T::zero()); POINTS]; POINTS];
            for first in (0..channels).step_by(S::LANES) {
                for (d, row) in d.iter_mut().zip(&rows) {
                    let &Some(row) = row else { continue };
                    *d = transforms::input_points(s, source.load(s, row, &columns, first));
                    source.prefetch(row, TILE * j + POINTS - 1, first);
                }
                for q in 0..POINTS {
                    let column = [d[0][q], d[1][q], d[2][q], d[3][q], d[4][q], d[5][q]];
                    for (p, value) in transforms::input_points(s, column).into_iter().enumerate() {
                        let v = &mut v[(POINTS * p + q) * self.pair_stride + first..];
                        // The next tile's place in V, which may have left the cache.
                        prefetch(v.as_ptr().wrapping_add(self.tile_stride));
                        s.store(value, v);
                    }
                }
            }
        }
    }
}

/// The picture that tiles are read from. Its methods are not closures, since those are not compiled for the instruction set.
struct Source<'a, T> {
    x: &'a [T],
    /// Elements of a row of x, which may be pooled.
    x_row: usize,
    /// A row or a column of the input, shifted right by this many bits, is that of x: 1 if x is pooled, and otherwise 0.
    shift: u32,
    /// Whether x is the gradient of averages, of which each position gets a share.
    averaged: bool,
    mask: Option<&'a [u16]>,
    /// Height, width and channels of the input.
    shape: (usize, usize, usize),
}

/// The columns that a tile reads. In place of one beyond the edge the first is loaded and replaced by 0: so a tile inside the picture, as
/// nearly all are, tests only once whether its columns exist.
struct Columns<T> {
    /// Whether each exists.
    exists: [bool; POINTS],
    /// Elements from the beginning of a row of x.
    in_x: [usize; POINTS],
    /// Words from the beginning of a row of the mask.
    in_mask: [usize; POINTS],
    /// Of an average of a cell, along this axis.
    shares: [T; POINTS],
}

impl<'a, T: Scalar> Source<'a, T> {
    fn new(input: &Input<'a, T>) -> Self {
        let shape = input.dim();
        Self {
            x: elements(input.x),
            x_row: input.x.dim().1 * shape.2,
            shift: input.pooled.is_some().into(),
            averaged: input.pooled == Some(Pooling::Average),
            mask: input.mask.map(Mask::words),
            shape,
        }
    }

    /// The columns at these positions.
    #[inline(always)]
    fn columns(&self, positions: [Option<usize>; POINTS]) -> Columns<T> {
        let (_, width, channels) = self.shape;
        let at = positions.map(Option::unwrap_or_default);
        Columns {
            exists: positions.map(|position| position.is_some()),
            in_x: at.map(|position| (position >> self.shift) * channels),
            in_mask: at.map(|position| position * words_per_position(channels)),
            shares: at.map(|position| share(position, width)),
        }
    }

    /// Loads a vector of channels, from channel `first` on, at each column of a row.
    #[inline(always)]
    fn load<S: Simd<T>>(
        &self,
        s: S,
        row: usize,
        columns: &Columns<T>,
        first: usize,
    ) -> [S::Vector; POINTS] {
        let (height, width, channels) = self.shape;
        let x = &self.x[(row >> self.shift) * self.x_row..];
        let mut d = [s.splat(T::zero()); POINTS];
        for (d, at) in d.iter_mut().zip(columns.in_x) {
            *d = load_partial(s, &x[at + first..at + channels]);
        }
        if let Some(mask) = self.mask {
            let mask = &mask[row * width * words_per_position(channels)..];
            for (d, at) in d.iter_mut().zip(columns.in_mask) {
                *d = apply_mask(s, *d, &mask[at..], first);
            }
        }
        if self.averaged {
            let share_of_row = share::<T>(row, height);
            for (d, share) in d.iter_mut().zip(columns.shares) {
                *d = s.mul(s.splat(share_of_row * share), *d);
            }
        }
        if columns.exists != [true; POINTS] {
            for (d, exists) in d.iter_mut().zip(columns.exists) {
                if !exists {
                    *d = s.splat(T::zero());
                }
            }
        }
        d
    }

    /// Asks for the inputs that the next tile adds to this one's, from this column on.
    #[inline(always)]
    fn prefetch(&self, row: usize, column: usize, first: usize) {
        let (_, width, channels) = self.shape;
        if self.shift == 0 {
            for position in row * width + column..row * width + column + TILE {
                prefetch((self.x.as_ptr()).wrapping_add(position * channels + first));
            }
        }
    }
}

/// The share that one position of a pooling cell has along an axis of this length: a half, except at an odd end.
#[inline(always)]
fn share<T: Scalar>(position: usize, length: usize) -> T {
    if position + 1 == length && length % 2 == 1 {
        T::one()
    } else {
        T::of(0.5)
    }
}
