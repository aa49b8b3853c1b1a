//! The Gram matrix G of a layer's activations against that of the painting, A: which channels fire together, and how strongly.
//!
//! With m positions and N channels in the *generated* picture,
//!
//! > L = Σ (G − A)² / (4·N²·m²),  dL/dF = F (G − A) / (N²·m²).
//!
//! Gatys, Ecker and Bethge 2015, equations 4 to 6. A painting of another size has another m; its Gram matrix is scaled by
//! m of the generated picture over m of the painting, so that the loss compares means. Of several samples A is the mixture
//! of the means. With weights w of the positions, m = Σ w and G = Σ w·f·fᵀ, and each row of dL/dF is times its w.
//!
//! Good at: strokes and textures of any kind, and the classic look. It does not tell a few strong responses from many weak ones: that
//! is where its uneven contrasts come from.

use super::layer::Layer;
use crate::ops::Scalar;
use crate::ops::workspace::Workspace;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, Array3, Axis, Zip};

/// The Gram loss of one layer.
pub(super) struct Gram<T> {
    /// A / m of the painting: the mean over its positions, N×N.
    target: Array2<T>,
}

/// G − A, N×N: all that value and gradient need of the Gram matrices.
pub(super) struct Residual<T> {
    difference: Array2<T>,
    /// N·m of the generated picture.
    size: f64,
}

impl<T: Scalar> Gram<T> {
    pub fn new(channels: usize) -> Self {
        Self {
            target: Array2::zeros((channels, channels)),
        }
    }

    /// Adds a sample of this share to the target.
    pub fn add(&mut self, sample: Layer<T>, share: f64, workspace: &Workspace<T>) {
        let share = T::of(share / sample.mass);
        self.target += &(sample.gram(workspace) * share);
    }

    /// When all samples are there, whose shares have this sum.
    pub fn finish(&mut self, shares: f64) {
        self.target *= T::of(1.0 / shares);
    }

    pub fn residual(&self, layer: Layer<T>, workspace: &Workspace<T>) -> Residual<T> {
        let m = T::of(layer.mass);
        let mut difference = layer.gram(workspace);
        Zip::from(&mut difference)
            .and(&self.target)
            .par_for_each(|g, &a| *g -= m * a);
        Residual {
            difference,
            size: layer.channels() as f64 * layer.mass,
        }
    }
}

impl<T: Scalar> Residual<T> {
    /// L
    pub fn loss(&self) -> f64 {
        sum_squares(&self.difference, self.size) / 4.0
    }

    /// Adds `weight`·dL/dF to `df`.
    pub fn add_gradient(
        &self,
        layer: Layer<T>,
        weight: f64,
        df: &mut Array3<T>,
        workspace: &Workspace<T>,
    ) {
        // dL/dG = (G − A) / (2·N²·m²), of which the Gram matrix's backward pass makes 2 F dL/dG.
        let scale = T::of(weight / (2.0 * self.size * self.size));
        layer.add_gram_backward(&self.difference, scale, df, workspace);
    }
}

/// Σ (d / `size`)² over a matrix, in an order that is the same for any number of threads.
pub(super) fn sum_squares<T: Scalar>(differences: &Array2<T>, size: f64) -> f64 {
    let square = |&d: &T| (d.as_f64() / size).powi(2);
    let rows: Vec<f64> = (differences.axis_iter(Axis(0)).into_par_iter())
        .map(|row| row.iter().map(square).sum())
        .collect();
    rows.iter().sum()
}
