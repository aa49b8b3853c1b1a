//! The content loss: the activations F of a layer against those of the photograph, P.
//!
//! > L = Σ (F − P)² / (4·size of P),  dL/dF = (F − P) / (2·size of P).
//!
//! Gatys, Ecker and Bethge 2015, equation 1, has ½ Σ (F − P)²: the same up to the weight.

use crate::ops::{Scalar, sum_pairs};
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

    /// L of the activations `f` (H×W×C).
    ///
    /// # Panics
    /// If they do not have the target's shape.
    pub fn value(&self, f: &Array3<T>) -> f64 {
        sum_pairs(f, &self.target, |f, p| (f - p) * (f - p)) / (4.0 * self.target.len() as f64)
    }

    /// Adds `weight`·dL/dF to `df` (H×W×C).
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn add_gradient(&self, f: &Array3<T>, weight: f64, df: &mut Array3<T>) {
        let scale = T::of(weight / (2.0 * self.target.len() as f64));
        Zip::from(df)
            .and(f)
            .and(&self.target)
            .par_for_each(|df, &f, &p| *df += scale * (f - p));
    }
}
