//! The pixels that a network expects, and how its first convolution is converted to those of this program.

use super::{ConvWeights, UnknownConvention};
use crate::vgg::MEAN;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The pixels that a network was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Convention {
    /// RGB in 0..255, minus a mean: the pixels of this program.
    CaffeRgb,
    /// BGR in 0..255, minus a mean: the networks that Simonyan and Zisserman published.
    CaffeBgr,
    /// RGB in 0..1, minus a mean, divided by a standard deviation: the networks that torchvision trained.
    Torchvision,
}

/// Torchvision's mean, in 0..1.
const TORCHVISION_MEAN: [f64; 3] = [0.485, 0.456, 0.406];

/// Torchvision's standard deviation, in 0..1.
const TORCHVISION_DEVIATION: [f64; 3] = [0.229, 0.224, 0.225];

impl Convention {
    /// The names that [`FromStr`] accepts.
    pub const NAMES: [&str; 3] = ["caffe-rgb", "caffe-bgr", "torchvision"];

    /// The mean m and the standard deviation s with which a pixel p in 0..255 is normalized, (p − m) / s, in the order of the
    /// network's channels. `mean` replaces the usual m if the file states another.
    fn normalization(self, mean: Option<[f64; 3]>) -> ([f64; 3], [f64; 3]) {
        let [red, green, blue] = MEAN.map(f64::from);
        let (usual, deviation) = match self {
            Self::CaffeRgb => ([red, green, blue], [1.0; 3]),
            Self::CaffeBgr => ([blue, green, red], [1.0; 3]),
            Self::Torchvision => (
                TORCHVISION_MEAN.map(|m| 255.0 * m),
                TORCHVISION_DEVIATION.map(|s| 255.0 * s),
            ),
        };
        (mean.unwrap_or(usual), deviation)
    }

    /// Converts a first convolution that was trained on such pixels into one for RGB in 0..255 minus [`MEAN`].
    ///
    /// The network was trained on u = (p − m) / s of the pixel p. It is given x = p − MEAN, so u = (x + MEAN − m) / s and
    ///
    /// W ∗ u + b = (W / s) ∗ x + (b + Σ W (MEAN − m) / s),
    ///
    /// with the sum over the kernel's positions and input channels. This is computed in `f64` and rounded once.
    ///
    /// Zero padding at the border of the picture means the color m before and the color MEAN after. For torchvision's weights
    /// these differ by half a gray level, for the others not at all.
    pub(super) fn fold(self, mean: Option<[f64; 3]>, conv: &mut ConvWeights) {
        let (mean, deviation) = self.normalization(mean);
        if self == Self::CaffeBgr {
            conv.kernel.invert_axis(ndarray::Axis(2));
            conv.kernel = conv.kernel.as_standard_layout().into_owned();
        }
        let to_rgb = |[a, b, c]: [f64; 3]| match self {
            Self::CaffeBgr => [c, b, a],
            Self::CaffeRgb | Self::Torchvision => [a, b, c],
        };
        let (mean, deviation) = (to_rgb(mean), to_rgb(deviation));
        // Both means are compared as f32: a mean of 123.68 in f64 must give a shift of exactly 0.
        let shift: [f64; 3] =
            std::array::from_fn(|c| f64::from(MEAN[c] - mean[c] as f32) / deviation[c]);
        if shift != [0.0; 3] {
            let mut bias = conv.bias.mapv(f64::from);
            for ((_, _, c, o), &w) in conv.kernel.indexed_iter() {
                bias[o] += f64::from(w) * shift[c];
            }
            conv.bias = bias.mapv(|b| b as f32);
        }
        for (c, mut weights) in conv.kernel.axis_iter_mut(ndarray::Axis(2)).enumerate() {
            weights.mapv_inplace(|w| (f64::from(w) / deviation[c]) as f32);
        }
    }

    /// One line for display, such as `RGB, 0..255, less the mean (123.68, 116.779, 103.939)`. `mean` replaces the usual mean
    /// if the file states another.
    pub fn describe(self, mean: Option<[f64; 3]>) -> String {
        let (mean, deviation) = self.normalization(mean);
        let list = |values: [f64; 3]| {
            let [a, b, c] = values.map(|value| (value * 1e4).round() / 1e4);
            format!("({a}, {b}, {c})")
        };
        let channels = if self == Self::CaffeBgr { "BGR" } else { "RGB" };
        if self == Self::Torchvision {
            let [mean, deviation] = [mean, deviation].map(|values| values.map(|x| x / 255.0));
            let (mean, deviation) = (list(mean), list(deviation));
            return format!("{channels}, 0..1, less the mean {mean}, divided by {deviation}");
        }
        format!("{channels}, 0..255, less the mean {}", list(mean))
    }
}

impl fmt::Display for Convention {
    /// `caffe-rgb`
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(Self::NAMES[*self as usize])
    }
}

impl FromStr for Convention {
    type Err = UnknownConvention;

    fn from_str(name: &str) -> Result<Self, UnknownConvention> {
        let all = [Self::CaffeRgb, Self::CaffeBgr, Self::Torchvision];
        all.into_iter()
            .find(|convention| convention.to_string() == name)
            .ok_or(UnknownConvention)
    }
}
