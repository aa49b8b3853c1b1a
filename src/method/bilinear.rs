//! Bilinear interpolation: an array at another height and width, and its adjoint.
//!
//! > y\[i, j\] = Σ a\[i, p\]·b\[j, q\]·x\[p, q\]
//!
//! where row i of a has at most two entries, which add up to 1: the output's position i lies at (i + ½)·H/h − ½ in the input, and
//! its two neighbors there count by their nearness. Positions beyond the first and the last are taken from these. (Like
//! `interpolate(…, mode='bilinear', align_corners=False)` of PyTorch.) It does not smooth before it reduces.
//!
//! It is linear in x, and its backward pass is its adjoint: dL/dx\[p, q\] = Σ a\[i, p\]·b\[j, q\]·dL/dy\[i, j\].

use super::scalar::{Scalar, elements, elements_mut};
use crate::parallel::for_each;
use ndarray::Array3;

/// The two neighbors of a position, and the share of the second.
#[derive(Clone, Copy, Debug)]
pub struct Neighbors<T> {
    /// The nearer to the beginning.
    pub first: usize,
    /// The next, or the same at the end.
    pub second: usize,
    /// Between 0 and 1.
    pub share: T,
}

impl<T: Scalar> Neighbors<T> {
    /// The neighbors of `position`, in units of samples, on an axis of this length. A position beyond an end is taken for the end.
    pub fn of(position: f64, length: usize) -> Self {
        let position = position.clamp(0.0, (length - 1) as f64);
        let first = position as usize;
        Self {
            first,
            second: (first + 1).min(length - 1),
            share: T::of(position - first as f64),
        }
    }

    /// Both neighbors with their shares.
    pub fn shares(self) -> [(usize, T); 2] {
        [
            (self.first, T::one() - self.share),
            (self.second, self.share),
        ]
    }
}

/// The neighbors of each of `to` positions on an axis of length `from`.
pub(super) fn axis<T: Scalar>(from: usize, to: usize) -> Vec<Neighbors<T>> {
    let step = from as f64 / to as f64;
    (0..to)
        .map(|i| Neighbors::of((i as f64 + 0.5) * step - 0.5, from))
        .collect()
}

/// y (h×w×C) of `x` (H×W×C).
///
/// # Panics
/// If a length is 0.
pub fn forward<T: Scalar>(x: &Array3<T>, (h, w): (usize, usize)) -> Array3<T> {
    let (height, width, channels) = x.dim();
    if (height, width) == (h, w) {
        return x.clone();
    }
    let (rows, columns) = (axis::<T>(height, h), axis::<T>(width, w));
    let x = elements(x);
    let mut y = Array3::zeros((h, w, channels));
    let rows = elements_mut(&mut y).chunks_mut(w * channels).zip(rows);
    for_each(rows, |(y, row)| {
        for (y, column) in y.chunks_exact_mut(channels).zip(&columns) {
            for (p, a) in row.shares() {
                for (q, b) in column.shares() {
                    let x = &x[(p * width + q) * channels..][..channels];
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y += a * b * x);
                }
            }
        }
    });
    y
}

/// dL/dx (H×W×C) of `dy` = dL/dy (h×w×C).
///
/// # Panics
/// If a length is 0.
pub fn backward<T: Scalar>(dy: &Array3<T>, (height, width): (usize, usize)) -> Array3<T> {
    let (h, w, channels) = dy.dim();
    if (height, width) == (h, w) {
        return dy.clone();
    }
    let (rows, columns) = (axis::<T>(height, h), axis::<T>(width, w));
    // The rows of y that each row of x contributes to, with their shares.
    let mut contributions = vec![Vec::new(); height];
    for (i, row) in rows.into_iter().enumerate() {
        for (p, a) in row.shares() {
            contributions[p].push((i, a));
        }
    }
    let dy = elements(dy);
    let mut dx = Array3::zeros((height, width, channels));
    let rows = elements_mut(&mut dx).chunks_mut(width * channels);
    for_each(rows.zip(contributions), |(dx, contributions)| {
        for (i, a) in contributions {
            let dy = dy[i * w * channels..][..w * channels].chunks_exact(channels);
            for (dy, column) in dy.zip(&columns) {
                for (q, b) in column.shares() {
                    let dx = &mut dx[q * channels..][..channels];
                    dx.iter_mut()
                        .zip(dy)
                        .for_each(|(dx, &dy)| *dx += a * b * dy);
                }
            }
        }
    });
    dx
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_stays_a_ramp_and_its_ends_are_repeated() {
        let ramp = Array3::from_shape_fn((1, 4, 1), |(_, j, _)| j as f64);
        let twice = forward(&ramp, (1, 8));
        let expected = [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0];
        assert!(
            twice
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-15)
        );
        // The middle of each pair.
        assert_eq!(forward(&ramp, (1, 2)).as_slice(), Some(&[0.5, 2.5][..]));
    }
}
