//! Total variation: how much neighboring pixels differ. A small weight of it reduces the noise that the other losses leave.
//!
//! > L = ½ Σ (x\[i, j+1\] − x\[i, j\])² + ½ Σ (x\[i+1, j\] − x\[i, j\])² + δ·½ Σ (x\[i+1, j±1\] − x\[i, j\])²
//!
//! over each channel and all pairs of neighbors inside the picture. With circular padding the last and the first of each row
//! and column are neighbors too. A pair with difference d adds −d to the gradient of its first pixel and +d to that of its
//! second. (Mahendran and Vedaldi 2015, with β = 2, up to the factor.) With diagonal neighbors, δ > 0, it smooths more evenly in all
//! directions; δ = ¼ is the nine-point stencil of K. Crowson's style-transfer-pytorch.

use super::Padding;
use super::loss::{Loss, Products};
use super::scalar::{Scalar, elements, elements_mut};
use crate::parallel::{for_each, map};
use ndarray::Array3;
use std::ops::Range;

/// The total variation of a picture (H×W×C).
#[derive(Clone, Copy, Debug, Default)]
pub struct TotalVariation {
    /// How the picture continues beyond its edges.
    pub padding: Padding,
    /// δ: how much diagonal neighbors count.
    pub diagonals: f64,
}

/// The neighbors of a pixel, as steps down and to the right: those that come after it in memory order, and whether they are diagonal.
const NEXT: [(isize, isize, bool); 4] = [(0, 1, false), (1, 0, false), (1, -1, true), (1, 1, true)];

impl TotalVariation {
    /// Without diagonals.
    pub fn new(padding: Padding) -> Self {
        Self {
            padding,
            diagonals: 0.0,
        }
    }

    /// The steps to all neighbors that count, each with its weight: to the next ones, and with `back` to those before as well.
    fn steps(self, back: bool) -> Vec<(isize, isize, f64)> {
        let signs = if back { &[1, -1][..] } else { &[1] };
        let weight = |diagonal| if diagonal { self.diagonals } else { 1.0 };
        (NEXT.iter())
            .flat_map(|&(i, j, diagonal)| {
                signs.iter().map(move |s| (s * i, s * j, weight(diagonal)))
            })
            .filter(|&(_, _, weight)| weight > 0.0)
            .collect()
    }

    /// Calls `visit(a, b, weight)` with stretches of row `i` of `x` and their neighbors in the directions of `steps`; `a` is a range of
    /// the row.
    fn for_each_stretch<T>(
        self,
        x: &Rows<T>,
        i: usize,
        steps: &[(isize, isize, f64)],
        mut visit: impl FnMut(Range<usize>, &[T], f64),
    ) {
        let (height, width, channels) = x.shape;
        let neighbor = |padding: Padding, at: usize, step: isize, length: usize| {
            let from_minus_one = (at + 1).checked_add_signed(step)?;
            padding.position(from_minus_one, length)
        };
        for &(down, right, weight) in steps {
            let Some(row) = neighbor(x.padding, i, down, height) else {
                continue;
            };
            let row = x.row(row);
            // All pixels whose neighbor does not lie across an edge, and then the one whose neighbor does.
            let inside = (-right).max(0) as usize..width - right.max(0) as usize;
            if !inside.is_empty() {
                let first = (inside.start as isize + right) as usize * channels;
                let length = inside.len() * channels;
                let at = inside.start * channels..inside.end * channels;
                visit(at, &row[first..first + length], weight);
            }
            let edge = match right {
                0 => continue,
                1 => width - 1,
                _ => 0,
            };
            if let Some(across) = neighbor(self.padding, edge, right, width) {
                let at = edge * channels..(edge + 1) * channels;
                visit(at, &row[across * channels..][..channels], weight);
            }
        }
    }
}

/// Rows of a picture, H×W×C.
struct Rows<'a, T> {
    elements: &'a [T],
    shape: (usize, usize, usize),
    /// How they continue at the top and the bottom.
    padding: Padding,
}

impl<T> Rows<'_, T> {
    fn row(&self, i: usize) -> &[T] {
        let length = self.shape.1 * self.shape.2;
        &self.elements[i * length..][..length]
    }
}

impl TotalVariation {
    /// The part of L of the `own` rows of a part of a picture, whole rows `x` (H×W×C), and adds `weight`·dL/dx of these rows to `dx`. The
    /// part has the rows above and below its own, if there are such. Each pair of neighbors counts where its upper or left pixel is.
    ///
    /// # Panics
    /// If `dx` does not have the shape of the own rows.
    pub(crate) fn add_gradient_of_rows<T: Scalar>(
        self,
        x: &Array3<T>,
        own: Range<usize>,
        weight: f64,
        dx: &mut Array3<T>,
    ) -> f64 {
        let rows = Rows {
            elements: elements(x),
            shape: x.dim(),
            padding: Padding::Zero,
        };
        self.add_gradient_of(&rows, own, weight, dx)
    }

    fn add_gradient_of<T: Scalar>(
        self,
        x: &Rows<T>,
        own: Range<usize>,
        weight: f64,
        dx: &mut Array3<T>,
    ) -> f64 {
        let (_, width, channels) = x.shape;
        let shape = (own.len(), width, channels);
        assert_eq!(dx.dim(), shape, "x and dx must have one shape");
        // ANCHOR: gradient
        let steps = self.steps(true);
        let rows = elements_mut(dx).chunks_mut(width * channels);
        for_each(rows.zip(own.clone()), |(dx, i)| {
            let here = x.row(i);
            self.for_each_stretch(x, i, &steps, |at, there, share| {
                let weight = T::of(weight * share);
                let here = here[at.clone()].iter().zip(there);
                let pairs = dx[at].iter_mut().zip(here);
                pairs.for_each(|(dx, (&a, &b))| *dx += weight * (a - b));
            });
        });
        // ANCHOR_END: gradient
        let steps = self.steps(false);
        let sums = map(own, |i| {
            let here = x.row(i);
            let mut sum = 0.0;
            self.for_each_stretch(x, i, &steps, |at, there, share| {
                let pairs = here[at].iter().zip(there);
                let square = |(&a, &b): (&T, &T)| (a.as_f64() - b.as_f64()).powi(2);
                sum += share * pairs.map(square).sum::<f64>();
            });
            sum
        });
        0.5 * sums.iter().sum::<f64>()
    }
}

impl<T: Scalar> Loss<T> for TotalVariation {
    fn add_gradient(
        &self,
        x: &Array3<T>,
        weight: f64,
        dx: &mut Array3<T>,
        _: &dyn Products<T>,
    ) -> f64 {
        assert_eq!(x.dim(), dx.dim(), "x and dx must have one shape");
        let rows = Rows {
            elements: elements(x),
            shape: x.dim(),
            padding: self.padding,
        };
        self.add_gradient_of(&rows, 0..x.dim().0, weight, dx)
    }
}
