//! Arrays that may be larger than memory: pictures, their gradients, and what an optimizer keeps of them.
//!
//! A [`BigArray`] is kept in memory or in a scratch file, as its [`Storage`] says. What is computed with it is computed block by block, and
//! the blocks do not depend on where it is kept: the result has the same bits.

mod bands;
mod blocks;
mod scratch;
mod serial;

pub use bands::{Band, Bands};
pub(crate) use blocks::for_each_block;
pub use scratch::{Scratch, Storage};
pub use serial::deserialize_into;

use crate::method::Scalar;
use crate::parallel::for_each;
use ndarray::{Array3, Axis, s};
use scratch::DiskArray;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// An array H×W×C, in memory or in a scratch file.
#[derive(Clone, Debug)]
pub struct BigArray<T: Scalar> {
    shape: (usize, usize, usize),
    place: Place<T>,
}

#[derive(Clone, Debug)]
enum Place<T: Scalar> {
    Memory(Array3<T>),
    Disk(DiskArray<T>),
}

/// Positions of an axis, which on a torus may lie beyond its ends: they are taken modulo its length.
pub type Interval = Range<isize>;

impl<T: Scalar> From<Array3<T>> for BigArray<T> {
    /// It stays in memory.
    fn from(array: Array3<T>) -> Self {
        Self {
            shape: array.dim(),
            place: Place::Memory(array),
        }
    }
}

impl<T: Scalar> BigArray<T> {
    /// An array of zeros.
    pub fn zeros(shape: (usize, usize, usize), storage: &Storage) -> Self {
        let place = match storage {
            Storage::Memory => Place::Memory(Array3::zeros(shape)),
            Storage::Scratch(scratch) => Place::Disk(DiskArray::new(shape, scratch)),
        };
        Self { shape, place }
    }

    /// An array of zeros, of the same shape and kept in the same place.
    pub(crate) fn zeros_like(&self) -> Self {
        Self::zeros(self.shape, &self.storage())
    }

    /// The same array, kept there.
    pub fn moved_to(self, storage: &Storage) -> Self {
        match (&self.place, storage) {
            (Place::Memory(_), Storage::Memory) => self,
            (Place::Disk(disk), Storage::Scratch(scratch))
                if Arc::ptr_eq(disk.scratch(), scratch) =>
            {
                self
            }
            _ => {
                let mut moved = Self::zeros(self.shape, storage);
                moved.assign(&self);
                moved
            }
        }
    }

    /// Where it is kept.
    pub fn storage(&self) -> Storage {
        match &self.place {
            Place::Memory(_) => Storage::Memory,
            Place::Disk(disk) => Storage::Scratch(disk.scratch().clone()),
        }
    }

    /// H×W×C
    pub fn dim(&self) -> (usize, usize, usize) {
        self.shape
    }

    /// The array, if it is in memory.
    pub(crate) fn in_memory(&self) -> Option<&Array3<T>> {
        match &self.place {
            Place::Memory(array) => Some(array),
            Place::Disk(_) => None,
        }
    }

    /// The array, brought into memory if it is not there.
    pub fn to_array(&self) -> Cow<'_, Array3<T>> {
        match &self.place {
            Place::Memory(array) => Cow::Borrowed(array),
            Place::Disk(_) => Cow::Owned(self.rows(0..self.shape.0)),
        }
    }

    /// The same array, which need not be copied if it is in memory.
    pub fn into_array(self) -> Array3<T> {
        match self.place {
            Place::Memory(array) => array,
            Place::Disk(_) => self.to_array().into_owned(),
        }
    }

    /// Whole rows of it.
    ///
    /// # Panics
    /// If it has fewer rows.
    pub fn rows(&self, rows: Range<usize>) -> Array3<T> {
        let rows = rows.start as isize..rows.end as isize;
        self.part(rows, 0..self.shape.1 as isize)
    }

    /// Overwrites whole rows of it, from this one on.
    ///
    /// # Panics
    /// If it has fewer rows, or other columns or channels.
    pub fn set_rows(&mut self, first: usize, rows: &Array3<T>) {
        assert_eq!(rows.dim().1, self.shape.1, "rows must be whole");
        let interval = first as isize..(first + rows.dim().0) as isize;
        self.change_part(interval, 0, rows, |_, new| new);
    }

    /// The part of these rows and columns, H×W×C. On a torus they may lie beyond the edges.
    pub fn part(&self, rows: Interval, columns: Interval) -> Array3<T> {
        let (height, width, channels) = self.shape;
        let mut part = Array3::zeros((rows.len(), columns.len(), channels));
        for (to, at) in pieces(&rows, height) {
            for (to_columns, at_columns) in pieces(&columns, width) {
                let mut target = part.slice_mut(s![to.clone(), to_columns, ..]);
                match &self.place {
                    Place::Memory(array) => {
                        target.assign(&array.slice(s![at.clone(), at_columns, ..]));
                    }
                    Place::Disk(disk) => {
                        for (mut row, i) in target.axis_iter_mut(Axis(0)).zip(at.clone()) {
                            let row = row.as_slice_mut().expect("a row is contiguous");
                            disk.read((i * width + at_columns.start) * channels, row);
                        }
                    }
                }
            }
        }
        part
    }

    /// Adds `part` to the part that begins in this row and column. On a torus it may lie beyond the edges, and then several of its elements
    /// may be added to one.
    pub fn add_part(&mut self, (row, column): (isize, isize), part: &Array3<T>) {
        let rows = row..row + part.dim().0 as isize;
        self.change_part(rows, column, part, |old, new| old + new);
    }

    /// Overwrites the part that begins in this row and column.
    pub(crate) fn set_part(&mut self, (row, column): (isize, isize), part: &Array3<T>) {
        let rows = row..row + part.dim().0 as isize;
        self.change_part(rows, column, part, |_, new| new);
    }

    fn change_part(
        &mut self,
        rows: Interval,
        column: isize,
        part: &Array3<T>,
        change: impl Fn(T, T) -> T + Sync,
    ) {
        let (height, width, channels) = self.shape;
        assert_eq!(
            part.dim().2,
            channels,
            "the part must have the array's channels"
        );
        let columns = column..column + part.dim().1 as isize;
        for (from, at) in pieces(&rows, height) {
            for (from_columns, at_columns) in pieces(&columns, width) {
                let source = part.slice(s![from.clone(), from_columns, ..]);
                match &mut self.place {
                    Place::Memory(array) => {
                        let mut target = array.slice_mut(s![at.clone(), at_columns, ..]);
                        let rows = target.outer_iter_mut().zip(source.outer_iter());
                        for_each(rows, |(mut old, new)| {
                            old.zip_mut_with(&new, |old, &new| *old = change(*old, new));
                        });
                    }
                    Place::Disk(disk) => {
                        let mut row = vec![T::zero(); at_columns.len() * channels];
                        for (source, i) in source.axis_iter(Axis(0)).zip(at.clone()) {
                            let offset = (i * width + at_columns.start) * channels;
                            disk.read(offset, &mut row);
                            (row.iter_mut().zip(source))
                                .for_each(|(old, &new)| *old = change(*old, new));
                            disk.write(offset, &row);
                        }
                    }
                }
            }
        }
    }
}

/// An interval cut where it leaves an axis of this length: positions in the interval, and on the axis.
fn pieces(interval: &Interval, length: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let mut pieces = Vec::new();
    let (mut done, all) = (0, interval.len());
    while done < all {
        let at = (interval.start + done as isize).rem_euclid(length as isize) as usize;
        let step = (length - at).min(all - done);
        pieces.push((done..done + step, at..at + step));
        done += step;
    }
    pieces
}
