//! From one size of a run to the next: the picture is enlarged, and gets a new border.

use super::border;
use crate::files::picture::{Size, resize, resize_rows, resize_torus, rows_behind};
use crate::method::BigArray;
use crate::method::big_array::Storage;
use ndarray::{Array3, Axis};

/// Rows that are enlarged at a time, where the whole does not fit into memory.
const ROWS: usize = 64;

/// `x` (H×W×3) in another size, as a torus if the picture is seamless.
pub(super) fn resized(x: &Array3<f32>, size: Size, seamless: bool) -> Array3<f32> {
    if seamless {
        resize_torus(x, size)
    } else {
        resize(x, size)
    }
}

/// `x` without its border, in another size and with a new border, kept in this storage.
pub(super) fn enlarged(
    x: &BigArray<f32>,
    border: usize,
    size: Size,
    seamless: bool,
    storage: &Storage,
) -> BigArray<f32> {
    match storage {
        Storage::Scratch(_) if !seamless => enlarged_by_rows(x, border, size, storage),
        _ => {
            let inside = border::cut(&x.to_array(), border);
            let picture = border::mirrored(&resized(&inside, size, seamless), border);
            BigArray::from(picture).moved_to(storage)
        }
    }
}

fn enlarged_by_rows(
    x: &BigArray<f32>,
    border: usize,
    size: Size,
    storage: &Storage,
) -> BigArray<f32> {
    let (height, width, channels) = x.dim();
    let inside = height - 2 * border;
    let columns = border as isize..(width - border) as isize;
    let (to_height, to_width) = (size.height as usize, size.width as usize);
    let rows_with_border = border::positions(to_height, border);
    let columns_with_border = border::positions(to_width, border);
    let shape = (rows_with_border.len(), columns_with_border.len(), channels);
    let mut enlarged = BigArray::zeros(shape, storage);
    for first in (0..to_height).step_by(ROWS) {
        let rows = first..(first + ROWS).min(to_height);
        let behind = rows_behind(&rows, inside, to_height);
        let behind = (behind.start + border) as isize..(behind.end + border) as isize;
        let part = x.part(behind, columns.clone());
        let part = resize_rows(&part, inside, size, rows);
        enlarged.set_rows(border + first, &part.select(Axis(1), &columns_with_border));
    }
    let outside = |row: &usize| *row < border || *row >= border + to_height;
    for row in (0..rows_with_border.len()).filter(outside) {
        let mirrored = border + rows_with_border[row];
        let mirrored = enlarged.rows(mirrored..mirrored + 1);
        enlarged.set_rows(row, &mirrored);
    }
    enlarged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::big_array::Scratch;
    use std::sync::Arc;

    #[test]
    fn on_disk_a_picture_is_enlarged_as_in_memory() {
        let storage = Storage::Scratch(Arc::new(Scratch::new(&std::env::temp_dir()).unwrap()));
        let x = Array3::from_shape_fn((90, 70, 3), |(i, j, c)| ((i * 31 + j * 17 + c) % 97) as f32);
        let size = Size {
            width: 120,
            height: 150,
        };
        for border in [0, 8] {
            let enlarged = |storage| enlarged(&x.clone().into(), border, size, false, storage);
            let memory = enlarged(&Storage::Memory).into_array();
            let disk = enlarged(&storage).into_array();
            assert_eq!(memory.dim(), disk.dim());
            let error = (memory - disk).mapv(f32::abs);
            assert!(error.iter().all(|&error| error < 1e-3), "{border}");
        }
    }
}
