//! Reads tiles from a picture and transforms them, a vector of channels at a time.

use super::super::mask::{Mask, apply_mask, word_of, words_per_position};
use super::super::simd::{Offsets, Simd, SimdTask, prefetch, prefetch_to_write, store_strided};
use super::block::{Block, Input};
use super::transforms;
use crate::method::scalar::elements;
use crate::method::{Padding, Pooling, Scalar};

/// Computes V of a block of tiles, with DOWN × ACROSS points.
pub(super) struct TransformInputs<'a, T, const DOWN: usize, const ACROSS: usize> {
    pub input: &'a Input<'a, T>,
    pub block: &'a Block,
    pub v: &'a mut [T],
    /// Elements of V from one tile to the next.
    pub tile_stride: usize,
    /// Elements of V from one pair of points to the next.
    pub pair_stride: usize,
}

impl<T: Scalar, const DOWN: usize, const ACROSS: usize> SimdTask<T>
    for TransformInputs<'_, T, DOWN, ACROSS>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (height, _, channels) = self.input.dim();
        let padding = self.input.padding;
        let source = Source::new(self.input);
        for tile in 0..self.block.tiles() {
            let (i, j) = self.block.position(tile);
            let v = &mut self.v[tile * self.tile_stride..][..self.tile_stride];
            // Row p of a tile's inputs is row `top` + p − 1 of the picture, if there is one; likewise the columns.
            let (top, left) = ((DOWN - 2) * i, (ACROSS - 2) * j);
            let mut rows = [None; DOWN];
            for p in 0..DOWN {
                if let Some(position) = padding.position(top + p, height) {
                    rows[p] = Some(source.row(position));
                }
            }
            let columns = source.columns::<ACROSS>(left, padding);
            // The transformed rows. Those that do not exist stay 0.
            let mut d = [[s.zero(); ACROSS]; DOWN];
            for first in (0..channels).step_by(S::LANES) {
                for (p, d) in d.iter_mut().enumerate() {
                    let Some(row) = &rows[p] else { continue };
                    *d = transforms::input_points(s, source.load(s, row, &columns, first));
                    source.prefetch(row, &columns, first);
                }
                for q in 0..ACROSS {
                    let mut column = [d[0][q]; DOWN];
                    for (p, value) in column.iter_mut().enumerate() {
                        *value = d[p][q];
                    }
                    let column = transforms::input_points(s, column);
                    let v = &mut v[q * self.pair_stride + first..];
                    // The next tile's place in V. It may have left the cache, and another core may have a copy of what was there before.
                    for p in 0..DOWN {
                        let ahead = self.tile_stride + ACROSS * p * self.pair_stride;
                        prefetch_to_write(v.as_ptr().wrapping_add(ahead));
                    }
                    store_strided(s, column, v, ACROSS * self.pair_stride);
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

/// A row that a tile reads.
#[derive(Clone, Copy)]
struct Row<'a, T> {
    x: &'a [T],
    /// Empty if there is no mask.
    mask: &'a [u16],
    /// Of an average of a cell, along this axis.
    share: T,
}

/// The columns that a tile reads. In place of one beyond the edge the first is loaded and replaced by 0: so a tile inside the picture, as
/// nearly all are, tests only once whether its columns exist.
struct Columns<T, const ACROSS: usize> {
    /// Whether each exists.
    exists: [bool; ACROSS],
    /// Whether all do, which is tested once for each row of a tile.
    all_exist: bool,
    /// From the beginning of a row of x.
    in_x: Offsets<ACROSS>,
    /// From the beginning of a row of the mask.
    in_mask: Offsets<ACROSS>,
    /// Of an average of a cell, along this axis.
    shares: [T; ACROSS],
    /// Elements from the beginning of a row of x to the first column that only the next tile reads.
    next: usize,
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

    /// The row at this position.
    #[inline(always)]
    fn row(&self, position: usize) -> Row<'a, T> {
        let (height, width, channels) = self.shape;
        let words = position * width * words_per_position(channels);
        Row {
            x: &self.x[(position >> self.shift) * self.x_row..],
            mask: self.mask.map_or(&[], |mask| &mask[words..]),
            share: share(position, height),
        }
    }

    /// The columns of a tile whose first output is in column `left`.
    #[inline(always)]
    fn columns<const ACROSS: usize>(&self, left: usize, padding: Padding) -> Columns<T, ACROSS> {
        let (_, width, channels) = self.shape;
        let words = words_per_position(channels);
        let (mut exists, mut all_exist) = ([true; ACROSS], true);
        let (mut in_x, mut in_mask) = ([0; ACROSS], [0; ACROSS]);
        let mut shares = [T::one(); ACROSS];
        for q in 0..ACROSS {
            let Some(position) = padding.position(left + q, width) else {
                (exists[q], all_exist) = (false, false);
                continue;
            };
            in_x[q] = (position >> self.shift) * channels;
            in_mask[q] = position * words;
            shares[q] = share(position, width);
        }
        Columns {
            exists,
            all_exist,
            in_x: Offsets::new(in_x),
            in_mask: Offsets::new(in_mask),
            shares,
            next: (left + ACROSS - 1) * channels,
        }
    }

    /// Loads a vector of channels, from channel `first` on, at each column of a row.
    #[inline(always)]
    fn load<S: Simd<T>, const ACROSS: usize>(
        &self,
        s: S,
        row: &Row<T>,
        columns: &Columns<T, ACROSS>,
        first: usize,
    ) -> [S::Vector; ACROSS] {
        let (_, _, channels) = self.shape;
        let mut d = columns.in_x.load(s, row.x, first..channels);
        if self.mask.is_some() {
            let words = columns.in_mask.get(row.mask, word_of(first));
            for (q, d) in d.iter_mut().enumerate() {
                *d = apply_mask(s, *d, words[q], first);
            }
        }
        if self.averaged {
            for (q, d) in d.iter_mut().enumerate() {
                *d = s.mul(s.splat(row.share * columns.shares[q]), *d);
            }
        }
        if !columns.all_exist {
            for (q, d) in d.iter_mut().enumerate() {
                if !columns.exists[q] {
                    *d = s.zero();
                }
            }
        }
        d
    }

    /// Asks for the inputs that the next tile adds to this one's.
    #[inline(always)]
    fn prefetch<const ACROSS: usize>(
        &self,
        row: &Row<T>,
        columns: &Columns<T, ACROSS>,
        first: usize,
    ) {
        let (_, _, channels) = self.shape;
        if self.shift == 0 {
            // A tile begins ACROSS − 2 columns after the one before.
            for column in 0..ACROSS - 2 {
                prefetch((row.x.as_ptr()).wrapping_add(columns.next + column * channels + first));
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
