//! From one size of a run to the next: the picture is enlarged, and gets a new border.

use super::border;
use crate::files::picture::{Size, resize, resize_rows, resize_torus, rows_behind};
use crate::method::big_array::{Bands, Interval, Storage};
use crate::method::{BigArray, Communicator, bilinear};
use ndarray::{Array3, Axis, s};
use std::ops::Range;

/// Rows that are enlarged at a time, where the whole does not fit into memory.
const ROWS: usize = 64;

/// `x` (H×W×3) in another size, as a torus if the picture is seamless.
fn resized(x: &Array3<f32>, size: Size, seamless: bool) -> Array3<f32> {
    if seamless {
        resize_torus(x, size)
    } else {
        resize(x, size)
    }
}

/// From one size to the next. Of both pictures, with their borders, each process has a band.
pub(super) struct Enlarging<'a> {
    /// The rows of each process before.
    pub from: &'a Bands,
    /// The rows of each process then.
    pub to: &'a Bands,
    pub border: usize,
    /// Without the border.
    pub size: Size,
    pub seamless: bool,
    /// Where the result is kept.
    pub storage: &'a Storage,
    pub world: &'a dyn Communicator,
}

impl Enlarging<'_> {
    /// The picture `x` without its border, in the other size and with a new border.
    pub fn picture(&self, x: &BigArray<f32>) -> BigArray<f32> {
        if self.seamless {
            return self.whole(x, |x| resize_torus(x, self.size)); // it has no border
        }
        self.by_rows(x)
    }

    /// A running mean of gradients, which has a value for each pixel of the border too.
    pub fn mean(&self, m: &BigArray<f32>) -> BigArray<f32> {
        let whole = border::around(self.size, self.border);
        self.whole(m, |m| resized(m, whole, self.seamless))
    }

    /// The same of squares: what is positive stays positive.
    pub fn positive(&self, v: &BigArray<f32>) -> BigArray<f32> {
        let whole = border::around(self.size, self.border).height_and_width();
        self.whole(v, |v| bilinear::forward(v, whole))
    }

    /// What `enlarge` makes of the whole of `x`.
    fn whole(
        &self,
        x: &BigArray<f32>,
        enlarge: impl FnOnce(&Array3<f32>) -> Array3<f32>,
    ) -> BigArray<f32> {
        let all = 0..self.from.height() as isize;
        let wanted = vec![all; self.world.ranks()];
        let whole = (self.from).read(x, &wanted, &Storage::Memory, self.world);
        let enlarged = enlarge(&whole.rows.to_array());
        let own = self.to.of(self.world.rank());
        let own = if own.len() == enlarged.dim().0 {
            enlarged
        } else {
            enlarged.slice(s![own, .., ..]).to_owned()
        };
        BigArray::from(own).moved_to(self.storage)
    }

    fn by_rows(&self, x: &BigArray<f32>) -> BigArray<f32> {
        let (border, world) = (self.border, self.world);
        let (to_height, to_width) = self.size.height_and_width();
        let inside = self.from.height() - 2 * border;
        let rows_with_border = border::positions(to_height, border);
        let columns_with_border = border::positions(to_width, border);
        // The rows between which those of the result lie that have no border, and the rows of `x` that they are made from.
        let inner = |rows: &Range<usize>| {
            let at = &rows_with_border[rows.clone()];
            at.iter().min().map_or(0, |&row| row)..at.iter().max().map_or(0, |row| row + 1)
        };
        let behind = |rows: &Range<usize>| {
            let behind = rows_behind(&inner(rows), inside, to_height);
            (behind.start + border) as isize..(behind.end + border) as isize
        };
        let wanted: Vec<Interval> = (0..world.ranks())
            .map(|rank| match self.to.of(rank) {
                none if none.is_empty() => 0..0,
                rows => behind(&rows),
            })
            .collect();
        let fetched = self.from.read(x, &wanted, self.storage, world);
        let (_, width, channels) = x.dim();
        let columns = border as isize..(width - border) as isize;
        let own = self.to.of(world.rank());
        let shape = (own.len(), columns_with_border.len(), channels);
        let mut enlarged = BigArray::zeros(shape, self.storage);
        for first in own.clone().step_by(ROWS) {
            let rows = first..(first + ROWS).min(own.end);
            let inner = inner(&rows);
            let part = fetched.part(behind(&rows), columns.clone());
            let mut part = resize_rows(&part, inside, self.size, inner.clone());
            if border > 0 {
                let at: Vec<usize> = (rows_with_border[rows].iter())
                    .map(|row| row - inner.start)
                    .collect();
                part = part
                    .select(Axis(0), &at)
                    .select(Axis(1), &columns_with_border);
            }
            enlarged.set_rows(first - own.start, &part);
        }
        enlarged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::Alone;
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
            let enlarged = |storage| {
                let enlarging = Enlarging {
                    from: &Bands::new(90, 1, 1),
                    to: &Bands::new(150 + 2 * border, 1, 1),
                    border,
                    size,
                    seamless: false,
                    storage,
                    world: &Alone,
                };
                enlarging.picture(&x.clone().into())
            };
            let memory = enlarged(&Storage::Memory).into_array();
            let disk = enlarged(&storage).into_array();
            assert_eq!(memory.dim(), disk.dim());
            let error = (memory - disk).mapv(f32::abs);
            assert!(error.iter().all(|&error| error < 1e-3), "{border}");
        }
    }
}
