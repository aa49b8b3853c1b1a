//! The style loss: the activations of a layer against those of the painting, wherever in the picture they are.
//!
//! What is compared is the distribution of the N-vectors at the positions, by one of several [`Statistic`]s. Each file holds one,
//! with its formula: [`gram`], [`moments`] and [`transport`]. The target may be a mixture of several [`Sample`]s, and masks say
//! which positions of a sample, or of the painted picture, count.

pub mod gram;
mod layer;
pub mod moments;
pub mod transport;

use crate::ops::Scalar;
use crate::ops::project::Directions;
use crate::ops::workspace::Workspace;
use layer::Layer;
use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// By what two pictures' activations are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistic {
    /// Which channels fire together: the classic (Gatys, Ecker and Bethge 2015).
    #[default]
    Gram,
    /// Mean and covariance, each by itself.
    Moments,
    /// The whole distribution, seen along a random orthonormal basis (Heitz et al. 2021).
    Sliced,
    /// The Gram matrix and, with it, each channel's histogram (Risser, Wilmot and Barnes 2017).
    Histogram,
}

impl Statistic {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Gram, Self::Moments, Self::Sliced, Self::Histogram];

    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gram => "gram",
            Self::Moments => "moments",
            Self::Sliced => "sliced",
            Self::Histogram => "histogram",
        }
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Statistic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        (Self::ALL
            .into_iter()
            .find(|statistic| statistic.name() == text))
        .ok_or_else(|| format!("write one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// One picture's activations at a layer, as a distribution of vectors over its positions.
#[derive(Clone, Copy)]
pub struct Sample<'a, T> {
    /// H×W×N, of any height and width.
    pub activations: &'a Array3<T>,
    /// How much each position counts, H×W, at least 0; if there is none, all count alike.
    pub mask: Option<&'a Array2<T>>,
    /// Its part of the mixture, above 0; what counts is the ratio to the others'.
    pub share: f64,
}

impl<'a, T> Sample<'a, T> {
    /// All of these activations, with a share of 1.
    pub fn whole(activations: &'a Array3<T>) -> Self {
        Self {
            activations,
            mask: None,
            share: 1.0,
        }
    }
}

/// The target of a style loss while its samples come in, one after the other.
pub struct Target<T> {
    statistic: Statistic,
    terms: Vec<Term<T>>,
    /// The sum of the samples' shares.
    shares: f64,
}

/// The style loss of one layer.
pub struct StyleLoss<T> {
    /// Their losses are added up. None if nothing of any sample is to be seen.
    terms: Vec<Term<T>>,
    /// How much the painted picture's positions count, H×W.
    mask: Option<Array2<T>>,
}

/// How far one picture is from the target: what the loss and its gradient have in common.
pub struct Residual<T>(Vec<Part<T>>);

/// One statistic's loss.
enum Term<T> {
    Gram(gram::Gram<T>),
    Moments(moments::Moments<T>),
    Transport(transport::Transport<T>),
}

/// One statistic's residual.
enum Part<T> {
    Gram(gram::Residual<T>),
    Moments(moments::Residual<T>),
    Transport(transport::Residual<T>),
}

impl<T: Scalar> Target<T> {
    /// One without samples.
    pub fn new(statistic: Statistic) -> Self {
        Self {
            statistic,
            terms: Vec::new(),
            shares: 0.0,
        }
    }

    /// Adds a sample to the mixture. One whose mask is 0 everywhere is not seen, and passed over.
    ///
    /// # Panics
    /// If it has other channels than those before, or its mask another size.
    pub fn add(&mut self, sample: Sample<T>, workspace: &Workspace<T>) {
        let layer = Layer::new(sample.activations, sample.mask);
        if layer.mass <= 0.0 {
            return;
        }
        if self.terms.is_empty() {
            self.terms = terms(self.statistic, layer.channels());
        }
        self.shares += sample.share;
        for term in &mut self.terms {
            match term {
                Term::Gram(gram) => gram.add(layer, sample.share, workspace),
                Term::Moments(moments) => moments.add(layer, sample.share, workspace),
                Term::Transport(transport) => transport.add(layer, sample.share, workspace),
            }
        }
    }

    /// The loss that is 0 where the painted picture's activations, as far as its `mask` (H×W, at least 0) shows them, are
    /// distributed as this mixture is; where the mask shows none, or there is no sample to be seen, it is 0 as well.
    pub fn loss(mut self, mask: Option<Array2<T>>) -> StyleLoss<T> {
        for term in &mut self.terms {
            match term {
                Term::Gram(gram) => gram.finish(self.shares),
                Term::Moments(moments) => moments.finish(self.shares),
                Term::Transport(transport) => transport.finish(),
            }
        }
        StyleLoss {
            terms: self.terms,
            mask,
        }
    }
}

/// What a statistic is made of.
fn terms<T: Scalar>(statistic: Statistic, channels: usize) -> Vec<Term<T>> {
    let gram = || Term::Gram(gram::Gram::new(channels));
    let transport = |directions| Term::Transport(transport::Transport::new(directions));
    match statistic {
        Statistic::Gram => vec![gram()],
        Statistic::Moments => vec![Term::Moments(moments::Moments::new(channels))],
        Statistic::Sliced => vec![transport(Directions::random_basis(channels))],
        Statistic::Histogram => vec![gram(), transport(Directions::Axes)],
    }
}

impl<T: Scalar> StyleLoss<T> {
    /// The loss against the mixture of these samples: see [`Target`].
    ///
    /// # Panics
    /// As [`Target::add`].
    pub fn new(
        statistic: Statistic,
        samples: &[Sample<T>],
        mask: Option<Array2<T>>,
        workspace: &Workspace<T>,
    ) -> Self {
        let mut target = Target::new(statistic);
        for &sample in samples {
            target.add(sample, workspace);
        }
        target.loss(mask)
    }

    /// How far the activations `f` (H×W×N) are from the target.
    ///
    /// # Panics
    /// If they do not have the samples' number of channels, or the mask's height and width.
    pub fn residual(&self, f: &Array3<T>, workspace: &Workspace<T>) -> Residual<T> {
        let layer = Layer::new(f, self.mask.as_ref());
        let part = |term: &Term<T>| match term {
            Term::Gram(gram) => Part::Gram(gram.residual(layer, workspace)),
            Term::Moments(moments) => Part::Moments(moments.residual(layer, workspace)),
            Term::Transport(transport) => Part::Transport(transport.residual(layer, workspace)),
        };
        let visible = layer.mass > 0.0;
        Residual(self.terms.iter().filter(|_| visible).map(part).collect())
    }

    /// Adds `weight`·dL/dF to `df` (H×W×N), given the `residual` of the same `f`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn add_gradient(
        &self,
        f: &Array3<T>,
        residual: &Residual<T>,
        weight: f64,
        df: &mut Array3<T>,
        workspace: &Workspace<T>,
    ) {
        let layer = Layer::new(f, self.mask.as_ref());
        for (term, part) in self.terms.iter().zip(&residual.0) {
            match (term, part) {
                (_, Part::Gram(part)) => part.add_gradient(layer, weight, df, workspace),
                (_, Part::Moments(part)) => part.add_gradient(layer, weight, df, workspace),
                (Term::Transport(transport), Part::Transport(part)) => {
                    transport.add_gradient(layer, part, weight, df);
                }
                _ => unreachable!("each term left a part of its own kind"),
            }
        }
    }
}

impl<T: Scalar> Residual<T> {
    /// L
    pub fn loss(&self) -> f64 {
        let loss = |part: &Part<T>| match part {
            Part::Gram(part) => part.loss(),
            Part::Moments(part) => part.loss(),
            Part::Transport(part) => part.loss(),
        };
        self.0.iter().map(loss).sum()
    }

    /// Leaves its memory to others.
    pub fn recycle(self, workspace: &Workspace<T>) {
        for part in self.0 {
            if let Part::Transport(part) = part {
                part.recycle(workspace);
            }
        }
    }
}
