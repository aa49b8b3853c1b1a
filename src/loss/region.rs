//! Regions of the painted picture, each with a style of its own, and the masks that say where they are (Gatys, Ecker, Bethge,
//! Hertzmann and Shechtman 2017, Controlling Perceptual Factors in Neural Style Transfer, section 4: guided Gram matrices).

use super::Tap;
use super::style::{Sample, Statistic, StyleLoss, Target};
use super::taps_only;
use crate::network::Network;
use crate::ops::Scalar;
use crate::ops::pool::{self, Pooling};
use crate::ops::workspace::Workspace;
use ndarray::{Array2, Array3, Axis};

/// A part of the painted picture, and the styles that it is to be painted in.
#[derive(Clone, Copy)]
pub struct Region<'a, T> {
    /// Their mixture is what it is compared with.
    pub styles: &'a [StylePicture<'a, T>],
    /// How much each pixel of the painted picture belongs to it, H×W, 0 to 1; all of it if there is no mask.
    pub mask: Option<&'a Array2<T>>,
}

/// A picture whose style counts.
#[derive(Clone, Copy)]
pub struct StylePicture<'a, T> {
    /// H×W×3, RGB 0..255 less the mean, of any height and width.
    pub picture: &'a Array3<T>,
    /// How much of each of its pixels is looked at, H×W, 0 to 1; all of it if there is no mask.
    pub mask: Option<&'a Array2<T>>,
    /// Its part of the mixture, above 0; what counts is the ratio to the others'.
    pub share: f64,
}

impl<'a, T> Region<'a, T> {
    /// The whole picture, in the mixture of these styles.
    pub fn everywhere(styles: &'a [StylePicture<'a, T>]) -> Self {
        Self { styles, mask: None }
    }
}

impl<'a, T> StylePicture<'a, T> {
    /// All of this picture, with a share of 1.
    pub fn whole(picture: &'a Array3<T>) -> Self {
        Self {
            picture,
            mask: None,
            share: 1.0,
        }
    }
}

/// The style losses of all regions: a loss for each region and tap, with the tap's weight times the region's share of the area.
///
/// That share is Σ w over its mask's pixels, of the sum of that over all regions; a region without a mask counts as one whose
/// mask is 1 everywhere, if the others tell the picture's size.
pub(super) fn losses<T: Scalar>(
    network: &Network<T>,
    regions: &[Region<T>],
    taps: &[Tap],
    statistic: Statistic,
) -> Vec<(Tap, StyleLoss<T>)> {
    let mut losses = Vec::new();
    for (region, share) in regions.iter().zip(shares(regions)) {
        let mut targets: Vec<_> = taps.iter().map(|_| Target::new(statistic)).collect();
        // One picture after the other, so that the activations of one exist at a time.
        for style in region.styles {
            let activations = taps_only(network, style.picture, taps);
            for (tap, target) in taps.iter().zip(&mut targets) {
                let mask = style.mask.map(|mask| at_layer(network, mask, tap.layer));
                let sample = Sample {
                    activations: activations.of(tap.layer),
                    mask: mask.as_ref(),
                    share: style.share,
                };
                target.add(sample, network.workspace());
            }
            network.discard(activations);
        }
        for (tap, target) in taps.iter().zip(targets) {
            let mask = region.mask.map(|mask| at_layer(network, mask, tap.layer));
            let tap = Tap {
                weight: tap.weight * share,
                ..*tap
            };
            losses.push((tap, target.loss(mask)));
        }
    }
    losses
}

/// Each region's share of the area of all.
fn shares<T: Scalar>(regions: &[Region<T>]) -> Vec<f64> {
    let sum = |mask: &Array2<T>| mask.iter().map(|w| w.as_f64()).sum();
    let whole = regions.iter().find_map(|region| region.mask);
    let whole = whole.map_or(1.0, |mask| mask.len() as f64);
    let areas: Vec<f64> = regions
        .iter()
        .map(|region| region.mask.map_or(whole, sum))
        .collect();
    let all: f64 = areas.iter().sum();
    let share = |area| if all > 0.0 { area / all } else { 0.0 };
    areas.into_iter().map(share).collect()
}

/// A picture's mask as a layer sees it: averaged over 2×2 cells at each pooling before it, however the network pools.
fn at_layer<T: Scalar>(network: &Network<T>, mask: &Array2<T>, layer: usize) -> Array2<T> {
    let mask = mask.as_standard_layout().into_owned().insert_axis(Axis(2));
    let halve =
        |mask: Array3<T>, _| pool::forward(Pooling::Average, &mask, &Workspace::default()).0;
    let mask = (0..network.poolings(layer)).fold(mask, halve);
    mask.remove_axis(Axis(2))
}
