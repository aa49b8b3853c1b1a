//! Style losses: the activations of a layer against those of the painting, wherever in the picture they are.
//!
//! A layer's activations are taken for a distribution of N-vectors, one at each position ([`Features`]). The files [`gram`],
//! [`moments`], [`wasserstein`] and [`sliced`] each hold a way to compare two distributions; [`projection`] and [`transport`] are what `sliced` is
//! made of. The painting may be a mixture of several, and masks say which positions of a painting, and of the painted picture,
//! count.
//!
//! A [`StyleLoss`] compares features; a [`RegionLoss`] is the [`Loss`] of a layer's activations that is made of one or several of
//! them, with the mask of a region.
//!
//! To add a style loss, write a file with a type that implements [`StyleLoss`], and add a line to the table of
//! [`StyleLossKind`] below. The option `--style-loss`, settings files, help texts and the tests that go through all losses have
//! it then.

mod features;
pub mod gram;
pub mod moments;
pub mod projection;
pub mod sliced;
pub mod sums;
pub mod transport;
pub mod wasserstein;

pub use features::Features;
pub use gram::GramLoss;
pub use moments::MomentsLoss;
pub use sliced::SlicedLoss;
pub(crate) use sums::{LossOfSums, evaluate_all};
pub use sums::{Needs, Positions, Second, SecondGradient, SumLoss, Sums, SumsGradient};
pub use wasserstein::WassersteinLoss;

use super::Scalar;
use super::loss::{Loss, PlainProducts, Products};
use ndarray::{Array2, Array3};
use projection::Directions;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A way to compare the features of a picture with those of a painting, or of a mixture of paintings.
///
/// Activations differ by orders of magnitude from layer to layer, and the default weights of the layers were chosen for the Gram loss.
/// The same layer weights suit another loss if it equals the Gram loss when the mean moves from the painting's mean μ′ by a small δ
/// orthogonal to μ′: s·‖δ‖²/N, with s = ‖μ′‖²/(2N). `moments.rs` and `sliced.rs` show how.
pub trait StyleLoss<T: Scalar>: Send + Sync {
    /// Adds the features of a painting to the mixture, with this share. What counts is the ratio of the shares. The sum of the
    /// features' weights is above 0.
    ///
    /// # Panics
    /// If the features have another number of channels than the loss.
    fn add_painting(&mut self, painting: Features<T>, share: f64, products: &dyn Products<T>);

    /// Called once after the last painting, with the sum of all shares, before any gradient.
    fn finish(&mut self, shares: f64, products: &dyn Products<T>);

    /// Returns L at `features`, and adds `weight`·dL/dF to `df` (H×W×N). The sum of the features' weights is above 0.
    ///
    /// # Panics
    /// If the features have another number of channels than the loss.
    fn add_weighted_gradient(
        &self,
        features: Features<T>,
        weight: f64,
        df: &mut Array3<T>,
        products: &dyn Products<T>,
    ) -> f64;

    /// Itself, if it is a function of sums over positions.
    fn as_sum_loss(&self) -> Option<&dyn SumLoss<T>> {
        None
    }

    /// The same, to be changed.
    fn as_sum_loss_mut(&mut self) -> Option<&mut dyn SumLoss<T>> {
        None
    }

    /// L and dL/dF (H×W×N) of the activations `f`, of which all positions count alike.
    ///
    /// # Panics
    /// If `f` does not have the painting's number of channels.
    fn value_and_gradient(&self, f: &Array3<T>) -> (f64, Array3<T>) {
        let mut df = Array3::zeros(f.dim());
        let features = Features::new(f, None);
        let value = self.add_weighted_gradient(features, 1.0, &mut df, &PlainProducts);
        (value, df)
    }
}

/// An empty loss with one painting (H×W×N) in it.
fn with_painting<T: Scalar, L: StyleLoss<T>>(mut loss: L, painting: &Array3<T>) -> L {
    loss.add_painting(Features::new(painting, None), 1.0, &PlainProducts);
    loss.finish(1.0, &PlainProducts);
    loss
}

/// Losses whose values are added up.
type LossList<T> = Vec<Box<dyn StyleLoss<T>>>;

/// Defines [`StyleLossKind`] from a table with a line for each style loss: its documentation, its name in Rust, its name in options
/// and TOML files, and how to make it, yet without a painting, for a layer with this many channels.
macro_rules! style_losses {
    ($($(#[$doc:meta])* $kind:ident = $name:literal: $make:expr;)*) => {
        /// Which style loss is minimized.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum StyleLossKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl StyleLossKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its name in options and TOML files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// Whether it is a function of [`Sums`], and of nothing else.
            pub fn is_of_sums(self) -> bool {
                let losses = self.make::<f32>(1);
                losses.iter().all(|loss| loss.as_sum_loss().is_some())
            }

            /// What it needs of a painting of which only [`Sums`] are to be known.
            ///
            /// # Panics
            /// If it is not [of sums](Self::is_of_sums).
            pub fn needs(self) -> Needs {
                let losses = self.make::<f32>(1);
                losses[0].as_sum_loss().expect("a loss of sums").needs()
            }

            fn make<T: Scalar>(self, channels: usize) -> LossList<T> {
                match self {
                    $(Self::$kind => {
                        let make: fn(usize) -> LossList<T> = $make;
                        make(channels)
                    })*
                }
            }
        }
    };
}

// ANCHOR: table
style_losses! {
    /// Which channels fire together: the classic (Gatys, Ecker and Bethge 2015).
    #[default]
    Gram = "gram": |n| vec![Box::new(GramLoss::empty(n))];
    /// How far the activations are to be moved, as normal distributions (Crowson's style-transfer-pytorch).
    Wasserstein = "wasserstein": |n| vec![Box::new(WassersteinLoss::empty(n))];
    /// Mean and covariance, each by itself, the covariance by the squares of its differences.
    Moments = "moments": |n| vec![Box::new(MomentsLoss::empty(n))];
    /// The whole distribution, along a random orthonormal basis (Heitz et al. 2021).
    Sliced = "sliced": |n| vec![Box::new(SlicedLoss::along(Directions::random_basis(n)))];
    /// The Gram matrix, and each channel's histogram (Risser, Wilmot and Barnes 2017).
    Histogram = "histogram": |n| {
        vec![Box::new(GramLoss::empty(n)), Box::new(SlicedLoss::along(Directions::Axes))]
    };
}
// ANCHOR_END: table

impl fmt::Display for StyleLossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no style loss has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("write one of {}", StyleLossKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "))]
pub struct UnknownStyleLoss;

impl FromStr for StyleLossKind {
    type Err = UnknownStyleLoss;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.iter().copied();
        all.find(|kind| kind.name() == text).ok_or(UnknownStyleLoss)
    }
}

/// The style loss of a part of the picture at one layer: of the positions that a mask shows, against a mixture of paintings.
pub struct RegionLoss<T> {
    /// Empty if nothing of any painting is visible.
    losses: LossList<T>,
    /// How much each position of the painted picture counts, H×W.
    mask: Option<Array2<T>>,
}

/// A [`RegionLoss`] whose paintings are added one after the other, so that the activations of only one need to exist at a time.
pub struct RegionLossBuilder<T> {
    kind: StyleLossKind,
    losses: LossList<T>,
    /// The sum of the paintings' shares.
    shares: f64,
}

impl<T: Scalar> RegionLossBuilder<T> {
    /// A loss of this kind without paintings.
    pub fn new(kind: StyleLossKind) -> Self {
        Self {
            kind,
            losses: Vec::new(),
            shares: 0.0,
        }
    }

    /// Adds a painting to the mixture. It is ignored if its weights are 0 everywhere: nothing of it is visible.
    ///
    /// # Panics
    /// If it has other channels than those before.
    pub fn add_painting(&mut self, painting: Features<T>, share: f64, products: &dyn Products<T>) {
        if painting.total_weight <= 0.0 {
            return;
        }
        if self.losses.is_empty() {
            self.losses = self.kind.make(painting.channels());
        }
        self.shares += share;
        for loss in &mut self.losses {
            loss.add_painting(painting, share, products);
        }
    }

    /// Adds a painting of which only sums are known, as [`add_painting`](Self::add_painting) does.
    ///
    /// # Panics
    /// If the loss is not [of sums](StyleLossKind::is_of_sums), or the painting has other channels than those before.
    pub fn add_sums(&mut self, painting: &Sums<T>, share: f64) {
        if painting.weight <= 0.0 {
            return;
        }
        if self.losses.is_empty() {
            self.losses = self.kind.make(painting.channels());
        }
        self.shares += share;
        for loss in &mut self.losses {
            let loss = loss.as_sum_loss_mut().expect("a loss of sums");
            loss.add_sums(painting, share);
        }
    }

    /// The loss that is 0 where the positions that the `mask` (H×W, at least 0) shows are distributed as this mixture is. Where the
    /// mask shows none, or no painting is visible, it is 0 as well.
    pub fn finish(mut self, mask: Option<Array2<T>>, products: &dyn Products<T>) -> RegionLoss<T> {
        for loss in &mut self.losses {
            loss.finish(self.shares, products);
        }
        RegionLoss {
            losses: self.losses,
            mask,
        }
    }
}

impl<T: Scalar> RegionLoss<T> {
    /// The loss as a function of sums over positions, without its mask. `None` if it is not [of sums](StyleLossKind::is_of_sums), or no
    /// painting is visible.
    pub fn as_sum_loss(&self) -> Option<&dyn SumLoss<T>> {
        match &self.losses[..] {
            [loss] => loss.as_sum_loss(),
            _ => None,
        }
    }

    /// [`as_sum_loss`](Self::as_sum_loss), with the sums over the positions of the activations `f` (H×W×N). `None` also if the mask shows
    /// none of them.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub(crate) fn sums(
        &self,
        f: &Array3<T>,
        products: &dyn Products<T>,
    ) -> Option<LossOfSums<'_, T>> {
        let loss = self.as_sum_loss()?;
        let features = Features::new(f, self.mask());
        if features.total_weight <= 0.0 {
            return None;
        }
        Some((loss, Sums::of(features, loss.needs(), products)))
    }

    /// How much each position counts, H×W.
    pub(crate) fn mask(&self) -> Option<&Array2<T>> {
        self.mask.as_ref()
    }
}

impl<T: Scalar> Loss<T> for RegionLoss<T> {
    fn add_gradient(
        &self,
        f: &Array3<T>,
        weight: f64,
        df: &mut Array3<T>,
        products: &dyn Products<T>,
    ) -> f64 {
        let features = Features::new(f, self.mask());
        if features.total_weight <= 0.0 {
            return 0.0;
        }
        let losses = self.losses.iter();
        losses
            .map(|loss| loss.add_weighted_gradient(features, weight, df, products))
            .sum()
    }
}
