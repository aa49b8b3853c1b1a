//! Losses that are functions of sums over positions. A picture can be shown to them part by part, since the sums of its parts add up.
//!
//! > m = Σ w,  s = Σ w·f,  S = Σ w·f·fᵀ;  dL/df = w·(dL/ds + 2·(dL/dS)·f)
//!
//! over the positions f (N-vectors) with their weights w, and a symmetric dL/dS. The weights do not depend on the pixels.
//!
//! Where positions are fewer than channels, all √w·f together are fewer numbers than S, and a loss may take them in its place. Then
//!
//! > dL/df = w·dL/ds + √w·dL/d(√w·f)

use super::features::{add_scaled, add_to_each, weight_positions};
use super::{Features, GramLoss, MomentsLoss, StyleLoss, WassersteinLoss};
use crate::method::Scalar;
use crate::method::loss::Products;
use crate::method::scalar::map_in_place;
use crate::parallel::map;
use ndarray::{Array1, Array2, Array3, s};
use std::borrow::Cow;
use std::ops::Range;

/// What a loss needs to know of the positions, besides the sum of their weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The sum of the positions.
    pub first: bool,
    /// The positions themselves in place of the sum of their products, where they are fewer than the channels.
    pub few_positions: bool,
}

/// Sums over the positions of a layer, or of a part of it.
#[derive(Clone, Debug)]
pub struct Sums<T> {
    /// m
    pub weight: f64,
    /// s, N; `None` if the loss does not need it.
    pub first: Option<Array1<f64>>,
    /// S
    pub second: Second<T>,
}

/// The sum S of the products of positions, or the positions themselves.
#[derive(Clone, Debug)]
pub enum Second<T> {
    /// S, N×N.
    Sum(Array2<T>),
    /// What it is the sum of.
    Positions(Positions<T>),
}

/// Fewer positions than channels.
#[derive(Clone, Debug)]
pub struct Positions<T> {
    /// √w·f, H×W×N.
    pub scaled: Array3<T>,
    /// √w, H×W.
    pub root_weights: Array2<T>,
}

/// The gradient of a loss with respect to [`Sums`].
#[derive(Clone, Debug)]
pub struct SumsGradient<T> {
    /// dL/ds, N; `None` if it is 0.
    pub first: Option<Array1<f64>>,
    /// That with respect to [`Second`], divided by `factor`.
    pub second: SecondGradient<T>,
    /// The factor of `second`.
    pub factor: f64,
}

/// A gradient with respect to [`Second`].
#[derive(Clone, Debug)]
pub enum SecondGradient<T> {
    /// With respect to S, N×N and symmetric.
    Sum(Array2<T>),
    /// With respect to √w·f, H×W×N.
    Positions(Array3<T>),
}

impl Needs {
    /// Whether so many positions are needed themselves, and not the sum of their products.
    fn takes_positions(self, positions: usize, channels: usize) -> bool {
        self.few_positions && positions < channels
    }
}

/// Rows and columns.
type Place = (Range<usize>, Range<usize>);

/// A style loss L(m, s, S).
pub trait SumLoss<T: Scalar>: Send + Sync {
    /// What [`at`](Self::at) and [`add_sums`](Self::add_sums) need to know. S may also be that of few positions.
    fn needs(&self) -> Needs;

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
    /// As [`add_sums`](Self::add_sums), and if there are positions that the loss did not ask for.
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
    map(losses, |loss| match loss {
        Some((loss, sums)) if sums.weight > 0.0 => {
            let (value, gradient) = loss.at(sums, products);
            (value, Some(gradient))
        }
        Some((_, sums)) => {
            sums.recycle(products);
            (0.0, None)
        }
        None => (0.0, None),
    })
}

impl<T: Scalar> Sums<T> {
    /// Those of no position of a layer of this shape (H×W×N), in the memory of `products`.
    pub fn zero(shape: (usize, usize, usize), needs: Needs, products: &dyn Products<T>) -> Self {
        let (height, width, channels) = shape;
        Self {
            weight: 0.0,
            first: needs.first.then(|| Array1::zeros(channels)),
            second: if needs.takes_positions(height * width, channels) {
                let mut scaled = products.array(shape);
                scaled.fill(T::zero());
                Second::Positions(Positions {
                    scaled,
                    root_weights: Array2::zeros((height, width)),
                })
            } else {
                Second::Sum(products.zeros((channels, channels)))
            },
        }
    }

    /// Those of the positions of `features`, in the memory of `products`.
    pub fn of(features: Features<T>, needs: Needs, products: &dyn Products<T>) -> Self {
        Self {
            weight: features.total_weight,
            first: needs.first.then(|| features.sum()),
            second: if needs.takes_positions(features.positions(), features.channels()) {
                Second::Positions(features.scaled_positions(products))
            } else {
                Second::Sum(features.gram(products))
            },
        }
    }

    /// N
    pub fn channels(&self) -> usize {
        match &self.second {
            Second::Sum(sum) => sum.nrows(),
            Second::Positions(positions) => positions.scaled.dim().2,
        }
    }

    // ANCHOR: add
    /// Adds the sums of other positions: of a part of the layer that begins in this row and column.
    ///
    /// # Panics
    /// If they have another number of channels, are outside of the layer, or are not what is needed of its parts.
    pub fn add(&mut self, part: &Self, (row, column): (usize, usize)) {
        self.weight += part.weight;
        if let (Some(first), Some(part)) = (&mut self.first, &part.first) {
            *first += part;
        }
        match (&mut self.second, &part.second) {
            (Second::Sum(sum), Second::Sum(part)) => *sum += part,
            (Second::Positions(all), Second::Positions(part)) => {
                let (height, width) = part.root_weights.dim();
                let place = s![row..row + height, column..column + width];
                all.root_weights.slice_mut(place).assign(&part.root_weights);
                let place = s![row..row + height, column..column + width, ..];
                all.scaled.slice_mut(place).assign(&part.scaled);
            }
            _ => panic!("a part has what the whole needs"),
        }
    }
    // ANCHOR_END: add

    /// What is needed of the parts of a layer whose sums are these.
    pub(crate) fn needs_of_parts(&self) -> Needs {
        Needs {
            first: self.first.is_some(),
            few_positions: matches!(self.second, Second::Positions(_)),
        }
    }

    /// μ = s / m
    ///
    /// # Panics
    /// If s was not computed.
    pub(super) fn mean(&self) -> Array1<f64> {
        self.first.as_ref().expect("the loss asked for s") / self.weight
    }

    /// Gives its memory back.
    pub fn recycle(self, products: &dyn Products<T>) {
        match self.second {
            Second::Sum(sum) => products.recycle_matrix(sum),
            Second::Positions(positions) => products.recycle(positions.scaled),
        }
    }
}

impl<T: Scalar> Second<T> {
    /// S of a loss that does not ask for positions.
    pub(super) fn into_sum(self) -> Array2<T> {
        match self {
            Self::Sum(sum) => sum,
            Self::Positions(_) => panic!("the loss asked for sums"),
        }
    }

    /// The same.
    pub(super) fn sum(&self) -> &Array2<T> {
        match self {
            Self::Sum(sum) => sum,
            Self::Positions(_) => panic!("the loss asked for sums"),
        }
    }
}

/// S / m
pub(super) fn second_moment<T: Scalar>(mut sum: Array2<T>, weight: f64) -> Array2<T> {
    let scale = T::of(1.0 / weight);
    map_in_place(&mut sum, |sum| scale * sum);
    sum
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
        match &self.second {
            SecondGradient::Sum(gradient) => {
                features.add_gram_backward(gradient, factor, df, products);
            }
            SecondGradient::Positions(gradient) => {
                add_scaled(gradient, features.weights, factor, df);
            }
        }
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
        let factor = T::of(weight * self.factor);
        let weights = mask.and_then(|mask| mask.as_slice());
        match &self.second {
            SecondGradient::Sum(gradient) => {
                if let Some(mask) = mask {
                    weight_positions(f, mask);
                }
                products.gram_backward_in_place(f, gradient, factor);
            }
            SecondGradient::Positions(gradient) => {
                f.fill(T::zero());
                add_scaled(gradient, weights, factor, f);
            }
        }
        self.add_first(weights, weight, f);
    }

    fn add_first(&self, weights: Option<&[T]>, weight: f64, df: &mut Array3<T>) {
        if let Some(first) = &self.first {
            let first: Vec<T> = first.iter().map(|v| T::of(weight * v)).collect();
            add_to_each(&first, weights, df);
        }
    }

    /// Gives its memory back.
    pub fn recycle(self, products: &dyn Products<T>) {
        match self.second {
            SecondGradient::Sum(gradient) => products.recycle_matrix(gradient),
            SecondGradient::Positions(gradient) => products.recycle(gradient),
        }
    }

    /// The gradient with respect to a part of the layer, H×W×N in `shape`: the rows and columns `own` of that part are those at `place` in
    /// the layer. Outside of `own` the gradient means nothing, and must not be used.
    ///
    /// # Panics
    /// If they are outside of the part or the layer.
    pub(crate) fn of_part(
        &self,
        shape: (usize, usize, usize),
        own: &Place,
        place: &Place,
    ) -> Cow<'_, Self> {
        let SecondGradient::Positions(gradient) = &self.second else {
            return Cow::Borrowed(self);
        };
        if shape == gradient.dim() {
            return Cow::Borrowed(self);
        }
        let slice = |(rows, columns): &Place| s![rows.clone(), columns.clone(), ..];
        let mut part = Array3::zeros(shape);
        part.slice_mut(slice(own))
            .assign(&gradient.slice(slice(place)));
        Cow::Owned(Self {
            first: self.first.clone(),
            second: SecondGradient::Positions(part),
            factor: self.factor,
        })
    }
}

/// Makes style losses of losses of sums: they sum all positions. (The compiler does not accept one `impl` for all of them, since another
/// crate might make a [`SumLoss`] of a loss that is none.)
macro_rules! style_losses_of_sums {
    ($($loss:ident),*) => {
        $(
            impl<T: Scalar> StyleLoss<T> for $loss<T> {
                fn add_painting(&mut self, painting: Features<T>, share: f64, products: &dyn Products<T>) {
                    let sums = Sums::of(painting, self.needs(), products);
                    self.add_sums(&sums, share);
                    sums.recycle(products);
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
                    let sums = Sums::of(features, self.needs(), products);
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
