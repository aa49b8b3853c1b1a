//! Whole distributions, compared along directions: the cost of moving the projected activations onto the painting's.
//!
//! > L = (s/K) Σ W²(k),  dL/df = (s/K) Σ (dW²(k)/dp)·dₖ
//!
//! over K = N orthonormal directions dₖ, where W²(k) is the cost of [`transport`] between the projections p = dₖ·f of the two pictures'
//! positions.
//! s = ‖μ′‖²/(2N) is a constant of the painting, of its mean activation μ′. W² grows with the square of the activations and the Gram
//! loss with their fourth power, and activations differ by orders of magnitude from layer to layer. If the mean moves by a small δ
//! orthogonal to it and nothing else changes, both losses are s·‖δ‖²/N, so that the same layer weights serve both. A mixture of
//! paintings has the mixture of their distributions.
//!
//! Along a random orthonormal basis this is the **sliced** loss (Heitz, Vanhoey, Chambon and Belcour 2021, A Sliced Wasserstein Loss
//! for Neural Texture Synthesis, equations 3 to 5). The paper draws new directions at each step; here they are fixed, so that the
//! loss is a function, which L-BFGS can minimize. Good at the painting's own colors and contrasts, in their right amounts.
//!
//! Along the axes it compares each channel's **histogram** (Risser, Wilmot and Barnes 2017, Stable and Controllable Neural Texture
//! Synthesis, section 4), and is added to the Gram loss. Good at what the Gram loss cannot do: contrasts that are even all over,
//! with the same strokes.

use super::projection::{self, Directions};
use super::transport::{Masses, quantiles, transport};
use super::{Features, StyleLoss, with_painting};
use crate::method::Scalar;
use crate::method::loss::Products;
use crate::parallel::{map, map_with};
use ndarray::{Array2, Array3, ArrayView1, Axis};

/// The most steps of a painting's quantile functions. With more positions each step is the mean of several neighboring values,
/// which makes no visible difference, and limits the memory that a painting needs.
const MAX_STEPS: usize = 1 << 14;

/// The loss of one layer.
pub struct SlicedLoss<T> {
    directions: Directions<T>,
    /// Each painting's quantile functions, one in each of K rows, and its share; until all are there.
    paintings: Vec<(Array2<T>, f64)>,
    /// The quantile functions of the mixture, one in each of K rows.
    target: Array2<T>,
    /// s/K
    scale: f64,
}

impl<T: Scalar> SlicedLoss<T> {
    /// The loss that is 0 where activations, seen along the `directions`, are distributed as the `painting`'s (H×W×N, of any size).
    /// The directions are N, and orthonormal.
    ///
    /// # Panics
    /// If the directions do not have N columns.
    pub fn new(painting: &Array3<T>, directions: Directions<T>) -> Self {
        with_painting(Self::along(directions), painting)
    }

    pub(super) fn along(directions: Directions<T>) -> Self {
        Self {
            directions,
            paintings: Vec::new(),
            target: Array2::zeros((0, 0)),
            scale: 0.0,
        }
    }

    /// The projections, K×M.
    fn project(&self, features: Features<T>, products: &dyn Products<T>) -> Array2<T> {
        let count = self.directions.count(features.channels());
        let p = products.array((1, count, features.positions()));
        let mut p = p.index_axis_move(Axis(0), 0);
        projection::forward(features.f, &self.directions, p.view_mut());
        p
    }
}

impl<T: Scalar> StyleLoss<T> for SlicedLoss<T> {
    fn add_painting(&mut self, painting: Features<T>, share: f64, products: &dyn Products<T>) {
        let projected = self.project(painting, products);
        let visible = |weights: &[T]| weights.iter().filter(|&&w| w > T::zero()).count();
        let steps = painting.weights.map_or(painting.positions(), visible);
        let rows: Vec<_> = projected.rows().into_iter().map(contiguous).collect();
        let quantiles = quantiles_of_rows(&rows, masses(painting), steps.min(MAX_STEPS));
        self.paintings.push((quantiles, share));
        products.recycle(projected.insert_axis(Axis(0)));
    }

    fn finish(&mut self, _: f64, _: &dyn Products<T>) {
        let mut paintings = std::mem::take(&mut self.paintings);
        self.target = if paintings.len() == 1 {
            paintings.remove(0).0
        } else {
            mixture(&paintings)
        };
        let steps = self.target.ncols() as f64;
        let mean = |row: ArrayView1<T>| row.iter().map(|q| q.as_f64()).sum::<f64>() / steps;
        let rows = self.target.rows().into_iter();
        let square: f64 = rows.map(|row| mean(row).powi(2)).sum();
        self.scale = square / 2.0 / (self.target.nrows() as f64).powi(2);
    }

    fn add_weighted_gradient(
        &self,
        features: Features<T>,
        weight: f64,
        df: &mut Array3<T>,
        products: &dyn Products<T>,
    ) -> f64 {
        // The projections, which `transport` replaces by ½·dW²/dp.
        let mut p = self.project(features, products);
        let positions = features.positions();
        let rows = p.as_slice_mut().expect("in standard layout");
        let rows = rows.chunks_exact_mut(positions).enumerate();
        let costs = map_with(rows, Vec::new, |sorted, (k, row)| {
            transport(
                row,
                masses(features),
                contiguous(self.target.row(k)),
                sorted,
            )
        });
        let scale = T::of(2.0 * self.scale * weight);
        projection::add_backward(p.view(), &self.directions, scale, df);
        products.recycle(p.insert_axis(Axis(0)));
        self.scale * costs.iter().sum::<f64>()
    }
}

fn contiguous<'a, T>(row: ArrayView1<'a, T>) -> &'a [T] {
    row.to_slice().expect("rows are in standard layout")
}

fn masses<'a, T: Scalar>(features: Features<'a, T>) -> Masses<'a, T> {
    Masses {
        weights: features.weights,
        total: features.total_weight,
    }
}

/// The quantile function of each row of values, in this many steps; all rows have the same masses.
fn quantiles_of_rows<T: Scalar>(rows: &[&[T]], masses: Masses<T>, steps: usize) -> Array2<T> {
    let elements = map(rows, |row| quantiles(row, masses, steps)).concat();
    Array2::from_shape_vec((rows.len(), steps), elements).expect("as many steps in each row")
}

/// The quantile functions of all paintings together. Their steps are taken for values, weighted by the paintings' shares.
fn mixture<T: Scalar>(paintings: &[(Array2<T>, f64)]) -> Array2<T> {
    let weights: Vec<T> = (paintings.iter())
        .flat_map(|(q, share)| vec![T::of(share / q.ncols() as f64); q.ncols()])
        .collect();
    let masses = Masses {
        weights: Some(&weights),
        total: weights.iter().map(|w| w.as_f64()).sum(),
    };
    let row = |k| paintings.iter().flat_map(move |(q, _)| q.row(k).to_vec());
    let rows: Vec<Vec<T>> = (0..paintings[0].0.nrows())
        .map(|k| row(k).collect())
        .collect();
    let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
    quantiles_of_rows(&rows, masses, weights.len().min(MAX_STEPS))
}
