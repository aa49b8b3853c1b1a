//! The content loss: the activations F of a layer against those of the photograph, P.
//!
//! > L = Σ (F − P)² / (4·size of P),  dL/dF = (F − P) / (2·size of P).
//!
//! A deep layer knows what is where in a picture, and little of its exact pixels, colors and textures. Pictures that agree there show
//! the same things, and may still be painted differently.
//!
//! Gatys, Ecker and Bethge 2015, equation 1, has ½ Σ (F − P)²: the same up to the weight. A mean means the same at every size.

use super::loss::{Loss, Products};
use super::scalar::{Scalar, sum_slices};
use crate::parallel::map;
use ndarray::{Array3, ArrayView3, ArrayViewMut3, Axis};

/// The content loss of one layer.
pub struct ContentLoss<T> {
    /// P, H×W×C.
    target: Array3<T>,
}

impl<T: Scalar> ContentLoss<T> {
    /// The loss that is 0 where a layer's activations equal `target` (H×W×C).
    pub fn new(target: Array3<T>) -> Self {
        Self { target }
    }
}

/// Returns the part of L that activations `f` of some or all positions contribute, where `target` are the photograph's at these positions and
/// `size` is the number of all activations of the layer; adds `weight`·dL/dF to `df`. Parts of H×W×C; the channels of a row must be adjacent
/// in memory.
///
/// # Panics
/// If they are not, or the shapes differ.
// ANCHOR: gradient
pub(crate) fn add_gradient_of_part<T: Scalar>(
    f: ArrayView3<T>,
    target: ArrayView3<T>,
    size: usize,
    weight: f64,
    mut df: ArrayViewMut3<T>,
) -> f64 {
    assert!(f.dim() == target.dim() && f.dim() == df.dim(), "one shape");
    let size = size as f64;
    let scale = T::of(weight / (2.0 * size));
    let rows = df.axis_iter_mut(Axis(0));
    let rows = rows
        .zip(f.axis_iter(Axis(0)))
        .zip(target.axis_iter(Axis(0)));
    let squares = map(rows, |((mut df, f), p)| {
        let df = df.as_slice_mut().expect("a row is contiguous");
        let f = f.to_slice().expect("a row is contiguous");
        let p = p.to_slice().expect("a row is contiguous");
        for k in 0..df.len() {
            df[k] += scale * (f[k] - p[k]);
        }
        sum_slices(f, p, |f, p| (f - p) * (f - p))
    });
    squares.iter().sum::<f64>() / (4.0 * size)
}
// ANCHOR_END: gradient

impl<T: Scalar> Loss<T> for ContentLoss<T> {
    fn add_gradient(
        &self,
        f: &Array3<T>,
        weight: f64,
        df: &mut Array3<T>,
        _: &dyn Products<T>,
    ) -> f64 {
        let size = self.target.len();
        add_gradient_of_part(f.view(), self.target.view(), size, weight, df.view_mut())
    }
}
