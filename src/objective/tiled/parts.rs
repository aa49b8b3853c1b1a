//! Parts of arrays: what a tile reads, and what it owns.

use super::tiling::Tile;
use crate::method::big_array::Band;
use crate::method::{Products, Scalar};
use ndarray::{Array2, Array3, CowArray, Ix3, s};
use std::borrow::Cow;
use std::ops::Range;

/// What the tile reads of an array of the picture's size.
pub(super) fn part_read<T: Scalar>(x: &Band<T>, tile: Tile) -> Array3<T> {
    let (rows, columns) = tile.read();
    x.part(rows, columns)
}

/// These rows and columns of an array, counted in the whole array: not copied if they are in memory.
pub(super) fn part_at<'a, T: Scalar>(
    x: &'a Band<T>,
    (rows, columns): &(Range<usize>, Range<usize>),
) -> CowArray<'a, T, Ix3> {
    let first = x.first as usize;
    match x.rows.in_memory() {
        Some(array) => {
            let rows = rows.start - first..rows.end - first;
            array.slice(s![rows, columns.clone(), ..]).into()
        }
        None => {
            let interval = |range: &Range<usize>| range.start as isize..range.end as isize;
            x.part(interval(rows), interval(columns)).into()
        }
    }
}

/// The activations `f` (H×W×C) at these rows and columns; `f` itself if these are all.
pub(super) fn own_part<'a, T: Scalar>(
    f: &'a Array3<T>,
    (rows, columns): &(Range<usize>, Range<usize>),
    products: &dyn Products<T>,
) -> Cow<'a, Array3<T>> {
    let (height, width, channels) = f.dim();
    if (rows.len(), columns.len()) == (height, width) {
        return Cow::Borrowed(f);
    }
    let mut own = products.array((rows.len(), columns.len(), channels));
    own.assign(&f.slice(s![rows.clone(), columns.clone(), ..]));
    Cow::Owned(own)
}

/// A mask at these rows and columns.
pub(super) fn cut<T: Scalar>(
    mask: &Array2<T>,
    (rows, columns): &(Range<usize>, Range<usize>),
) -> Array2<T> {
    mask.slice(s![rows.clone(), columns.clone()]).to_owned()
}

/// Makes `f` zero outside these rows and columns.
pub(super) fn clear_outside<T: Scalar>(
    f: &mut Array3<T>,
    (rows, columns): &(Range<usize>, Range<usize>),
) {
    f.slice_mut(s![..rows.start, .., ..]).fill(T::zero());
    f.slice_mut(s![rows.end.., .., ..]).fill(T::zero());
    f.slice_mut(s![.., ..columns.start, ..]).fill(T::zero());
    f.slice_mut(s![.., columns.end.., ..]).fill(T::zero());
}
