//! Means and covariances against the painting's (Kolkin, Salavon and Shakhnarovich 2019, section 2.2): how strong activations are,
//! which the cosine distance of [`remd`](super::remd) does not see.
//!
//! > L = (1/C)·Σ |μ − μ′| + (1/C²)·Σ |S − S′|,  μ = (1/n)·Σ x,  S = (1/n)·Σ (x − μ)(x − μ)ᵀ
//!
//! with n vectors x of C channels, and μ′ and S′ of the painting. Since S is symmetric and Σ (x − μ) = 0,
//!
//! > dL/dx = (1/(n·C))·sign(μ − μ′) + (2/(n·C²))·sign(S − S′)·(x − μ).
//!
//! The sign of 0 is 0. A mixture of paintings has the μ′ and S′ of the mixture.

use super::sign;
use crate::method::Scalar;
use crate::method::loss::Products;
use crate::method::scalar::{elements_mut, map_in_place};
use crate::parallel::{for_each, map};
use ndarray::{Array1, Array2, Array3, ArrayView2, Axis};

/// Vectors that one parallel task sums.
const MEAN_CHUNK: usize = 128;

/// The mean and the covariance of some vectors, or of a mixture.
#[derive(Clone)]
pub struct Moments<T> {
    /// μ, C.
    pub mean: Array1<f64>,
    /// S, C×C.
    pub covariance: Array2<T>,
}

impl<T: Scalar> Moments<T> {
    /// Those of the vectors in the rows of `x` (n×C, n > 0).
    ///
    /// # Panics
    /// If there is no vector.
    pub fn of(x: ArrayView2<T>, products: &dyn Products<T>) -> Self {
        let (moments, centered) = Self::and_centered(x, products);
        products.recycle(centered);
        moments
    }

    /// Makes this the mixture of itself with this share, and of `other` with the other share. Only the ratio of the shares counts.
    ///
    /// > S ← (s·S + s₂·S₂)/(s + s₂) + (s·s₂/(s + s₂)²)·(μ − μ₂)(μ − μ₂)ᵀ
    ///
    /// # Panics
    /// If the two have different numbers of channels.
    pub fn mix(&mut self, share: f64, other: &Self, other_share: f64) {
        let (a, b) = (
            share / (share + other_share),
            other_share / (share + other_share),
        );
        let (shape, other_shape) = (self.covariance.dim(), other.covariance.dim());
        assert_eq!(shape, other_shape, "both must have as many channels");
        let difference = &self.mean - &other.mean;
        let rows = (self.covariance.outer_iter_mut()).zip(other.covariance.outer_iter());
        for_each(rows.enumerate(), |(i, (own, other))| {
            for (j, (own, other)) in own.into_iter().zip(other).enumerate() {
                let between = a * b * difference[i] * difference[j];
                *own = T::of(a * own.as_f64() + b * other.as_f64() + between);
            }
        });
        self.mean = a * &self.mean + b * &other.mean;
    }

    /// The moments, and x − μ (1×n×C).
    fn and_centered(x: ArrayView2<T>, products: &dyn Products<T>) -> (Self, Array3<T>) {
        let (n, channels) = x.dim();
        assert!(n > 0, "moments of at least one vector");
        let sums = map(x.axis_chunks_iter(Axis(0), MEAN_CHUNK), |x| {
            let mut sum = Array1::zeros(channels);
            for x in x.rows() {
                sum.zip_mut_with(&x, |sum, x| *sum += x.as_f64());
            }
            sum
        });
        // Added in the order of the chunks, whichever thread computed them.
        let mut mean = Array1::zeros(channels);
        sums.iter().for_each(|sum| mean += sum);
        mean /= n as f64;
        let of_type: Vec<T> = mean.iter().map(|&m| T::of(m)).collect();
        let mut centered = products.array((1, n, channels));
        let rows = elements_mut(&mut centered).chunks_exact_mut(channels.max(1));
        for_each(rows.enumerate(), |(i, centered)| {
            for ((c, &x), &mean) in centered.iter_mut().zip(x.row(i)).zip(&of_type) {
                *c = x - mean;
            }
        });
        let mut covariance = products.gram(&centered);
        let scale = T::of(1.0 / n as f64);
        map_in_place(&mut covariance, |c| scale * c);
        (Self { mean, covariance }, centered)
    }
}

/// L and dL/dX (n×C) for the vectors in the rows of `x` (n×C). 0 if there are none.
///
/// # Panics
/// If the target has another number of channels.
pub fn value_and_gradient<T: Scalar>(
    x: ArrayView2<T>,
    target: &Moments<T>,
    products: &dyn Products<T>,
) -> (f64, Array2<T>) {
    let (n, channels) = x.dim();
    assert_eq!(
        target.mean.len(),
        channels,
        "as many channels as the target"
    );
    if x.is_empty() {
        return (0.0, products.zeros(x.dim()));
    }
    let (moments, centered) = Moments::and_centered(x, products);
    let (count, c) = (n as f64, channels as f64);
    let difference = moments.mean - &target.mean;
    let of_means = difference.mapv(f64::abs).sum() / c;
    // S, which sign(S − S′) replaces.
    let mut signs = moments.covariance;
    let rows = signs.outer_iter_mut().zip(target.covariance.outer_iter());
    let of_rows = map(rows, |(mut own, target)| {
        let mut sum = 0.0;
        own.zip_mut_with(&target, |own, &target| {
            let difference = *own - target;
            sum += difference.abs().as_f64();
            *own = sign(difference);
        });
        sum
    });
    let of_covariances = of_rows.iter().sum::<f64>() / (c * c);

    let constant: Vec<T> = (difference.iter())
        .map(|&d| sign(T::of(d)) * T::of(1.0 / (count * c)))
        .collect();
    let mut dx = products.array((1, n, channels));
    let rows = elements_mut(&mut dx).chunks_exact_mut(channels);
    for_each(rows, |dx| dx.copy_from_slice(&constant));
    let scale = T::of(1.0 / (count * c * c)); // which the backward pass of FᵀF doubles
    products.add_gram_backward(&centered, &signs, scale, &mut dx);
    products.recycle(centered);
    products.recycle_matrix(signs);
    (of_means + of_covariances, dx.index_axis_move(Axis(0), 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::PlainProducts;
    use ndarray::{array, concatenate};

    #[test]
    fn a_mixture_has_the_moments_of_all_vectors_together() {
        let (a, b) = (
            array![[1.0, 2.0], [4.0, -1.0], [0.0, 5.0]],
            array![[7.0, 3.0]],
        );
        let mut mixed = Moments::of(a.view(), &PlainProducts);
        mixed.mix(3.0, &Moments::of(b.view(), &PlainProducts), 1.0);
        let all = concatenate![Axis(0), a, b];
        let together = Moments::of(all.view(), &PlainProducts);
        let far = |d: f64| d.abs() > 1e-12;
        assert!(!(&mixed.mean - &together.mean).into_iter().any(far));
        let difference = &mixed.covariance - &together.covariance;
        assert!(!difference.into_iter().any(far));
    }

    #[test]
    fn the_moments_of_the_painting_itself_cost_nothing() {
        let x = array![[1.0, 2.0], [4.0, -1.0], [0.0, 5.0]];
        let target = Moments::of(x.view(), &PlainProducts);
        let (value, dx) = value_and_gradient(x.view(), &target, &PlainProducts);
        assert_eq!(value, 0.0);
        assert!(dx.iter().all(|&d| d == 0.0));
    }
}
