//! A layer's activations, of which each position counts so much.

use crate::ops::workspace::Workspace;
use crate::ops::{Scalar, elements, elements_mut, gram};
use ndarray::{Array2, Array3};
use rayon::prelude::*;
use std::borrow::Cow;

/// Activations (H×W×N) with weights (H×W).
#[derive(Clone, Copy)]
pub(super) struct Layer<'a, T> {
    pub f: &'a Array3<T>,
    /// If there are none, all are 1.
    pub weights: Option<&'a [T]>,
    /// m, the sum of the weights.
    pub mass: f64,
}

impl<'a, T: Scalar> Layer<'a, T> {
    /// Panics if the mask has another height or width.
    pub fn new(f: &'a Array3<T>, mask: Option<&'a Array2<T>>) -> Self {
        let (height, width, _) = f.dim();
        let weights = mask.map(|mask| {
            assert_eq!(mask.dim(), (height, width), "a mask has its layer's size");
            mask.as_slice().expect("masks are in standard layout")
        });
        let mass = weights.map_or((height * width) as f64, |weights| {
            weights.iter().map(|w| w.as_f64()).sum()
        });
        Self { f, weights, mass }
    }

    /// N
    pub fn channels(&self) -> usize {
        self.f.dim().2
    }

    /// M
    pub fn positions(&self) -> usize {
        self.f.dim().0 * self.f.dim().1
    }

    /// Σ w·f·fᵀ over the positions, N×N: the Gram matrix of √w·F.
    pub fn gram(&self, workspace: &Workspace<T>) -> Array2<T> {
        let f = self.scaled(T::sqrt, workspace);
        let g = gram::forward(&f, workspace);
        recycle(f, workspace);
        g
    }

    /// Adds 2·`scale`·w·F·`dg` to `df`, for `dg` = dL/dG of that matrix, symmetric.
    pub fn add_gram_backward(
        &self,
        dg: &Array2<T>,
        scale: T,
        df: &mut Array3<T>,
        workspace: &Workspace<T>,
    ) {
        let f = self.scaled(|w| w, workspace);
        gram::add_backward(&f, dg, scale, df, workspace);
        recycle(f, workspace);
    }

    /// F, each position times `factor` of its weight; F itself if there are no weights.
    fn scaled(
        &self,
        factor: impl Fn(T) -> T + Sync,
        workspace: &Workspace<T>,
    ) -> Cow<'a, Array3<T>> {
        let Some(weights) = self.weights else {
            return Cow::Borrowed(self.f);
        };
        let (_, width, channels) = self.f.dim();
        let mut scaled = workspace.array(self.f.dim());
        (elements_mut(&mut scaled).par_chunks_mut(width * channels))
            .zip(elements(self.f).par_chunks(width * channels))
            .zip(weights.par_chunks(width))
            .for_each(|((scaled, f), weights)| {
                let positions = scaled
                    .chunks_exact_mut(channels)
                    .zip(f.chunks_exact(channels));
                for ((scaled, f), &weight) in positions.zip(weights) {
                    let factor = factor(weight);
                    scaled.iter_mut().zip(f).for_each(|(s, &f)| *s = factor * f);
                }
            });
        Cow::Owned(scaled)
    }
}

/// Takes back what [`Layer::scaled`] made.
fn recycle<T: Scalar>(scaled: Cow<Array3<T>>, workspace: &Workspace<T>) {
    if let Cow::Owned(scaled) = scaled {
        workspace.recycle(scaled);
    }
}
