//! What a network expects of its pixels, and how that is folded into its first convolution.

use super::ConvWeights;
use crate::vgg::MEAN;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The pixels that a network was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Convention {
    /// RGB, 0..255, less a mean: as this program has them.
    CaffeRgb,
    /// BGR, 0..255, less a mean: the networks that Simonyan and Zisserman published.
    CaffeBgr,
    /// RGB, 0..1, less a mean and divided by a standard deviation: those that torchvision trained.
    Torchvision,
}

/// Torchvision's mean, 0..1.
const TORCHVISION_MEAN: [f64; 3] = [0.485, 0.456, 0.406];

/// Torchvision's standard deviation, 0..1.
const TORCHVISION_DEVIATION: [f64; 3] = [0.229, 0.224, 0.225];

impl Convention {
    /// The names that [`FromStr`] takes.
    pub const NAMES: [&str; 3] = ["caffe-rgb", "caffe-bgr", "torchvision"];

    /// What is subtracted from a pixel 0..255, and by what it is then divided, in the order of the network's channels.
    /// `mean` is the one that the file states, if it does.
    fn standardisation(self, mean: Option<[f64; 3]>) -> ([f64; 3], [f64; 3]) {
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

    /// Makes a first convolution that was trained on such pixels one for RGB 0..255 less [`MEAN`].
    ///
    /// The network sees u = (p − m) / s of the pixel p, and is given x = p − MEAN, so u = (x + MEAN − m) / s and
    ///
    /// W ∗ u + b = (W / s) ∗ x + (b + Σ W (MEAN − m) / s),
    ///
    /// the sum over the kernel's positions and input channels. It is computed in `f64` and rounded once. At the picture's
    /// border zero padding stands for the colour m in one and for MEAN in the other: for torchvision's weights that
    /// is a difference of half a grey level, for the others none.
    pub(super) fn fold(self, mean: Option<[f64; 3]>, conv: &mut ConvWeights) {
        let (mean, deviation) = self.standardisation(mean);
        if self == Self::CaffeBgr {
            conv.kernel.invert_axis(ndarray::Axis(2));
            conv.kernel = conv.kernel.as_standard_layout().into_owned();
        }
        let in_rgb = |[a, b, c]: [f64; 3]| match self {
            Self::CaffeBgr => [c, b, a],
            Self::CaffeRgb | Self::Torchvision => [a, b, c],
        };
        let (mean, deviation) = (in_rgb(mean), in_rgb(deviation));
        // Both as f32 first: the mean that everybody writes as 123.68 makes no difference at all.
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

    /// `RGB, 0..255, less the mean (123.68, 116.779, 103.939)`. `mean` is the one that the file states, if it does.
    pub fn describe(self, mean: Option<[f64; 3]>) -> String {
        let (mean, deviation) = self.standardisation(mean);
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
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::CaffeRgb, Self::CaffeBgr, Self::Torchvision];
        (all.into_iter()
            .find(|convention| convention.to_string() == name))
        .ok_or_else(|| format!("write one of {}", Self::NAMES.join(", ")))
    }
}
