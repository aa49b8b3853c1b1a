//! What is minimised: the weighted sum of content, style and total-variation losses, as a function of the pixels.

pub mod content;
pub mod style;
pub mod total_variation;

use crate::network::{Activations, Network};
use crate::ops::Scalar;
use crate::ops::workspace::Workspace;
use content::ContentLoss;
use ndarray::Array3;
use style::StyleLoss;

/// The losses of one picture, each already times its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// How far the content layers' activations are from the photograph's.
    pub content: f64,
    /// How far the style layers' Gram matrices are from the painting's.
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

/// Total loss = Σ wₗ·content lossₗ + Σ wₗ·style lossₗ + w·total variation, and its gradient with respect to the pixels.
pub struct Objective<T> {
    content: Vec<(Tap, ContentLoss<T>)>,
    style: Vec<(Tap, StyleLoss<T>)>,
    tv_weight: f64,
}

impl<T: Scalar> Objective<T> {
    /// An objective with the activations of the picture `content` and the Gram matrices of the picture `style` (each
    /// H×W×3, RGB 0..255 less the mean) as targets.
    ///
    /// # Panics
    /// If the network has fewer layers than the taps ask for.
    pub fn new(
        network: &Network<T>,
        (content, content_taps): (&Array3<T>, &[Tap]),
        (style, style_taps): (&Array3<T>, &[Tap]),
        tv_weight: f64,
    ) -> Self {
        let of_content = taps_only(network, content, content_taps);
        let content = (content_taps.iter())
            .map(|&tap| {
                (
                    tap,
                    ContentLoss::new(of_content.of(tap.layer).view().to_owned()),
                )
            })
            .collect();
        network.discard(of_content);
        let of_style = taps_only(network, style, style_taps);
        let style = (style_taps.iter())
            .map(|&tap| {
                (
                    tap,
                    StyleLoss::new(of_style.of(tap.layer), network.workspace()),
                )
            })
            .collect();
        network.discard(of_style);
        Self {
            content,
            style,
            tv_weight,
        }
    }

    /// What the losses tap.
    fn taps(&self) -> Vec<Tap> {
        let content = self.content.iter().map(|(tap, _)| *tap);
        content
            .chain(self.style.iter().map(|(tap, _)| *tap))
            .collect()
    }

    /// The losses of the picture `x` (H×W×3), and the gradient of their total with respect to it.
    ///
    /// Here and in [`new`](Self::new), and nowhere else, the tapped activations of the whole picture exist at once.
    ///
    /// # Panics
    /// If `x` has another size than the content picture while a content layer is tapped.
    pub fn evaluate(&self, network: &Network<T>, x: &Array3<T>) -> (Losses, Array3<T>) {
        let activations = taps_only(network, x, &self.taps());
        let (mut losses, gram_residuals) = self.tapped(&activations, network.workspace());
        let mut gradient = if activations.is_empty() {
            Array3::zeros(x.dim())
        } else {
            network.backward(activations, |layer, f, df| {
                for (tap, loss) in self.content.iter().filter(|(tap, _)| tap.layer == layer) {
                    loss.add_gradient(f, tap.weight, df);
                }
                for ((tap, loss), residual) in self.style.iter().zip(&gram_residuals) {
                    if tap.layer == layer {
                        loss.add_gradient(f, residual, tap.weight, df, network.workspace());
                    }
                }
            })
        };
        if self.tv_weight != 0.0 {
            let padding = network.padding();
            losses.tv = self.tv_weight * total_variation::value(x, padding);
            total_variation::add_gradient(x, padding, self.tv_weight, &mut gradient);
        }
        (losses, gradient)
    }

    /// The losses at the tapped layers, and what the style losses' gradients need: G − A for each.
    fn tapped(
        &self,
        activations: &Activations<T>,
        workspace: &Workspace<T>,
    ) -> (Losses, Vec<style::Residual<T>>) {
        let content = (self.content.iter())
            .map(|(tap, loss)| tap.weight * loss.value(activations.of(tap.layer)))
            .sum();
        let residuals: Vec<_> = (self.style.iter())
            .map(|(tap, loss)| loss.residual(activations.of(tap.layer), workspace))
            .collect();
        let style = (self.style.iter().zip(&residuals))
            .map(|((tap, _), residual)| tap.weight * residual.loss())
            .sum();
        let losses = Losses {
            content,
            style,
            tv: 0.0,
        };
        (losses, residuals)
    }
}

/// The activations of the picture `x` down to the deepest of `taps`, of which those at the taps are kept.
fn taps_only<T: Scalar>(network: &Network<T>, x: &Array3<T>, taps: &[Tap]) -> Activations<T> {
    let depth = taps.iter().map(|tap| tap.layer + 1).max().unwrap_or(0);
    network.forward(x, depth, |layer| taps.iter().any(|tap| tap.layer == layer))
}
