//! The picture that a run begins with.

use super::{Init, Settings, size_of};
use crate::vgg::MEAN;
use ndarray::Array3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The classic noise reaches this far about the mean, either way.
const CLASSIC_NOISE: f32 = 20.0;

/// The first picture (H×W×3, RGB 0..255 less the mean), of the shape of `content`.
///
/// The noise comes from a PCG generator, row by row, pixel by pixel, and is the same on every machine.
pub(super) fn initial(settings: &Settings, content: &Array3<f32>) -> Array3<f32> {
    let mut noise = Pcg64Mcg::seed_from_u64(settings.seed);
    match &settings.init {
        Init::Content => content.clone(),
        Init::Noise => {
            let ratio = settings.noise_ratio as f32;
            content.mapv(|pixel| {
                ratio * noise.random_range(-CLASSIC_NOISE..CLASSIC_NOISE) + (1.0 - ratio) * pixel
            })
        }
        Init::Random => {
            let (height, width, channels) = content.dim();
            Array3::from_shape_fn((height, width, channels), |(_, _, c)| {
                noise.random_range(0.0..255.0) - MEAN[c]
            })
        }
        Init::Picture(picture) => picture.fit(size_of(content)).to_array(),
    }
}
