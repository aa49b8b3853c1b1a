//! Losses that are functions of sums over positions. A picture can be shown to them part by part, since the sums of its parts add up.
//!
//! > m = Σ w,  s = Σ w·f,  S = Σ w·f·fᵀ;  dL/df = w·(dL/ds + 2·(dL/dS)·f)
//!
//! over the positions f (N-vectors) with their weights w, and a symmetric dL/dS. The weights do not depend on the pixels.

use super::features::{add_to_each, weight_positions};
use super::{Features, GramLoss, MomentsLoss, StyleLoss, WassersteinLoss};
use crate::method::Scalar;
use crate::method::loss::Products;
use crate::method::scalar::map_in_place;
use ndarray::{Array1, Array2, Array3};
use rayon::prelude::*;

/// Sums over the positions of a layer, or of a part of it.
#[derive(Clone, Debug)]
pub struct Sums<T> {
    /// m
    pub weight: f64,
    /// s, N; `None` if the loss does not need it.
    pub first: Option<Array1<f64>>,
    /// S, N×N.
    pub second: Array2<T>,
}

/// The gradient of a loss with respect to [`Sums`].
pub struct SumsGradient<T> {
    /// dL/ds, N; `None` if it is 0.
    pub first: Option<Array1<f64>>,
    /// dL/dS = `factor`·`second`, N×N and symmetric.
    pub second: Array2<T>,
    /// The factor of `second`.
    pub factor: f64,
}

/// A style loss L(m, s, S).
pub trait SumLoss<T: Scalar>: Send + Sync {
    /// Whether L depends on s.
    fn needs_first(&self) -> bool;

    /// Adds a painting with these sums to the mixture, with this share. What counts is the ratio of the shares. The sum of the
    /// weights is above 0.
    ///
    /// # Panics
    /// If it has another number of channels than the loss.
    fn add_sums(&mut self, painting: &Sums<T>, share: f64);

    /// Called once after the last painting, with the sum of all shares, before any gradient.
    fn finish_sums(&mut self, shares: f64, products: &dyn Products<T>);

    /// L and its gradient at these sums, whose weight is above 0.
    ///
    /// # Panics
    /// As [`add_sums`](Self::add_sums).
    fn at(&self, sums: Sums<T>, products: &dyn Products<T>) -> (f64, SumsGradient<T>);
}

/// A loss, and sums to compute it of.
pub(crate) type LossOfSums<'a, T> = (&'a dyn SumLoss<T>, Sums<T>);

/// [`SumLoss::at`] for each of these losses and sums, all at the same time: while there are several roots of matrices to take, the cores
/// need not pass a matrix to and fro. The loss is 0, without a gradient, where there are no sums or no position has a weight.
pub(crate) fn evaluate_all<T: Scalar>(
    losses: Vec<Option<LossOfSums<T>>>,
    products: &dyn Products<T>,
) -> Vec<(f64, Option<SumsGradient<T>>)> {
    (losses.into_par_iter().with_max_len(1))
        .map(|loss| match loss {
            Some((loss, sums)) if sums.weight > 0.0 => {
                let (value, gradient) = loss.at(sums, products);
                (value, Some(gradient))
            }
            Some((_, sums)) => {
                products.recycle_matrix(sums.second);
                (0.0, None)
            }
            None => (0.0, None),
        })
        .collect()
}

impl<T: Scalar> Sums<T> {
    /// Those of no position, for this many channels, in the memory of `products`.
    pub fn zero(channels: usize, with_first: bool, products: &dyn Products<T>) -> Self {
        Self {
            weight: 0.0,
            first: with_first.then(|| Array1::zeros(channels)),
            second: products.zeros((channels, channels)),
        }
    }

    /// Those of the positions of `features`, in the memory of `products`.
    pub fn of(features: Features<T>, with_first: bool, products: &dyn Products<T>) -> Self {
        Self {
            weight: features.total_weight,
            first: with_first.then(|| features.sum()),
            second: features.gram(products),
        }
    }

    // ANCHOR: add
    /// Adds the sums of other positions.
    ///
    /// # Panics
    /// If they have another number of channels.
    pub fn add(&mut self, other: &Self) {
        self.weight += other.weight;
        if let (Some(first), Some(other)) = (&mut self.first, &other.first) {
            *first += other;
        }
        self.second += &other.second;
    }
    // ANCHOR_END: add

    /// μ = s / m
    ///
    /// # Panics
    /// If s was not computed.
    pub(super) fn mean(&self) -> Array1<f64> {
        self.first.as_ref().expect("the loss asked for s") / self.weight
    }

    /// S / m
    pub(super) fn into_second_moment(mut self) -> Array2<T> {
        let scale = T::of(1.0 / self.weight);
        map_in_place(&mut self.second, |sum| scale * sum);
        self.second
    }
}

impl<T: Scalar> SumsGradient<T> {
    /// Adds `weight`·dL/dF to `df` (H×W×N) for positions that were summed.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn add_to(
        &self,
        features: Features<T>,
        weight: f64,
        df: &mut Array3<T>,
        products: &dyn Products<T>,
    ) {
        let factor = T::of(weight * self.factor);
        features.add_gram_backward(&self.second, factor, df, products);
        self.add_first(features.weights, weight, df);
    }

    /// Replaces the activations `f` (H×W×N) that were summed, with the weights of a `mask` (H×W) if there is one, by `weight`·dL/dF.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn replace(
        &self,
        f: &mut Array3<T>,
        mask: Option<&Array2<T>>,
        weight: f64,
        products: &dyn Products<T>,
    ) {
        if let Some(mask) = mask {
            weight_positions(f, mask);
        }
        products.gram_backward_in_place(f, &self.second, T::of(weight * self.factor));
        self.add_first(mask.and_then(|mask| mask.as_slice()), weight, f);
    }

    fn add_first(&self, weights: Option<&[T]>, weight: f64, df: &mut Array3<T>) {
        if let Some(first) = &self.first {
            let first: Vec<T> = first.iter().map(|v| T::of(weight * v)).collect();
            add_to_each(&first, weights, df);
        }
    }

    /// Gives its memory back.
    pub fn recycle(self, products: &dyn Products<T>) {
        products.recycle_matrix(self.second);
    }
}

/// Makes style losses of losses of sums: they sum all positions. (The compiler does not accept one `impl` for all of them, since another
/// crate might make a [`SumLoss`] of a loss that is none.)
macro_rules! style_losses_of_sums {
    ($($loss:ident),*) => {
        $(
            impl<T: Scalar> StyleLoss<T> for $loss<T> {
                fn add_painting(&mut self, painting: Features<T>, share: f64, products: &dyn Products<T>) {
                    let sums = Sums::of(painting, self.needs_first(), products);
                    self.add_sums(&sums, share);
                    products.recycle_matrix(sums.second);
                }

                fn finish(&mut self, shares: f64, products: &dyn Products<T>) {
                    self.finish_sums(shares, products);
                }

                fn add_weighted_gradient(
                    &self,
                    features: Features<T>,
                    weight: f64,
                    df: &mut Array3<T>,
                    products: &dyn Products<T>,
                ) -> f64 {
                    let sums = Sums::of(features, self.needs_first(), products);
                    let (loss, gradient) = self.at(sums, products);
                    gradient.add_to(features, weight, df, products);
                    gradient.recycle(products);
                    loss
                }

                fn as_sum_loss(&self) -> Option<&dyn SumLoss<T>> {
                    Some(self)
                }

                fn as_sum_loss_mut(&mut self) -> Option<&mut dyn SumLoss<T>> {
                    Some(self)
                }
            }
        )*
    };
}

style_losses_of_sums!(GramLoss, MomentsLoss, WassersteinLoss);
