//! Whole distributions: what it costs to carry the activations, projected on directions, over to where the painting's are.
//!
//! > L = (s/K) Σ W²(k),  dL/df = (s/K) Σ (dW²(k)/dp)·dₖ
//!
//! over K directions dₖ, where W²(k) is the cost of [`transport`] between the projections
//! p = dₖ·f of the two pictures' positions. s = ‖μ′‖²/2N is a constant, of the painting's mean activation μ′: W² grows with the
//! square of the activations and the Gram loss with their fourth power, and they differ by orders of magnitude from layer to layer.
//! If the mean moves, across itself, by a small δ and nothing else changes, both losses are s·‖δ‖²/N, so that the same weights serve.
//! Of several samples, what is matched is the mixture of their distributions.
//!
//! Along a random orthonormal basis this is the **sliced** loss (Heitz, Vanhoey, Chambon and Belcour 2021, A Sliced Wasserstein Loss
//! for Neural Texture Synthesis, equations 3 to 5, which draws new directions at each step; here they are fixed, so that the loss is a
//! function and L-BFGS can follow it). Good at: the painting's own colours and contrasts, in their right amounts.
//!
//! Along the axes it compares each channel's **histogram** (Risser, Wilmot and Barnes 2017, Stable and Controllable Neural Texture
//! Synthesis, section 4), which is added to the Gram loss. Good at: what Gram loses, contrasts that are even all over, with Gram's
//! strokes kept.

use super::layer::Layer;
use crate::ops::Scalar;
use crate::ops::project::{self, Directions};
use crate::ops::transport::{Masses, quantiles, transport};
use crate::ops::workspace::Workspace;
use ndarray::{Array2, Array3, ArrayView1, ArrayView2, ArrayViewMut2};
use rayon::prelude::*;

/// The most steps of a painting's staircase: beyond them each is the mean of several values next to each other, which nobody
/// sees, and which keeps what is remembered of a painting small.
const MOST_STEPS: usize = 1 << 14;

/// The loss of one layer.
pub(super) struct Transport<T> {
    directions: Directions<T>,
    /// Each sample's staircases, K of them, and its share, until all are there.
    samples: Vec<(Array2<T>, f64)>,
    /// Those of their mixture.
    target: Array2<T>,
    /// s/K
    scale: f64,
}

/// What value and gradient need.
pub(super) struct Residual<T> {
    /// ½·dW²/dp, K×M: the first elements of a buffer.
    pulls: Vec<T>,
    /// s/K·Σ W²
    loss: f64,
}

impl<T: Scalar> Transport<T> {
    pub fn new(directions: Directions<T>) -> Self {
        Self {
            directions,
            samples: Vec::new(),
            target: Array2::zeros((0, 0)),
            scale: 0.0,
        }
    }

    /// Adds a sample of this share to the target.
    pub fn add(&mut self, sample: Layer<T>, share: f64, workspace: &Workspace<T>) {
        let positions = sample.positions();
        let projected = self.project(sample, workspace);
        let count = self.directions.count(sample.channels());
        let rows = &projected[..count * positions];
        let rows: Vec<_> = rows.chunks_exact(positions).collect();
        let visible = |weights: &[T]| weights.iter().filter(|&&w| w > T::zero()).count();
        let steps = sample.weights.map_or(positions, visible).min(MOST_STEPS);
        let staircases = staircases(&rows, masses(sample), steps);
        self.samples.push((staircases, share));
        workspace.recycle_buffer(projected);
    }

    /// When all samples are there.
    pub fn finish(&mut self) {
        let mut samples = std::mem::take(&mut self.samples);
        self.target = if samples.len() == 1 {
            samples.remove(0).0
        } else {
            mixture(&samples)
        };
        let steps = self.target.ncols() as f64;
        let mean = |row: ArrayView1<T>| row.iter().map(|q| q.as_f64()).sum::<f64>() / steps;
        let square: f64 = self
            .target
            .rows()
            .into_iter()
            .map(|row| mean(row).powi(2))
            .sum();
        self.scale = square / 2.0 / (self.target.nrows() as f64).powi(2);
    }

    pub fn residual(&self, layer: Layer<T>, workspace: &Workspace<T>) -> Residual<T> {
        let positions = layer.positions();
        let mut pulls = self.project(layer, workspace);
        let rows = pulls[..self.target.nrows() * positions].par_chunks_exact_mut(positions);
        let costs: Vec<f64> = (rows.enumerate())
            .map_init(Vec::new, |sorted, (k, row)| {
                let target = self.target.row(k).to_slice().expect("in standard layout");
                transport(row, masses(layer), target, sorted)
            })
            .collect();
        Residual {
            pulls,
            loss: self.scale * costs.iter().sum::<f64>(),
        }
    }

    /// Adds `weight`·dL/dF to `df`.
    pub fn add_gradient(
        &self,
        layer: Layer<T>,
        residual: &Residual<T>,
        weight: f64,
        df: &mut Array3<T>,
    ) {
        let shape = (self.directions.count(layer.channels()), layer.positions());
        let pulls = ArrayView2::from_shape(shape, &residual.pulls[..shape.0 * shape.1]);
        let pulls = pulls.expect("the residual of these activations");
        let scale = T::of(2.0 * self.scale * weight);
        project::add_backward(pulls, &self.directions, scale, df);
    }

    /// The activations' projections, K×M: the first elements of a buffer.
    fn project(&self, layer: Layer<T>, workspace: &Workspace<T>) -> Vec<T> {
        let shape = (self.directions.count(layer.channels()), layer.positions());
        let mut buffer = workspace.buffer(shape.0 * shape.1);
        let p = ArrayViewMut2::from_shape(shape, &mut buffer[..shape.0 * shape.1]);
        let p = p.expect("it has this many elements");
        project::forward(layer.f, &self.directions, p);
        buffer
    }
}

impl<T: Scalar> Residual<T> {
    /// L
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// Leaves its memory to others.
    pub fn recycle(self, workspace: &Workspace<T>) {
        workspace.recycle_buffer(self.pulls);
    }
}

fn masses<'a, T: Scalar>(layer: Layer<'a, T>) -> Masses<'a, T> {
    Masses {
        weights: layer.weights,
        total: layer.mass,
    }
}

/// A staircase of so many steps for each row of values, all of which have the same masses.
fn staircases<T: Scalar>(rows: &[&[T]], masses: Masses<T>, steps: usize) -> Array2<T> {
    let staircases = rows
        .par_iter()
        .flat_map_iter(|row| quantiles(row, masses, steps));
    let elements = staircases.collect();
    Array2::from_shape_vec((rows.len(), steps), elements).expect("so many steps for each row")
}

/// The staircases of all samples together: their steps are so many values, which have the samples' shares.
fn mixture<T: Scalar>(samples: &[(Array2<T>, f64)]) -> Array2<T> {
    let weights: Vec<T> = (samples.iter())
        .flat_map(|(s, share)| vec![T::of(share / s.ncols() as f64); s.ncols()])
        .collect();
    let masses = Masses {
        weights: Some(&weights),
        total: weights.iter().map(|w| w.as_f64()).sum(),
    };
    let row = |k| samples.iter().flat_map(move |(s, _)| s.row(k).to_vec());
    let rows: Vec<Vec<T>> = (0..samples[0].0.nrows())
        .map(|k| row(k).collect())
        .collect();
    let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
    staircases(&rows, masses, weights.len().min(MOST_STEPS))
}
