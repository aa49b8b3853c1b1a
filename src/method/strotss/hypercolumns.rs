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
use crate::parallel::for_each;
use ndarray::{Array3, ArrayView2, s};

/// From units of 0..255 to 0..1.
const PIXEL_UNIT: f64 = 1.0 / 255.0;

/// From the activations of pixels of 0..255 less the mean to those of pixels with a standard deviation of 1.
const ACTIVATION_UNIT: f64 = 1.0 / 58.0;

/// What the elements of array number `k` are multiplied with.
fn unit(k: usize) -> f64 {
    if k == 0 { PIXEL_UNIT } else { ACTIVATION_UNIT }
}

/// The hypercolumns at some positions, which are read from one array after the other: first the picture, then the layers.
pub(super) struct Hypercolumns<'a, T: Scalar> {
    /// n×C, where C is the sum of the arrays' channels. The columns of arrays that were not read yet have any values.
    x: Loan<'a, T>,
    places: Places,
}

/// Where hypercolumns are read from.
struct Places {
    /// n of them.
    positions: Vec<(usize, usize)>,
    /// The picture's height and width.
    size: (usize, usize),
    /// The first column of each array that was read, and that of the next.
    first: Vec<usize>,
}

impl<'a, T: Scalar> Hypercolumns<'a, T> {
    /// Room for the hypercolumns at these `positions` of a picture of height and width `size`. `channels` is the sum over all arrays.
    pub fn new(
        positions: Vec<(usize, usize)>,
        size: (usize, usize),
        channels: usize,
        products: &'a dyn Products<T>,
    ) -> Self {
        Self {
            x: Loan::new(products.matrix((positions.len(), channels)), products),
            places: Places {
                positions,
                size,
                first: vec![0],
            },
        }
    }

    /// Reads the next array; `value` converts its elements. The first is the picture, less the `mean` of its three channels.
    ///
    /// # Panics
    /// If the first does not have the picture's size and three channels, the array is empty, or all have more channels than was said.
    pub fn read<S: Copy + Sync>(
        &mut self,
        f: &Array3<S>,
        value: impl Fn(S) -> T + Sync,
        mean: [f64; 3],
    ) {
        let Places {
            positions,
            size,
            first,
        } = &mut self.places;
        let (k, start) = (first.len() - 1, first[first.len() - 1]);
        let (h, w, channels) = f.dim();
        assert!(
            k > 0 || (h, w, channels) == (size.0, size.1, mean.len()),
            "the first array is the picture"
        );
        first.push(start + channels);
        let total = self.x.ncols();
        assert!(start + channels <= total, "as many channels as was said");
        let unit = T::of(unit(k));
        let rows = self.x.as_slice_mut().expect("it is in standard layout");
        let rows = rows.chunks_exact_mut(total).zip(&*positions);
        for_each(rows, |(x, &at)| {
            let part = &mut x[start..][..channels];
            part.fill(T::zero());
            for (p, a) in on_axis(at.0, size.0, h).shares() {
                for (q, b) in on_axis(at.1, size.1, w).shares() {
                    let share = unit * a * b;
                    let f = &elements(f)[(p * w + q) * channels..][..channels];
                    let pairs = part.iter_mut().zip(f);
                    pairs.for_each(|(x, &f)| *x += share * value(f));
                }
            }
            if k == 0 {
                let mean = mean.map(|m| T::of(PIXEL_UNIT * m));
                part.iter_mut().zip(mean).for_each(|(x, mean)| *x += mean);
            }
        });
    }

    /// All of them, n×C.
    ///
    /// # Panics
    /// If an array was not read.
    pub fn vectors(&self) -> ArrayView2<'_, T> {
        let read = self.places.first.last();
        assert_eq!(read, Some(&self.x.ncols()), "every array is read");
        self.x.view()
    }

    /// The way back of their gradient `dx` (n×C).
    pub fn back(self, dx: Loan<'a, T>) -> Scatter<'a, T> {
        Scatter {
            dx,
            places: self.places,
        }
    }
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
    let rows = elements_mut(df).chunks_mut((w * channels).max(1));
    for_each(rows.zip(contributions), |(df, contributions)| {
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
    dx: Loan<'a, T>,
    places: Places,
}

impl<T: Scalar> JointBackward<T> for Scatter<'_, T> {
    fn add_gradient(&self, k: usize, weight: f64, df: &mut Array3<T>) {
        let Places {
            positions,
            size,
            first,
        } = &self.places;
        let dx = self.dx.slice(s![.., first[k]..first[k + 1]]);
        add_backward(dx, positions, *size, k, weight, df);
    }
}
