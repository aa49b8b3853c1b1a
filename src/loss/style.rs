//! The style loss: the Gram matrix G of a layer's activations against that of the painting, A.
//!
//! With M positions and N channels in the *generated* picture,
//!
//! > L = Σ (G − A)² / (4·N²·M²),  dL/dF = F (G − A) / (N²·M²).
//!
//! Gatys, Ecker and Bethge 2015, equations 4 to 6. A painting of another size has another M; its Gram matrix is scaled by
//! M of the generated picture over M of the painting, so that the loss compares means.

use crate::ops::workspace::Workspace;
use crate::ops::{Scalar, gram};
use ndarray::parallel::prelude::*;
use ndarray::{Array2, Array3, Axis, Zip};

/// The style loss of one layer.
pub struct StyleLoss<T> {
    /// A / M of the painting: the mean over its positions, N×N.
    target: Array2<T>,
}

/// G − A of one picture, N×N: all that value and gradient need of the Gram matrices.
pub struct Residual<T> {
    difference: Array2<T>,
    /// N·M of the generated picture.
    size: f64,
}

impl<T: Scalar> Residual<T> {
    /// L = Σ (G − A)² / (4·N²·M²).
    pub fn loss(&self) -> f64 {
        let square = |&d: &T| (d.as_f64() / self.size).powi(2);
        let rows: Vec<f64> = (self.difference.axis_iter(Axis(0)).into_par_iter())
            .map(|row| row.iter().map(square).sum())
            .collect();
        rows.iter().sum::<f64>() / 4.0
    }
}

impl<T: Scalar> StyleLoss<T> {
    /// The loss that is 0 where a layer's mean Gram matrix equals that of the painting's activations `style` (H×W×N, of any
    /// height and width).
    pub fn new(style: &Array3<T>, workspace: &Workspace<T>) -> Self {
        let share = T::of(1.0 / positions(style));
        Self {
            target: gram::forward(style, workspace) * share,
        }
    }

    /// G − A of the activations `f` (H×W×N).
    ///
    /// # Panics
    /// If they do not have the painting's number of channels.
    pub fn residual(&self, f: &Array3<T>, workspace: &Workspace<T>) -> Residual<T> {
        let m = T::of(positions(f));
        let mut difference = gram::forward(f, workspace);
        Zip::from(&mut difference)
            .and(&self.target)
            .par_for_each(|g, &a| *g -= m * a);
        Residual {
            difference,
            size: f.len() as f64,
        }
    }

    /// Adds `weight`·dL/dF to `df` (H×W×N), given `residual` = G − A of the same `f`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn add_gradient(
        &self,
        f: &Array3<T>,
        residual: &Residual<T>,
        weight: f64,
        df: &mut Array3<T>,
        workspace: &Workspace<T>,
    ) {
        // dL/dG = (G − A) / (2·N²·M²), of which the Gram matrix's backward pass makes 2 F dL/dG.
        let scale = T::of(weight / (2.0 * residual.size * residual.size));
        gram::add_backward(f, &residual.difference, scale, df, workspace);
    }
}

/// M = H·W.
fn positions<T>(activations: &Array3<T>) -> f64 {
    let (height, width, _) = activations.dim();
    (height * width) as f64
}
