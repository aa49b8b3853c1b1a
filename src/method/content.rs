//! The content loss: the activations F of a layer against those of the photograph, P.
//!
//! > L = Σ (F − P)² / (4·size of P),  dL/dF = (F − P) / (2·size of P).
//!
//! A deep layer knows what is where in a picture, and little of its exact pixels, colors and textures. Pictures that agree there show
//! the same things, and may still be painted differently.
//!
//! Gatys, Ecker and Bethge 2015, equation 1, has ½ Σ (F − P)²: the same up to the weight. A mean means the same at every size.

use super::loss::{Loss, Products};
use super::scalar::{Scalar, sum_pairs};
use ndarray::{Array3, Zip};

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

impl<T: Scalar> Loss<T> for ContentLoss<T> {
    fn add_gradient(
        &self,
        f: &Array3<T>,
        weight: f64,
        df: &mut Array3<T>,
        _: &dyn Products<T>,
    ) -> f64 {
        let size = self.target.len() as f64;
        let scale = T::of(weight / (2.0 * size));
        Zip::from(df)
            .and(f)
            .and(&self.target)
            .par_for_each(|df, &f, &p| *df += scale * (f - p));
        sum_pairs(f, &self.target, |f, p| (f - p) * (f - p)) / (4.0 * size)
    }
}
