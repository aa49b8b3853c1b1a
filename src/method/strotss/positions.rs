//! The positions of a picture that are looked at in one iteration.
//!
//! Without a mask they are drawn from a grid with strides of
//!
//! > max(⌊√k⌋, 1) rows and max(⌈√k⌉, 1) columns,  k = ⌊H·W/16n⌋
//!
//! and a random offset, so that about 16 times the n positions that are wanted are in the grid (as in the authors' program: 128²
//! for n = 32²). With a mask they are drawn in proportion to its weights: the sum of all weights, taken row by row, is divided into
//! n equal parts, and one position is drawn from each. It may be drawn again from the next part if its weight is greater than a
//! part.

use crate::method::Scalar;
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Positions in the grid for each one that is drawn.
const GRID: usize = 16;

/// Where a loss looks at the painted picture. The style and the content of one picture have equal samplings, and look at the same
/// positions then.
#[derive(Clone, Debug)]
pub struct Sampling<T> {
    /// Different seeds draw different positions.
    pub seed: u64,
    /// How many positions are drawn in each iteration: n.
    pub count: usize,
    /// How much each position of the picture counts, H×W, at least 0; without it all count alike.
    pub mask: Option<Array2<T>>,
    /// The mean that was subtracted from the pixels' channels, in units of 0..255.
    pub mean: [f64; 3],
}

impl<T: Scalar> Sampling<T> {
    /// 1024 positions anywhere in the picture, of which the `mean` was subtracted.
    pub fn new(seed: u64, mean: [f64; 3]) -> Self {
        Self {
            seed,
            count: 1024,
            mask: None,
            mean,
        }
    }

    /// The positions of this iteration in a picture of this height and width.
    ///
    /// # Panics
    /// If the mask has another size.
    pub fn positions(&self, iteration: u64, size: (usize, usize)) -> Vec<(usize, usize)> {
        positions(self.seed, iteration, self.count, size, self.mask.as_ref())
    }
}

/// `count` positions (row and column, in the order of rows) of a picture of this height and width, drawn anew for each iteration.
/// If fewer are there, or the mask shows fewer, all of them. None if the mask shows none.
///
/// # Panics
/// If the mask has another size.
pub fn positions<T: Scalar>(
    seed: u64,
    iteration: u64,
    count: usize,
    (height, width): (usize, usize),
    mask: Option<&Array2<T>>,
) -> Vec<(usize, usize)> {
    let mut noise = random(seed, iteration);
    if let Some(mask) = mask {
        assert_eq!(mask.dim(), (height, width), "a mask has the picture's size");
        return weighted(&mut noise, count, mask);
    }
    let stride = ((height * width / (GRID * count.max(1))) as f64).sqrt();
    let mut axis = |length: usize, stride: f64| -> Vec<usize> {
        let stride = (stride as usize).max(1);
        let offset = noise.random_range(0..stride.min(length).max(1));
        (offset..length).step_by(stride).collect()
    };
    let (rows, columns) = (axis(height, stride.floor()), axis(width, stride.ceil()));
    let mut drawn = draw(&mut noise, count, rows.len() * columns.len());
    drawn.sort_unstable();
    (drawn.into_iter())
        .map(|at| (rows[at / columns.len()], columns[at % columns.len()]))
        .collect()
}

/// A generator of its own for each pair of numbers.
pub(super) fn random(seed: u64, iteration: u64) -> Pcg64Mcg {
    // 2⁶⁴ divided by the golden ratio: multiples of it are far from each other.
    Pcg64Mcg::seed_from_u64(seed ^ iteration.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// `count` different numbers below `length`, in random order; all of them if there are fewer.
pub(super) fn draw(noise: &mut Pcg64Mcg, count: usize, length: usize) -> Vec<usize> {
    let count = count.min(length);
    let mut numbers: Vec<usize> = (0..length).collect();
    for i in 0..count {
        numbers.swap(i, noise.random_range(i..length));
    }
    numbers.truncate(count);
    numbers
}

fn weighted<T: Scalar>(
    noise: &mut Pcg64Mcg,
    count: usize,
    mask: &Array2<T>,
) -> Vec<(usize, usize)> {
    // A weight that is not a number counts as 0.
    let weights = (mask.indexed_iter()).map(|(at, w)| (at, w.as_f64().max(0.0)));
    let visible: Vec<_> = weights.filter(|&(_, w)| w > 0.0).collect();
    if visible.len() <= count {
        return visible.into_iter().map(|(at, _)| at).collect();
    }
    let total: f64 = visible.iter().map(|(_, w)| w).sum();
    let mut rest = visible.into_iter();
    let mut current = rest.next().expect("more than `count` are visible");
    let mut sum = current.1;
    let mut drawn = Vec::with_capacity(count);
    for part in 0..count {
        let target = (part as f64 + noise.random_range(0.0..1.0)) / count as f64 * total;
        while sum <= target
            && let Some(next) = rest.next()
        {
            current = next;
            sum += current.1;
        }
        drawn.push(current.0);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn plain(iteration: u64, count: usize, size: (usize, usize)) -> Vec<(usize, usize)> {
        positions::<f64>(3, iteration, count, size, None)
    }

    #[test]
    fn positions_are_different_from_each_other_and_inside_the_picture() {
        for size in [(512, 341), (1, 100_000), (100_000, 1), (64, 43)] {
            let drawn = plain(0, 1024, size);
            assert_eq!(drawn.len(), 1024);
            assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 1024);
            assert!(drawn.iter().all(|&(i, j)| i < size.0 && j < size.1));
        }
    }

    #[test]
    fn a_small_picture_has_all_its_positions_and_an_empty_one_none() {
        assert_eq!(plain(5, 1024, (2, 2)), [(0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!(plain(5, 1024, (0, 2)), []);
        assert_eq!(plain(5, 0, (2, 2)), []);
    }

    #[test]
    fn each_iteration_has_positions_of_its_own() {
        let of = |iteration| plain(iteration, 100, (200, 300));
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }

    #[test]
    fn a_mask_is_drawn_from_in_proportion_to_its_weights() {
        // The right half counts three times as much as the left one, and the first row not at all.
        let mask = Array2::from_shape_fn((40, 40), |(i, j)| match (i, j) {
            (0, _) => 0.0,
            (_, 0..20) => 0.25,
            _ => 0.75,
        });
        let drawn = positions(3, 1, 400, (40, 40), Some(&mask));
        assert_eq!(drawn.len(), 400);
        assert!(drawn.iter().all(|&(i, _)| i > 0));
        let right = drawn.iter().filter(|&&(_, j)| j >= 20).count();
        assert!((280..=320).contains(&right), "{right}");
    }

    #[test]
    fn a_mask_that_shows_few_positions_gives_these_and_one_that_shows_none_gives_none() {
        let mut mask = Array2::zeros((9, 9));
        assert_eq!(positions(3, 1, 10, (9, 9), Some(&mask)), []);
        mask[[4, 5]] = 0.1;
        mask[[7, 1]] = f64::NAN;
        assert_eq!(positions(3, 1, 10, (9, 9), Some(&mask)), [(4, 5)]);
    }
}
