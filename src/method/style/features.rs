//! The activations of a layer as a distribution of N-vectors: each position is a vector, and counts as much as its weight says.

use super::Positions;
use crate::method::Scalar;
use crate::method::loss::Products;
use crate::method::scalar::{elements, elements_mut};
use crate::parallel::{for_each, map};
use ndarray::{Array1, Array2, Array3, Axis};
use std::borrow::Cow;

/// Positions that one parallel task takes.
const CHUNK: usize = 1024;

/// Activations F (H×W×N) and the weights w of their positions.
#[derive(Clone, Copy)]
pub struct Features<'a, T> {
    /// H×W×N.
    pub(super) f: &'a Array3<T>,
    /// H·W numbers, at least 0 each; without them all are 1.
    pub(super) weights: Option<&'a [T]>,
    /// m, the sum of the weights.
    pub(super) total_weight: f64,
}

impl<'a, T: Scalar> Features<'a, T> {
    /// The activations `f` (H×W×N), each position weighted by a `mask` (H×W), if there is one.
    ///
    /// # Panics
    /// If the mask has another height or width.
    pub fn new(f: &'a Array3<T>, mask: Option<&'a Array2<T>>) -> Self {
        let (height, width, _) = f.dim();
        let weights = mask.map(|mask| {
            assert_eq!(mask.dim(), (height, width), "a mask has its layer's size");
            mask.as_slice().expect("masks are in standard layout")
        });
        let total_weight = weights.map_or((height * width) as f64, |weights| {
            weights.iter().map(|w| w.as_f64()).sum()
        });
        Self {
            f,
            weights,
            total_weight,
        }
    }

    /// N
    pub fn channels(&self) -> usize {
        self.f.dim().2
    }

    /// M = H·W
    pub fn positions(&self) -> usize {
        self.f.dim().0 * self.f.dim().1
    }

    /// The weight of a position.
    pub(super) fn weight(&self, position: usize) -> T {
        self.weights.map_or(T::one(), |weights| weights[position])
    }

    /// Σ w·f over the positions, N.
    pub(super) fn sum(&self) -> Array1<f64> {
        let channels = self.channels();
        let chunks = elements(self.f).chunks(CHUNK * channels).enumerate();
        let sums = map(chunks, |(chunk, f)| {
            let mut sums = vec![0.0; channels];
            for (at, f) in (chunk * CHUNK..).zip(f.chunks_exact(channels)) {
                let w = self.weight(at).as_f64();
                let pairs = sums.iter_mut().zip(f);
                pairs.for_each(|(sum, f)| *sum += w * f.as_f64());
            }
            sums
        });
        // Added in the order of the chunks, whichever thread computed them.
        let mut all = Array1::zeros(channels);
        for sums in sums {
            all += &Array1::from(sums);
        }
        all
    }

    // ANCHOR: weighted
    /// Σ w·f·fᵀ over the positions, N×N: the Gram matrix of √w·F.
    pub(super) fn gram(&self, products: &dyn Products<T>) -> Array2<T> {
        let f = self.scaled(T::sqrt, products);
        let g = products.gram(&f);
        products.recycle_copy(f);
        g
    }
    // ANCHOR_END: weighted

    /// Adds 2·`scale`·w·F·`dg` to `df`, for a symmetric `dg` = dL/dG with G as [`gram`](Self::gram) computes it.
    pub(super) fn add_gram_backward(
        &self,
        dg: &Array2<T>,
        scale: T,
        df: &mut Array3<T>,
        products: &dyn Products<T>,
    ) {
        let f = self.scaled(|w| w, products);
        products.add_gram_backward(&f, dg, scale, df);
        products.recycle_copy(f);
    }

    /// Each position multiplied by √w, and √w.
    pub(super) fn scaled_positions(&self, products: &dyn Products<T>) -> Positions<T> {
        let (height, width, _) = self.f.dim();
        let root = |(i, j)| self.weight(i * width + j).sqrt();
        let scaled = match self.scaled(T::sqrt, products) {
            Cow::Owned(scaled) => scaled,
            Cow::Borrowed(f) => {
                let mut copy = products.array(f.dim());
                copy.assign(f);
                copy
            }
        };
        Positions {
            scaled,
            root_weights: Array2::from_shape_fn((height, width), root),
        }
    }

    /// F with each position multiplied by `factor(w)`; F itself if there are no weights.
    fn scaled(
        &self,
        factor: impl Fn(T) -> T + Sync,
        products: &dyn Products<T>,
    ) -> Cow<'a, Array3<T>> {
        let Some(weights) = self.weights else {
            return Cow::Borrowed(self.f);
        };
        let (_, width, channels) = self.f.dim();
        let mut scaled = products.array(self.f.dim());
        let rows = (elements_mut(&mut scaled).chunks_mut(width * channels))
            .zip(elements(self.f).chunks(width * channels))
            .zip(weights.chunks(width));
        for_each(rows, |((scaled, f), weights)| {
            let rows = scaled.chunks_exact_mut(channels);
            for ((scaled, f), &weight) in rows.zip(f.chunks_exact(channels)).zip(weights) {
                let factor = factor(weight);
                scaled.iter_mut().zip(f).for_each(|(s, &f)| *s = factor * f);
            }
        });
        Cow::Owned(scaled)
    }
}

/// Multiplies each position of `f` (H×W×N) by its weight in `mask` (H×W).
///
/// # Panics
/// If the mask has another height or width.
pub(super) fn weight_positions<T: Scalar>(f: &mut Array3<T>, mask: &Array2<T>) {
    assert_eq!(
        (f.dim().0, f.dim().1),
        mask.dim(),
        "the mask must have the layer's height and width"
    );
    let rows = f.outer_iter_mut().zip(mask.outer_iter());
    for_each(rows, |(mut f, mask)| {
        for (mut f, &w) in f.outer_iter_mut().zip(mask) {
            f *= w;
        }
    });
}

/// Adds w·`vector` (N) to each position of `df` (H×W×N), with the weights of a `mask` (H×W) if there is one: the backward pass of
/// [`Features::sum`].
pub(super) fn add_to_each<T: Scalar>(vector: &[T], mask: Option<&[T]>, df: &mut Array3<T>) {
    let channels = vector.len();
    let chunks = elements_mut(df).chunks_mut(CHUNK * channels).enumerate();
    for_each(chunks, |(chunk, df)| {
        for (at, df) in (chunk * CHUNK..).zip(df.chunks_exact_mut(channels)) {
            let w = mask.map_or(T::one(), |mask| mask[at]);
            let pairs = df.iter_mut().zip(vector);
            pairs.for_each(|(df, &v)| *df += w * v);
        }
    });
}

/// Adds `factor`·√w·`gradient` to `df`, both H×W×N: the backward pass of [`Features::scaled_positions`], of few positions.
pub(super) fn add_scaled<T: Scalar>(
    gradient: &Array3<T>,
    weights: Option<&[T]>,
    factor: T,
    df: &mut Array3<T>,
) {
    let lanes = df.lanes_mut(Axis(2)).into_iter();
    for (at, (mut df, gradient)) in lanes.zip(gradient.lanes(Axis(2))).enumerate() {
        let scale = factor * weights.map_or(T::one(), |weights| weights[at].sqrt());
        df.scaled_add(scale, &gradient);
    }
}
