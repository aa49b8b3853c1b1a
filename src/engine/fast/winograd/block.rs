//! The parts of a layer that are computed at a time: its input, blocks of tiles, and bands of the output.

use super::super::mask::Mask;
use crate::method::{Padding, Pooling};
use ndarray::Array3;
use std::ops::Range;

/// The input of a pass.
pub(super) struct Input<'a, T> {
    /// H×W×Cin. If `pooled`, ⌈H/2⌉×⌈W/2⌉×Cin: the gradient of averages, of which each position of a cell gets an equal share, or that of
    /// maxima, of which those positions get all where the mask is set.
    pub x: &'a Array3<T>,
    pub pooled: Option<Pooling>,
    /// The input is 0 where the mask is not set.
    pub mask: Option<&'a Mask>,
    /// What the input is beyond the edges.
    pub padding: Padding,
}

impl<T> Input<'_, T> {
    /// H, W and Cin.
    pub fn dim(&self) -> (usize, usize, usize) {
        match self.mask {
            Some(mask) if self.pooled.is_some() => mask.dim(),
            _ => self.x.dim(),
        }
    }
}

/// A rectangle of tiles.
pub(super) struct Block {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Block {
    /// The number of tiles.
    pub fn tiles(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// The row and the column of tile number `tile` of the block, counted row by row.
    #[inline(always)]
    pub fn position(&self, tile: usize) -> (usize, usize) {
        let columns = self.columns.len();
        (
            self.rows.start + tile / columns,
            self.columns.start + tile % columns,
        )
    }
}

/// Some whole rows of tiles of the output, and of its mask if there is one.
pub(super) struct Band<'a, T> {
    /// The rows of tiles.
    pub rows: Range<usize>,
    pub y: &'a mut [T],
    pub mask: Option<&'a mut [u16]>,
    /// Elements of `y` in one row of tiles.
    pub y_row: usize,
    /// Words of the mask in one row of tiles.
    pub mask_row: usize,
}

impl<'a, T> Band<'a, T> {
    /// The first row of tiles.
    pub fn first(&self) -> usize {
        self.rows.start
    }

    /// Divides the band into bands of this many rows of tiles.
    pub fn split(self, rows: usize) -> Vec<Self> {
        let mut masks = (self.mask).map(|mask| mask.chunks_mut(rows * self.mask_row));
        let firsts = self.rows.clone().step_by(rows);
        (firsts.zip(self.y.chunks_mut(rows * self.y_row)))
            .map(|(first, y)| Band {
                rows: first..self.rows.end.min(first + rows),
                y,
                mask: masks.as_mut().and_then(Iterator::next),
                y_row: self.y_row,
                mask_row: self.mask_row,
            })
            .collect()
    }
}
