//! What a picture is to come close to: a photograph, paintings, and the layers where they are compared.

use super::Compared;
use crate::method::{Scalar, StyleLossKind};
use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

/// A layer where a loss is computed, by its number in the network, and the factor of the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    /// The layer.
    pub layer: usize,
    /// The layer's weight times the weight of all losses of this kind.
    pub weight: f64,
}

/// A part of the painted picture, and the style that it is to be painted in. `P` is how pictures are represented, and `M` how masks
/// are: as files' contents, or as arrays of one size of a run.
#[derive(Clone, Debug)]
pub struct Region<P, M> {
    /// Their mixture is the style. If there are none, the region has an area, and nothing is wanted of it.
    pub styles: Vec<Style<P, M>>,
    /// How much each pixel of the painted picture belongs to the region, 0 to 1. Without a mask it is the whole picture.
    pub mask: Option<M>,
}

/// A painting whose style is wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Style<P, M> {
    /// The painting.
    pub picture: P,
    /// How much each pixel of the painting counts, 0 to 1. Without a mask all count alike.
    pub mask: Option<M>,
    /// Its share of the mixture, above 0. What counts is the ratio of the shares.
    pub share: f64,
}

impl<P, M> Region<P, M> {
    /// The whole picture, in the mixture of these styles.
    pub fn everywhere(styles: Vec<Style<P, M>>) -> Self {
        Self { styles, mask: None }
    }
}

impl<P, M> Style<P, M> {
    /// All of this painting, with a share of 1.
    pub fn whole(picture: P) -> Self {
        Self {
            picture,
            mask: None,
            share: 1.0,
        }
    }
}

/// What a picture is to come close to. `P` is how the photograph and the paintings are held.
pub struct Targets<'a, T, P = Array3<T>> {
    /// The photograph (H×W×3, RGB 0..255 less the mean), and where content is compared.
    pub content: Option<(&'a P, &'a [Tap])>,
    /// Which style is wanted where. Paintings are arrays H×W×3 of any size, RGB 0..255 less the mean; masks have the size of their
    /// picture.
    pub regions: &'a [Region<P, Array2<T>>],
    /// Where style is compared.
    pub style_taps: &'a [Tap],
    /// How photograph, paintings and picture are compared.
    pub compared: Compared<'a, T>,
    /// How the style of a layer is compared, if each is compared by itself.
    pub style_loss: StyleLossKind,
    /// The factor of the total variation.
    pub tv_weight: f64,
    /// How much diagonal neighbors count in it.
    pub tv_diagonals: f64,
    /// Whether each tapped loss's gradient at its layer is divided by its L1 norm before it is multiplied by the weight
    /// (`-normalize_gradients` of J. Johnson's neural-style). The sum is then *not* the gradient of the reported losses, nor of any
    /// other function. Adam can follow it; a line search need not succeed.
    pub normalize: bool,
}

impl<T: Copy, P> Clone for Targets<'_, T, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, P> Copy for Targets<'_, T, P> {}

/// Each region's share of the area of all: Σ w over the pixels of its mask, over the sum of that over all regions. A region
/// without a mask counts as if its mask were 1 everywhere.
pub(super) fn areas<T: Scalar, P>(regions: &[Region<P, Array2<T>>]) -> Vec<f64> {
    let sum = |mask: &Array2<T>| mask.iter().map(|w| w.as_f64()).sum();
    let whole = regions.iter().find_map(|region| region.mask.as_ref());
    let whole = whole.map_or(1.0, |mask| mask.len() as f64);
    let areas: Vec<f64> = regions
        .iter()
        .map(|region| region.mask.as_ref().map_or(whole, sum))
        .collect();
    let all: f64 = areas.iter().sum();
    let share = |area| if all > 0.0 { area / all } else { 0.0 };
    areas.into_iter().map(share).collect()
}

/// How many layers a network needs to have all of these taps.
pub(crate) fn depth(taps: &[Tap]) -> usize {
    layers(taps).map(|layer| layer + 1).max().unwrap_or(0)
}

/// The weight of taps that all have the same; 0 if there are none.
pub(crate) fn common_weight(taps: &[Tap]) -> f64 {
    taps.first().map_or(0.0, |tap| tap.weight)
}

pub(super) fn layers(taps: &[Tap]) -> impl Iterator<Item = usize> + '_ {
    taps.iter().map(|tap| tap.layer)
}
