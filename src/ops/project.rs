//! Projections of activations on directions, P = D·Fᵀ: what the positions look like, seen from one side after the other.
//!
//! F is M×N as in [`gram`](super::gram); D is K×N, a direction of length 1 in each row, and the rows of P are K lists of M
//! numbers. Linear: for L(P), dL/dF = (dL/dP)ᵀ·D.

use super::gram::matrix;
use super::{Scalar, elements_mut};
use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array1, Array2, Array3, ArrayView2, ArrayViewMut2, Axis};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

/// Positions in one piece of parallel work: P's rows are cut here, and what is cut should fit the cache.
const POSITIONS: usize = 512;

/// Where random directions start from: always the same ones.
const SEED: u64 = 2021;

/// What is looked along.
pub enum Directions<T> {
    /// The N channels themselves: P = Fᵀ.
    Axes,
    /// The rows of this K×N matrix.
    Given(Array2<T>),
}

impl<T: Scalar> Directions<T> {
    /// A random orthonormal basis of the N `channels`, the same each time: Gaussian vectors, each less its projections on
    /// those before it (Gram and Schmidt, done twice against rounding).
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

    /// K, how many there are among N `channels`.
    pub fn count(&self, channels: usize) -> usize {
        match self {
            Self::Axes => channels,
            Self::Given(directions) => directions.nrows(),
        }
    }
}

/// P (K×M) of `activations` (H×W×N), into `p`.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward<T: Scalar>(
    activations: &Array3<T>,
    directions: &Directions<T>,
    mut p: ArrayViewMut2<T>,
) {
    (p.axis_chunks_iter_mut(Axis(1), POSITIONS).into_par_iter())
        .zip(matrix(activations).axis_chunks_iter(Axis(0), POSITIONS))
        .for_each(|(mut p, f)| match directions {
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
    (elements_mut(df).par_chunks_mut(POSITIONS * channels))
        .zip(dp.axis_chunks_iter(Axis(1), POSITIONS).into_par_iter())
        .for_each(|(df, dp)| {
            let df = ArrayViewMut2::from_shape((dp.ncols(), channels), df);
            let mut df = df.expect("as many positions in both");
            match directions {
                Directions::Axes => df.scaled_add(scale, &dp.t()),
                Directions::Given(d) => general_mat_mul(scale, &dp.t(), d, T::one(), &mut df),
            }
        });
}
