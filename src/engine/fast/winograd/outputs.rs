//! Transforms products and writes the tiles of outputs to a picture, a vector of channels at a time.

use super::super::mask::{keep_bits, relu_and_mask, words_per_position};
use super::super::simd::{
    Simd, SimdTask, load_partial, load_strided, prefetch, store_partial, store_strided,
};
use super::block::{Band, Block};
use super::transforms;
use crate::method::{Pooling, Scalar};
use std::ops::Range;

/// Computes the outputs of a block of tiles of ROWS × COLUMNS outputs, with DOWN × ACROSS points.
pub(super) struct TransformProducts<
    'a,
    'b,
    T,
    const ROWS: usize,
    const COLUMNS: usize,
    const DOWN: usize,
    const ACROSS: usize,
> {
    pub block: &'a Block,
    pub m: &'a [T],
    /// The index of the block's first tile in M.
    pub first: usize,
    /// Elements of M from one pair of points to the next.
    pub pair_stride: usize,
    /// Elements of M from one panel to the next.
    pub panel_stride: usize,
    /// Whether to prefetch M, since it is in the cache that all cores share, and not in this core's own.
    pub prefetch: bool,
    /// Height, width and channels of the output before it is pooled.
    pub shape: (usize, usize, usize),
    pub bias: Option<&'a [T]>,
    pub pool: Option<Pooling>,
    /// Whether the outputs are added to what the band holds.
    pub add: bool,
    pub band: &'a mut Band<'b, T>,
}

impl<T: Scalar, const ROWS: usize, const COLUMNS: usize, const DOWN: usize, const ACROSS: usize>
    SimdTask<T> for TransformProducts<'_, '_, T, ROWS, COLUMNS, DOWN, ACROSS>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (height, width, channels) = self.shape;
        let panel = 2 * S::LANES;
        let top_of_band = ROWS * self.band.first();
        for tile in 0..self.block.tiles() {
            let (number, (i, j)) = (self.first + tile, self.block.position(tile));
            let (top, left) = (ROWS * i, COLUMNS * j);
            let tile = Outputs::<ROWS, COLUMNS> {
                top: top - top_of_band,
                left,
                rows: 0..ROWS.min(height - top),
                columns: 0..COLUMNS.min(width - left),
                width,
                channels,
            };
            for first in (0..channels).step_by(S::LANES) {
                let offset = first / panel * self.panel_stride + number * panel + first % panel;
                let mut y = self.transformed(s, &tile, offset, first);
                if let Some(mask) = &mut self.band.mask {
                    tile.relu(s, &mut y, mask, first);
                }
                match self.pool {
                    None => tile.store(s, &y, self.band.y, first, self.add),
                    Some(Pooling::Average) => tile.store_means(s, &y, self.band.y, first),
                    Some(Pooling::Max) => tile.store_maxima(s, &y, self.band, first),
                }
            }
        }
    }
}

impl<T: Scalar, const ROWS: usize, const COLUMNS: usize, const DOWN: usize, const ACROSS: usize>
    TransformProducts<'_, '_, T, ROWS, COLUMNS, DOWN, ACROSS>
{
    /// The outputs of a tile, from channel `first` on. Its products begin at this offset in M.
    #[inline(always)]
    fn transformed<S: Simd<T>>(
        &self,
        s: S,
        tile: &Outputs<ROWS, COLUMNS>,
        offset: usize,
        first: usize,
    ) -> Values<S::Vector, ROWS, COLUMNS> {
        let bias = match self.bias {
            Some(bias) => load_partial(s, &bias[first..]),
            None => s.zero(),
        };
        let mut y = [[bias; COLUMNS]; ROWS];
        for pair in 0..ACROSS / 2 - 1 {
            if self.pool.is_none() {
                tile.prefetch_next(self.band.y, 2 * pair..2 * pair + 2, first);
            }
            let plus = self.column(s, offset, 2 * pair + 1);
            let minus = self.column(s, offset, 2 * pair + 2);
            for (p, y) in y.iter_mut().enumerate() {
                let m = (plus[p], minus[p]);
                transforms::add_outputs::<T, S, COLUMNS, ACROSS>(s, pair, m, y);
            }
        }
        for (q, at) in [(0, 0), (COLUMNS - 1, ACROSS - 1)] {
            let column = self.column(s, offset, at);
            for (p, y) in y.iter_mut().enumerate() {
                y[q] = s.add(y[q], column[p]);
            }
        }
        y
    }

    /// The products at one point across, transformed along the column.
    #[inline(always)]
    fn column<S: Simd<T>>(&self, s: S, offset: usize, q: usize) -> [S::Vector; ROWS] {
        let m = &self.m[q * self.pair_stride + offset..];
        if self.prefetch {
            // The next tile's products.
            for p in 0..DOWN {
                prefetch((m.as_ptr()).wrapping_add(ACROSS * p * self.pair_stride + 2 * S::LANES));
            }
        }
        transforms::outputs(
            s,
            load_strided::<_, _, DOWN>(s, m, ACROSS * self.pair_stride),
        )
    }
}

/// A vector of channels at each position of a tile.
type Values<V, const ROWS: usize, const COLUMNS: usize> = [[V; COLUMNS]; ROWS];

/// Where the outputs of a tile are in their band.
struct Outputs<const ROWS: usize, const COLUMNS: usize> {
    /// The tile's first row in the band, and its first column.
    top: usize,
    left: usize,
    /// Those of its rows and columns that are in the picture.
    rows: Range<usize>,
    columns: Range<usize>,
    /// Of the picture.
    width: usize,
    channels: usize,
}

impl<const ROWS: usize, const COLUMNS: usize> Outputs<ROWS, COLUMNS> {
    /// Whether all of the tile is in the picture. Loops over such a tile have no variable length, so that it stays in registers.
    #[inline(always)]
    fn is_whole(&self) -> bool {
        self.rows == (0..ROWS) && self.columns == (0..COLUMNS)
    }

    /// Applies ReLU to `y`, and writes the `mask`.
    #[inline(always)]
    fn relu<T: Scalar, S: Simd<T>>(
        &self,
        s: S,
        y: &mut Values<S::Vector, ROWS, COLUMNS>,
        mask: &mut [u16],
        first: usize,
    ) {
        let words = words_per_position(self.channels);
        let position = self.top * self.width + self.left;
        let (row, mask) = (self.width * words, &mut mask[position * words..]);
        if self.is_whole() {
            for (p, y) in y.iter_mut().enumerate() {
                for (q, y) in y.iter_mut().enumerate() {
                    *y = relu_and_mask(s, *y, &mut mask[p * row + q * words..], first);
                }
            }
            return;
        }
        for p in self.rows.clone() {
            for q in self.columns.clone() {
                let mask = &mut mask[p * row + q * words..];
                y[p][q] = relu_and_mask(s, y[p][q], mask, first);
            }
        }
    }

    /// Asks for these columns of the place of the next tile.
    #[inline(always)]
    fn prefetch_next<T>(&self, y: &[T], columns: Range<usize>, first: usize) {
        let position = self.top * self.width + self.left;
        let from = y.as_ptr().wrapping_add(position * self.channels + first);
        for p in self.rows.clone() {
            for q in columns.clone() {
                let offset = (p * self.width + COLUMNS + q) * self.channels;
                prefetch(from.wrapping_add(offset));
            }
        }
    }

    /// Stores `y` from channel `first` on, or adds it.
    #[inline(always)]
    fn store<T: Scalar, S: Simd<T>>(
        &self,
        s: S,
        y: &Values<S::Vector, ROWS, COLUMNS>,
        to: &mut [T],
        first: usize,
        add: bool,
    ) {
        let position = self.top * self.width + self.left;
        let (row, to) = (
            self.width * self.channels,
            &mut to[position * self.channels..],
        );
        if self.is_whole() && first + S::LANES <= self.channels {
            for (p, &(mut y)) in y.iter().enumerate() {
                let to = &mut to[p * row + first..];
                if add {
                    let before: [_; COLUMNS] = load_strided(s, to, self.channels);
                    for (q, y) in y.iter_mut().enumerate() {
                        *y = s.add(before[q], *y);
                    }
                }
                store_strided(s, y, to, self.channels);
            }
            return;
        }
        for p in self.rows.clone() {
            for q in self.columns.clone() {
                let to = &mut to[p * row + q * self.channels..][first..self.channels];
                let mut y = y[p][q];
                if add {
                    y = s.add(load_partial(s, to), y);
                }
                store_partial(s, y, to);
            }
        }
    }

    /// Stores the mean of each cell of `y`, from channel `first` on.
    #[inline(always)]
    fn store_means<T: Scalar, S: Simd<T>>(
        &self,
        s: S,
        y: &Values<S::Vector, ROWS, COLUMNS>,
        to: &mut [T],
        first: usize,
    ) {
        let width = self.width.div_ceil(2);
        for p in self.rows.clone().step_by(2) {
            for q in self.columns.clone().step_by(2) {
                let (p2, q2) = (self.rows.end.min(p + 2), self.columns.end.min(q + 2));
                let position = (self.top + p) / 2 * width + (self.left + q) / 2;
                let at = position * self.channels;
                let mean = mean(s, y, p..p2, q..q2);
                store_partial(s, mean, &mut to[at + first..at + self.channels]);
            }
        }
    }

    /// Stores the maximum of each cell of `y`, from channel `first` on, and clears the bits of all other positions in the mask.
    #[inline(always)]
    fn store_maxima<T: Scalar, S: Simd<T>>(
        &self,
        s: S,
        y: &Values<S::Vector, ROWS, COLUMNS>,
        band: &mut Band<T>,
        first: usize,
    ) {
        let (width, words) = (self.width.div_ceil(2), words_per_position(self.channels));
        for p in self.rows.clone().step_by(2) {
            for q in self.columns.clone().step_by(2) {
                let (p2, q2) = (self.rows.end.min(p + 2), self.columns.end.min(q + 2));
                let (maximum, winners) = maximum(s, y, p..p2, q..q2);
                let position = (self.top + p) / 2 * width + (self.left + q) / 2;
                let at = position * self.channels;
                store_partial(s, maximum, &mut band.y[at + first..at + self.channels]);
                let Some(mask) = &mut band.mask else { continue };
                for row in p..p2 {
                    for column in q..q2 {
                        let position = (self.top + row) * self.width + self.left + column;
                        let winners = winners[row - p][column - q];
                        keep_bits(&mut mask[position * words..], first, S::LANES, winners);
                    }
                }
            }
        }
    }
}

/// The mean of one cell of a tile, summed in the same order as in `pool.rs`.
#[inline(always)]
fn mean<T: Scalar, S: Simd<T>, const ROWS: usize, const COLUMNS: usize>(
    s: S,
    y: &Values<S::Vector, ROWS, COLUMNS>,
    rows: Range<usize>,
    columns: Range<usize>,
) -> S::Vector {
    let share = s.splat(T::of(1.0 / (rows.len() * columns.len()) as f64));
    let mut sum = y[rows.start][columns.start];
    if columns.len() == 2 {
        sum = s.add(sum, y[rows.start][columns.start + 1]);
    }
    if rows.len() == 2 {
        sum = s.add(sum, y[rows.start + 1][columns.start]);
        if columns.len() == 2 {
            sum = s.add(sum, y[rows.start + 1][columns.start + 1]);
        }
    }
    s.mul(sum, share)
}

/// The maximum of one cell of a tile, and for each position the lanes where it is there: the first position of those that have it, as in
/// `pool.rs`.
#[inline(always)]
fn maximum<T: Scalar, S: Simd<T>, const ROWS: usize, const COLUMNS: usize>(
    s: S,
    y: &Values<S::Vector, ROWS, COLUMNS>,
    rows: Range<usize>,
    columns: Range<usize>,
) -> (S::Vector, [[u16; 2]; 2]) {
    let mut best = y[rows.start][columns.start];
    let mut winners = [[u16::MAX, 0], [0, 0]];
    for p in 0..rows.len() {
        for q in 0..columns.len() {
            if (p, q) == (0, 0) {
                continue;
            }
            let y = y[rows.start + p][columns.start + q];
            let difference = s.sub(y, best);
            let larger = s.positive(difference);
            best = s.add(s.select(best, !larger), s.select(y, larger));
            // A comparison with NaN is false. 0·NaN is NaN, which puts it back.
            best = s.mul_add(s.zero(), difference, best);
            for winners in winners.as_flattened_mut() {
                *winners &= !larger;
            }
            winners[p][q] = larger;
        }
    }
    (best, winners)
}
