//! Positions of a layer drawn at random: a grid with a stride, at a random offset.
//!
//! The stride is the longest side / 64, rounded down, and at least 1, so that there are from 64 to 127 positions along that side. A
//! picture and its paintings are of different sizes, and each has its own stride.
//!
//! A painting's vectors are stored. They need not all be: [`Stored`] keeps those of a finer grid, of which the random grids are parts. The
//! finer grid has about four positions for one of a random grid, along each axis.

use super::masks::Position;
use crate::method::Scalar;
use crate::method::gram::matrix;
use ndarray::{Array2, Array3, Axis};
use rand::{Rng, RngExt};

/// The fewest positions along the longest side, where the layer has so many.
const SIDE: usize = 64;

/// The stride of random grids over the stride of a stored grid, at most.
const FINER: usize = 4;

/// The stride of random grids on a layer of this height and width.
fn stride((height, width): (usize, usize)) -> usize {
    (height.max(width) / SIDE).max(1)
}

/// An offset for each axis, below the stride and below the axis's length.
fn offset(rng: &mut impl Rng, stride: usize, (height, width): (usize, usize)) -> Position {
    let mut draw = |length: usize| rng.random_range(0..stride.min(length).max(1));
    (draw(height), draw(width))
}

/// Positions of a random grid on a layer of this height and width, row by row.
pub fn draw(rng: &mut impl Rng, size: (usize, usize)) -> impl Iterator<Item = Position> {
    let stride = stride(size);
    let (first_row, first_column) = offset(rng, stride, size);
    let rows = (first_row..size.0).step_by(stride);
    rows.flat_map(move |i| (first_column..size.1).step_by(stride).map(move |j| (i, j)))
}

/// The vectors of a painting at one layer that may be drawn.
pub struct Stored<T: Scalar> {
    /// One in each row, in [fewer bits](Scalar::Short).
    vectors: Array2<T::Short>,
    /// Where they are in the layer, in units of the fine grid's stride.
    cells: Vec<Position>,
    /// Rows and columns of the fine grid.
    size: (usize, usize),
    /// The stride of random grids on the fine grid.
    stride: usize,
}

impl<T: Scalar> Stored<T> {
    /// Those of activations `f` (H×W×C) that are at one of the positions `visible` and on the fine grid; if none is on it, all visible.
    pub fn new(f: &Array3<T>, visible: &[Position]) -> Self {
        let (height, width, _) = f.dim();
        let stride = stride((height, width));
        let fine = stride.div_ceil(FINER);
        let on_grid = |&(i, j): &Position| i % fine == 0 && j % fine == 0;
        let mut chosen: Vec<_> = visible.iter().copied().filter(on_grid).collect();
        if chosen.is_empty() {
            chosen = visible.to_vec();
        }
        let rows: Vec<_> = chosen.iter().map(|&(i, j)| i * width + j).collect();
        Self {
            vectors: matrix::<T>(f).select(Axis(0), &rows).mapv(T::to_short),
            cells: chosen.iter().map(|&(i, j)| (i / fine, j / fine)).collect(),
            size: (height.div_ceil(fine), width.div_ceil(fine)),
            stride: stride.div_ceil(fine),
        }
    }

    /// Adds the vectors on a random grid to `to`; if none is on it, all.
    pub fn draw<'a>(&'a self, rng: &mut impl Rng, to: &mut Vec<&'a [T::Short]>) {
        let (row, column) = offset(rng, self.stride, self.size);
        let on_grid = |&(i, j): &Position| i % self.stride == row && j % self.stride == column;
        let channels = self.vectors.ncols();
        let elements = self.vectors.as_slice().expect("it is in standard layout");
        let before = to.len();
        for (vector, cell) in elements.chunks_exact(channels).zip(&self.cells) {
            if on_grid(cell) {
                to.push(vector);
            }
        }
        if to.len() == before {
            to.extend(elements.chunks_exact(channels));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::nearest::masks;
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    #[test]
    fn grids_have_at_least_sixty_four_positions_along_the_longest_side() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        for (size, sides) in [
            ((3, 64), (3, 64)),
            ((127, 100), (127, 100)),
            ((128, 96), (64, 48)),
            ((512, 5), (64, 1)),
        ] {
            let positions: Vec<_> = draw(&mut rng, size).collect();
            assert_eq!(positions.len(), sides.0 * sides.1, "{size:?}");
            assert!(positions.iter().all(|&(i, j)| i < size.0 && j < size.1));
        }
    }

    #[test]
    fn random_grids_come_to_all_that_is_stored() {
        let size = (10, 640);
        let f = Array3::from_shape_fn((10, 640, 1), |(i, j, _)| (i * 640 + j) as f64);
        let all: Vec<_> = masks::all(size).collect();
        let stored = Stored::new(&f, &all);
        assert_eq!(stored.vectors.nrows(), 4 * 214); // each third
        let mut rng = Pcg64Mcg::seed_from_u64(2);
        let mut seen = Vec::new();
        for _ in 0..300 {
            let mut drawn = Vec::new();
            stored.draw(&mut rng, &mut drawn);
            assert!(drawn.len() <= 54, "{}", drawn.len());
            seen.extend(drawn.iter().map(|v| v[0] as usize));
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), stored.vectors.nrows());
    }

    #[test]
    fn positions_that_no_grid_meets_are_drawn_all() {
        let f = Array3::from_shape_fn((700, 3, 2), |(i, j, c)| (6 * i + 2 * j + c) as f64);
        let stored = Stored::new(&f, &[(7, 1), (7, 2)]);
        assert_eq!(stored.vectors.nrows(), 2);
        let mut drawn = Vec::new();
        stored.draw(&mut Pcg64Mcg::seed_from_u64(3), &mut drawn);
        assert!(!drawn.is_empty() && drawn.iter().all(|v| (44.0..48.0).contains(&v[0])));
    }
}
