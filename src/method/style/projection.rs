//! Projections of activations on directions, P = D·Fᵀ.
//!
//! F is M×N as in [`gram`](crate::method::gram). D is K×N, with a direction of length 1 in each row. Each row of P is a list of
//! M numbers: all positions, seen along one direction. The projection is linear: dL/dF = (dL/dP)ᵀ·D.

use crate::method::Scalar;
use crate::method::gram::matrix;
use crate::method::scalar::elements_mut;
use crate::parallel::for_each;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayViewMut2, Axis};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

/// Positions that one parallel task projects: their part of P should fit into the cache.
const PROJECTION_CHUNK: usize = 512;

/// The seed of the random directions: they are always the same.
const SEED: u64 = 2021;

/// The directions D.
pub enum Directions<T> {
    /// The N channels themselves: P = Fᵀ.
    Axes,
    /// The rows of this K×N matrix.
    Given(Array2<T>),
}

impl<T: Scalar> Directions<T> {
    /// A random orthonormal basis of the N `channels`, the same each time: Gaussian vectors, orthogonalized by Gram and Schmidt's
    /// process, done twice against rounding.
    pub fn random_basis(channels: usize) -> Self {
        let mut noise = Pcg64Mcg::seed_from_u64(SEED);
        let mut basis: Array2<f64> = Array2::zeros((channels, channels));
        for k in 0..channels {
            let normal = || StandardNormal.sample(&mut noise);
            let mut v = Array1::from_shape_simple_fn(channels, normal);
            for _ in 0..2 {
                for before in basis.rows().into_iter().take(k) {
                    let along = before.dot(&v);
                    v.scaled_add(-along, &before);
                }
            }
            let length = v.dot(&v).sqrt();
            basis.row_mut(k).assign(&(v / length));
        }
        Self::Given(basis.mapv(T::of))
    }

    /// K, the number of directions in a space of N `channels`.
    pub fn count(&self, channels: usize) -> usize {
        match self {
            Self::Axes => channels,
            Self::Given(directions) => directions.nrows(),
        }
    }
}

/// Writes P (K×M) of `activations` (H×W×N) to `p`.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward<T: Scalar>(
    activations: &Array3<T>,
    directions: &Directions<T>,
    mut p: ArrayViewMut2<T>,
) {
    let f = matrix(activations);
    let chunks = p.axis_chunks_iter_mut(Axis(1), PROJECTION_CHUNK);
    let chunks = chunks.zip(f.axis_chunks_iter(Axis(0), PROJECTION_CHUNK));
    for_each(chunks, |(mut p, f)| match directions {
        Directions::Axes => p.assign(&f.t()),
        Directions::Given(d) => general_mat_mul(T::one(), d, &f.t(), T::zero(), &mut p),
    });
}

/// Adds `scale`·(dL/dP)ᵀ·D to `df` (H×W×N), for `dp` = dL/dP (K×M).
///
/// # Panics
/// If the shapes do not fit.
pub fn add_backward<T: Scalar>(
    dp: ArrayView2<T>,
    directions: &Directions<T>,
    scale: T,
    df: &mut Array3<T>,
) {
    let (height, width, channels) = df.dim();
    let shape = (directions.count(channels), height * width);
    assert_eq!(dp.dim(), shape, "dL/dP must be K×M");
    let chunks = elements_mut(df).chunks_mut(PROJECTION_CHUNK * channels);
    let chunks = chunks.zip(dp.axis_chunks_iter(Axis(1), PROJECTION_CHUNK));
    for_each(chunks, |(df, dp)| {
        let df = ArrayViewMut2::from_shape((dp.ncols(), channels), df);
        let mut df = df.expect("as many positions in both");
        match directions {
            Directions::Axes => df.scaled_add(scale, &dp.t()),
            Directions::Given(d) => general_mat_mul(scale, &dp.t(), d, T::one(), &mut df),
        }
    });
}
