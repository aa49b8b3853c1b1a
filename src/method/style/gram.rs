//! The style loss of Gatys, Ecker and Bethge (2015): the Gram matrix G of a layer's activations against that of the painting, A.
//!
//! With m positions and N channels in the *generated* picture,
//!
//! > L = Σ (G − A)² / (4·N²·m²),  dL/dF = F (G − A) / (N²·m²)
//!
//! (equations 4 to 6). A painting of another size has another m; its Gram matrix is scaled by m of the generated picture over m
//! of the painting, so that the loss compares means. A mixture of paintings has the mixture of their means. With weights w of
//! the positions, m = Σ w and G = Σ w·f·fᵀ, and each row of dL/dF is multiplied by its w.
//!
//! Good at strokes and textures of every kind: the classic look. It cannot tell a few strong responses from many weak ones,
//! which makes contrasts uneven.

use super::sums::{Needs, SecondGradient, SumLoss, Sums, SumsGradient};
use super::with_painting;
use crate::method::Scalar;
use crate::method::loss::Products;
use crate::method::scalar::sum_slices;
use crate::parallel::map;
use ndarray::{Array2, Array3, ArrayView1, Axis};

/// The Gram loss of one layer.
pub struct GramLoss<T> {
    /// A / m of the painting: the mean over its positions, N×N.
    target: Array2<T>,
}

impl<T: Scalar> GramLoss<T> {
    /// The loss that is 0 where activations have the mean Gram matrix of the `painting`'s (H×W×N, of any size).
    pub fn new(painting: &Array3<T>) -> Self {
        with_painting(Self::empty(painting.dim().2), painting)
    }

    pub(super) fn empty(channels: usize) -> Self {
        Self {
            target: Array2::zeros((channels, channels)),
        }
    }
}

impl<T: Scalar> SumLoss<T> for GramLoss<T> {
    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn add_sums(&mut self, painting: &Sums<T>, share: f64) {
        let share = T::of(share / painting.weight);
        self.target.scaled_add(share, painting.second.sum());
    }

    fn finish_sums(&mut self, shares: f64, _: &dyn Products<T>) {
        self.target *= T::of(1.0 / shares);
    }

    // ANCHOR: at
    fn at(&self, sums: Sums<T>, _: &dyn Products<T>) -> (f64, SumsGradient<T>) {
        let m = T::of(sums.weight);
        let mut difference = sums.second.into_sum();
        assert_eq!(
            difference.dim(),
            self.target.dim(),
            "the sums must have the channels of the target"
        );
        let size = difference.nrows() as f64 * sums.weight;
        let rows = difference.axis_iter_mut(Axis(0));
        let squares = map(rows.zip(self.target.axis_iter(Axis(0))), |(mut row, a)| {
            row.scaled_add(-m, &a);
            sum_row_squares(row.view())
        });
        let loss = squares.iter().sum::<f64>() / (4.0 * size * size);
        let gradient = SumsGradient {
            first: None,
            second: SecondGradient::Sum(difference),
            factor: 1.0 / (2.0 * size * size),
        };
        (loss, gradient)
    }
    // ANCHOR_END: at
}

/// Σ (d / `size`)² over a matrix, in an order that is the same for any number of threads.
pub(super) fn sum_squares<T: Scalar>(differences: &Array2<T>, size: f64) -> f64 {
    let squares = map(differences.axis_iter(Axis(0)), sum_row_squares);
    squares.iter().sum::<f64>() / (size * size)
}

fn sum_row_squares<T: Scalar>(row: ArrayView1<T>) -> f64 {
    let row = row.to_slice().expect("the matrix is in standard layout");
    sum_slices(row, row, |d, _| d * d)
}
