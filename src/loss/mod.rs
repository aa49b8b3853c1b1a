//! What is minimised: the weighted sum of content, style and total-variation losses, as a function of the pixels.

pub mod content;
mod region;
pub mod style;
pub mod total_variation;

pub use region::{Region, StylePicture};

use crate::network::{Activations, Network};
use crate::ops::workspace::Workspace;
use crate::ops::{Scalar, sum_pairs};
use content::ContentLoss;
use ndarray::{Array3, Zip};
use style::{Statistic, StyleLoss};

/// So much is added to the norm that [`Targets::normalize`] divides by, which may be 0.
const LEAST_NORM: f64 = 1e-12;

/// The losses of one picture, each already times its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// How far the content layers' activations are from the photograph's.
    pub content: f64,
    /// How far the style layers' activations are distributed from the painting's.
    pub style: f64,
    /// How much neighbouring pixels differ.
    pub tv: f64,
}

impl Losses {
    /// What is minimised: the sum.
    pub fn total(&self) -> f64 {
        self.content + self.style + self.tv
    }
}

/// A layer that a loss taps, by its number in the network, and the factor that its loss is multiplied with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// The layer.
    pub layer: usize,
    /// The layer's weight times the weight of all losses of this kind.
    pub weight: f64,
}

/// What a picture is to come near to.
#[derive(Clone, Copy)]
pub struct Targets<'a, T> {
    /// The picture whose things are wanted (H×W×3, RGB 0..255 less the mean), and where that is compared.
    pub content: Option<(&'a Array3<T>, &'a [Tap])>,
    /// Whose style is wanted where.
    pub regions: &'a [Region<'a, T>],
    /// Where style is compared.
    pub style_taps: &'a [Tap],
    /// How style is compared.
    pub statistic: Statistic,
    /// The factor of the total variation.
    pub tv_weight: f64,
    /// Whether each tapped loss's gradient at its layer is divided by its L1 norm before it is multiplied with the weight, so that
    /// all pull equally (`-normalize_gradients` of J. Johnson's neural-style). What is followed is then *not* the gradient of the
    /// losses that are reported, nor of any other function: Adam goes along with that, a line search need not.
    pub normalize: bool,
}

/// Total loss = Σ wₗ·content lossₗ + Σ wₗ·aᵣ·style lossₗᵣ + w·total variation, over layers l and regions r with a share aᵣ of the
/// area, and its gradient with respect to the pixels.
pub struct Objective<T> {
    content: Vec<(Tap, ContentLoss<T>)>,
    /// For each region, one for each tap.
    style: Vec<(Tap, StyleLoss<T>)>,
    tv_weight: f64,
    normalize: bool,
}

impl<T: Scalar> Objective<T> {
    /// The objective whose targets are taken from the activations of these pictures. The pictures are not needed afterwards.
    ///
    /// # Panics
    /// If the network has fewer layers than the taps ask for, or a mask has another size than its picture.
    pub fn new(network: &Network<T>, targets: Targets<T>) -> Self {
        let content = targets.content.map_or(Vec::new(), |(picture, taps)| {
            let activations = taps_only(network, picture, taps);
            let target = |tap: &Tap| activations.of(tap.layer).view().to_owned();
            let losses = (taps.iter())
                .map(|tap| (*tap, ContentLoss::new(target(tap))))
                .collect();
            network.discard(activations);
            losses
        });
        Self {
            content,
            style: region::losses(
                network,
                targets.regions,
                targets.style_taps,
                targets.statistic,
            ),
            tv_weight: targets.tv_weight,
            normalize: targets.normalize,
        }
    }

    /// What the losses tap.
    fn taps(&self) -> Vec<Tap> {
        let content = self.content.iter().map(|(tap, _)| *tap);
        content
            .chain(self.style.iter().map(|(tap, _)| *tap))
            .collect()
    }

    /// The losses of the picture `x` (H×W×3), and the gradient of their total with respect to it, or what
    /// [`Targets::normalize`] makes of it.
    ///
    /// Here and in [`new`](Self::new), and nowhere else, the tapped activations of a whole picture exist at once.
    ///
    /// # Panics
    /// If `x` has another size than the content picture while a content layer is tapped, or than a region's mask.
    pub fn evaluate(&self, network: &Network<T>, x: &Array3<T>) -> (Losses, Array3<T>) {
        let workspace = network.workspace();
        let activations = taps_only(network, x, &self.taps());
        // A loss and its gradient are computed together, while the layer is passed on the way back: what they share is large.
        let mut content = vec![0.0; self.content.len()];
        let mut style = vec![0.0; self.style.len()];
        let mut gradient = if activations.is_empty() {
            Array3::zeros(x.dim())
        } else {
            network.backward(activations, |layer, f, df| {
                for ((tap, loss), value) in self.content.iter().zip(&mut content) {
                    if tap.layer == layer {
                        *value = tap.weight * loss.value(f);
                        self.add(tap.weight, df, workspace, |weight, df| {
                            loss.add_gradient(f, weight, df);
                        });
                    }
                }
                for ((tap, loss), value) in self.style.iter().zip(&mut style) {
                    if tap.layer == layer {
                        let residual = loss.residual(f, workspace);
                        *value = tap.weight * residual.loss();
                        self.add(tap.weight, df, workspace, |weight, df| {
                            loss.add_gradient(f, &residual, weight, df, workspace);
                        });
                        residual.recycle(workspace);
                    }
                }
            })
        };
        let mut losses = Losses {
            content: content.iter().sum(),
            style: style.iter().sum(),
            tv: 0.0,
        };
        if self.tv_weight != 0.0 {
            let padding = network.padding();
            losses.tv = self.tv_weight * total_variation::value(x, padding);
            total_variation::add_gradient(x, padding, self.tv_weight, &mut gradient);
        }
        (losses, gradient)
    }

    /// Adds what `add_gradient`, called with a weight, adds: with this `weight`, or with one that makes its L1 norm so large.
    fn add(
        &self,
        weight: f64,
        df: &mut Array3<T>,
        workspace: &Workspace<T>,
        add_gradient: impl Fn(f64, &mut Array3<T>),
    ) {
        if !self.normalize {
            return add_gradient(weight, df);
        }
        let mut alone = workspace.array(df.dim());
        alone.fill(T::zero());
        add_gradient(1.0, &mut alone);
        let norm = sum_pairs(&alone, &alone, |g, _| g.abs());
        let scale = T::of(weight / (norm + LEAST_NORM));
        Zip::from(df)
            .and(&alone)
            .par_for_each(|df, &g| *df += scale * g);
        workspace.recycle(alone);
    }
}

/// The activations of the picture `x` down to the deepest of `taps`, of which those at the taps are kept.
fn taps_only<T: Scalar>(network: &Network<T>, x: &Array3<T>, taps: &[Tap]) -> Activations<T> {
    let depth = taps.iter().map(|tap| tap.layer + 1).max().unwrap_or(0);
    network.forward(x, depth, |layer| taps.iter().any(|tap| tap.layer == layer))
}
