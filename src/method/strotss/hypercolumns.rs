//! The hypercolumn of a position: its pixel and the activations of all layers there, one below the other.
//!
//! > x = ( (p + mean)/255, F₁/58, F₂/58, … )
//!
//! with the pixel p in units of 0..255 less the mean. Layers are smaller than the picture, and are read between their positions:
//! pixel i of H is at (i + ½)·h/H − ½ on an axis of length h. (The authors' program divides i by 2 for each pooling, which is up to
//! half a position of the layer beside it.) Reading F by bilinear interpolation with the shares a of its four neighbors is linear,
//! and the backward pass is its adjoint:
//!
//! > x = Σ a\[p, q\]·F\[p, q\]/58,  dL/dF\[p, q\] = Σ a\[p, q\]·(dL/dx)/58
//!
//! where the first sum goes over the neighbors, and the second over the positions that have \[p, q\] for a neighbor.

use crate::method::Scalar;
use crate::method::bilinear::Neighbors;
use crate::method::loss::{JointBackward, Loan, Products};
use crate::method::scalar::{elements, elements_mut};
use ndarray::{Array2, Array3, ArrayView2, s};
use rayon::prelude::*;

/// From units of 0..255 to 0..1.
const PIXEL_UNIT: f64 = 1.0 / 255.0;

/// From the activations of pixels of 0..255 less the mean to those of pixels with a standard deviation of 1.
const ACTIVATION_UNIT: f64 = 1.0 / 58.0;

/// What the elements of array number `k` are multiplied with.
fn unit(k: usize) -> f64 {
    if k == 0 { PIXEL_UNIT } else { ACTIVATION_UNIT }
}

/// The hypercolumns (n×C) at n `positions` of the picture. The first of the `arrays` is the picture, less the `mean` of its three
/// channels, and the others are layers; C is the sum of their channels.
///
/// # Panics
/// If there is no array, the first does not have three channels, an array is empty, or a position is outside the picture.
pub fn forward<T: Scalar>(
    arrays: &[&Array3<T>],
    positions: &[(usize, usize)],
    mean: [f64; 3],
    products: &dyn Products<T>,
) -> Array2<T> {
    let (height, width, channels) = arrays[0].dim();
    assert_eq!(channels, mean.len(), "the first array is a picture");
    let total = arrays.iter().map(|f| f.dim().2).sum();
    let mut x = products.zeros((positions.len(), total));
    let rows = x.as_slice_mut().expect("it is in standard layout");
    (rows.par_chunks_exact_mut(total))
        .zip(positions)
        .for_each(|(mut x, &at)| {
            for (k, f) in arrays.iter().enumerate() {
                let (h, w, channels) = f.dim();
                let (part, rest) = x.split_at_mut(channels);
                let unit = T::of(unit(k));
                for (p, a) in on_axis(at.0, height, h).shares() {
                    for (q, b) in on_axis(at.1, width, w).shares() {
                        let share = unit * a * b;
                        let f = &elements(f)[(p * w + q) * channels..][..channels];
                        part.iter_mut().zip(f).for_each(|(x, &f)| *x += share * f);
                    }
                }
                x = rest;
            }
        });
    let mean = mean.map(|m| T::of(PIXEL_UNIT * m));
    for mut x in x.rows_mut() {
        x.iter_mut().zip(mean).for_each(|(x, mean)| *x += mean);
    }
    x
}

/// Adds `weight`·dL/dF to `df` (h×w×N), the gradient of array number `k`, for `dx` (n×N): the columns of dL/dx that belong to that
/// array. The picture has height and width `size`.
///
/// # Panics
/// If the shapes do not fit.
pub fn add_backward<T: Scalar>(
    dx: ArrayView2<T>,
    positions: &[(usize, usize)],
    size: (usize, usize),
    k: usize,
    weight: f64,
    df: &mut Array3<T>,
) {
    let (h, w, channels) = df.dim();
    assert_eq!(
        dx.dim(),
        (positions.len(), channels),
        "columns of the array"
    );
    // The positions that each row of F contributes to, with their shares.
    let mut contributions = vec![Vec::new(); h];
    for (number, &at) in positions.iter().enumerate() {
        let columns = on_axis::<T>(at.1, size.1, w);
        for (p, a) in on_axis::<T>(at.0, size.0, h).shares() {
            contributions[p].push((number, a, columns));
        }
    }
    let unit = T::of(weight * unit(k));
    (elements_mut(df).par_chunks_mut((w * channels).max(1)))
        .zip(contributions)
        .for_each(|(df, contributions)| {
            for (number, a, columns) in contributions {
                let dx = dx.row(number);
                for (q, b) in columns.shares() {
                    let share = unit * a * b;
                    let df = &mut df[q * channels..][..channels];
                    df.iter_mut()
                        .zip(dx)
                        .for_each(|(df, &dx)| *df += share * dx);
                }
            }
        });
}

/// Where pixel `i` of `from` is on an axis of length `to`.
fn on_axis<T: Scalar>(i: usize, from: usize, to: usize) -> Neighbors<T> {
    Neighbors::of((i as f64 + 0.5) * (to as f64 / from as f64) - 0.5, to)
}

/// The gradient of the hypercolumns at some positions, on its way back to the arrays that they were read from.
pub(super) struct Scatter<'a, T: Scalar> {
    /// dL/dx, n×C.
    pub dx: Loan<'a, T>,
    /// n
    pub positions: Vec<(usize, usize)>,
    /// The picture's height and width.
    pub size: (usize, usize),
    /// The first column of each array.
    pub first: Vec<usize>,
}

impl<'a, T: Scalar> Scatter<'a, T> {
    pub fn new(dx: Loan<'a, T>, positions: Vec<(usize, usize)>, arrays: &[&Array3<T>]) -> Self {
        let (height, width, _) = arrays[0].dim();
        let first = arrays.iter().scan(0, |end, f| {
            let first = *end;
            *end += f.dim().2;
            Some(first)
        });
        Self {
            dx,
            positions,
            size: (height, width),
            first: first.collect(),
        }
    }
}

impl<T: Scalar> JointBackward<T> for Scatter<'_, T> {
    fn add_gradient(
        &self,
        k: usize,
        _: &Array3<T>,
        weight: f64,
        df: &mut Array3<T>,
        _: &dyn Products<T>,
    ) {
        let first = self.first[k];
        let dx = self.dx.slice(s![.., first..first + df.dim().2]);
        add_backward(dx, &self.positions, self.size, k, weight, df);
    }
}
