//! Which positions count: masks as choices.
//!
//! A nearest neighbor is chosen or not, so that a weight cannot count by halves. A position of a painting may be chosen if its weight is
//! above ½; if no weight is, the heaviest position may. A position of the picture belongs to the region with the largest weight, and
//! to the first of these if several are equal. Masks may have any size; their weights are interpolated at the positions of a layer.

use crate::method::Scalar;
use crate::method::bilinear::Neighbors;
use ndarray::Array2;

/// A row and a column.
pub type Position = (usize, usize);

/// The weight of a position of an array of `size` (height, width). Without a mask it is 1.
fn weight<T: Scalar>(mask: Option<&Array2<T>>, (i, j): Position, (h, w): (usize, usize)) -> f64 {
    let Some(mask) = mask else { return 1.0 };
    let (height, width) = mask.dim();
    let neighbors = |i: usize, to: usize, from: usize| {
        Neighbors::<f64>::of((i as f64 + 0.5) * from as f64 / to as f64 - 0.5, from).shares()
    };
    let columns = neighbors(j, w, width);
    let mut sum = 0.0;
    for (p, a) in neighbors(i, h, height) {
        for (q, b) in columns {
            sum += a * b * mask[(p, q)].as_f64();
        }
    }
    sum
}

/// All positions of an array of this size, row by row.
pub fn all((h, w): (usize, usize)) -> impl Iterator<Item = Position> {
    (0..h).flat_map(move |i| (0..w).map(move |j| (i, j)))
}

/// The positions of a painting (`size`) that may be chosen, row by row. There are none only if all weights are 0.
pub fn visible<T: Scalar>(mask: Option<&Array2<T>>, size: (usize, usize)) -> Vec<Position> {
    let chosen: Vec<_> = all(size)
        .filter(|&at| weight(mask, at, size) > 0.5)
        .collect();
    if !chosen.is_empty() {
        return chosen;
    }
    let mut heaviest = (0.0, None);
    for at in all(size) {
        let weight = weight(mask, at, size);
        if weight > heaviest.0 {
            heaviest = (weight, Some(at));
        }
    }
    heaviest.1.into_iter().collect()
}

/// The number of the region that a position of the picture (`size`) belongs to. There is a mask, or none, for each region.
pub fn region<T: Scalar>(masks: &[Option<Array2<T>>], at: Position, size: (usize, usize)) -> usize {
    let mut largest = (f64::NEG_INFINITY, 0);
    for (number, mask) in masks.iter().enumerate() {
        let weight = weight(mask.as_ref(), at, size);
        if weight > largest.0 {
            largest = (weight, number);
        }
    }
    largest.1
}
