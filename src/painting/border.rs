//! A border that is painted around the picture and cut off at the end.
//!
//! The network takes everything beyond an edge as zero. It sees an edge there, and the style losses compare what it sees: along its
//! edges a painted picture gets a frame, a few pixels wide. With a border, which begins as the mirrored picture, the
//! frame is painted where it will be cut off.

use crate::files::picture::{FittedBlocks, Size};
use crate::method::BigArray;
use crate::method::big_array::{Interval, Storage};
use ndarray::{Array, Array3, Axis, RemoveAxis, s};

/// The widest border, in pixels.
pub(super) const MAX: usize = 64;

/// Rows that are copied at a time.
const ROWS: usize = 64;

/// `x` (H×W or H×W×C) with a border on each side: its mirror image, without repeating the edge pixels. If the picture is narrower
/// than the border, it is mirrored again.
pub(super) fn mirrored<D: RemoveAxis>(x: &Array<f32, D>, border: usize) -> Array<f32, D> {
    let wider = (x.select(Axis(0), &positions(x.len_of(Axis(0)), border)))
        .select(Axis(1), &positions(x.len_of(Axis(1)), border));
    wider.as_standard_layout().into_owned()
}

/// These rows of the array of a fitted picture with such a border, kept in this storage. Rows beyond the edges are those around the torus.
pub(super) fn mirrored_picture(
    fitted: &FittedBlocks,
    border: usize,
    rows: &Interval,
    storage: &Storage,
) -> BigArray<f32> {
    let Size { width, height } = fitted.size();
    let all = positions(height as usize, border);
    let at = |row: isize| all[row.rem_euclid(all.len() as isize) as usize];
    let rows: Vec<usize> = rows.clone().map(at).collect();
    let columns = positions(width as usize, border);
    let mut x = BigArray::zeros((rows.len(), columns.len(), 3), storage);
    let mut done = 0;
    for rows in rows.chunk_by(|&a, &b| fitted.block_of(a) == fitted.block_of(b)) {
        let (first, block) = fitted.block(fitted.block_of(rows[0]));
        for rows in rows.chunks(ROWS) {
            let of_block: Vec<usize> = rows.iter().map(|row| row - first).collect();
            x.set_rows(done, &block.array_at(&of_block, &columns));
            done += rows.len();
        }
    }
    x
}

/// Where each position of an axis with a border is on the axis without it: 0, 1, … length − 1, length − 2, … 1, and again.
pub(super) fn positions(length: usize, border: usize) -> Vec<usize> {
    let period = (2 * length - 2).max(1) as isize;
    let border = border as isize;
    (-border..length as isize + border)
        .map(|at| at.rem_euclid(period).min((-at).rem_euclid(period)) as usize)
        .collect()
}

/// An array H×W×C without its border.
pub(super) fn cut(x: &Array3<f32>, border: usize) -> Array3<f32> {
    let (height, width, _) = x.dim();
    x.slice(s![border..height - border, border..width - border, ..])
        .to_owned()
}

/// A size with a border around it.
pub(super) fn around(size: Size, border: usize) -> Size {
    let wider = |edge: u32| edge.saturating_add(2 * border as u32);
    Size {
        width: wider(size.width),
        height: wider(size.height),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_border_is_mirrored_at_the_edges() {
        let x = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let expected = array![
            [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0],
            [6.0, 5.0, 4.0, 5.0, 6.0, 5.0, 4.0],
            [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0],
            [6.0, 5.0, 4.0, 5.0, 6.0, 5.0, 4.0],
            [3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0],
            [6.0, 5.0, 4.0, 5.0, 6.0, 5.0, 4.0],
        ];
        assert_eq!(mirrored(&x, 2), expected);
        let pixel = mirrored(&array![[7.0]], 3);
        assert_eq!(pixel, ndarray::Array2::from_elem((7, 7), 7.0));
        assert_eq!(mirrored(&x, 0), x);
    }

    #[test]
    fn a_border_that_is_cut_off_leaves_the_picture() {
        let x = Array3::from_shape_fn((5, 4, 3), |(i, j, c)| (12 * i + 3 * j + c) as f32);
        for border in [0, 1, 8, MAX] {
            let wider = mirrored(&x, border);
            assert_eq!(Size::of_array(&wider), around(Size::of_array(&x), border));
            assert_eq!(cut(&wider, border), x);
            assert!(wider.is_standard_layout() && cut(&wider, border).is_standard_layout());
        }
    }
}
