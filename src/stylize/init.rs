//! The picture that a run begins with.

use super::{Init, Settings, border};
use crate::files::picture::Size;
use crate::vgg::MEAN;
use ndarray::Array3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The classic noise reaches this far about the mean, either way.
const CLASSIC_NOISE: f32 = 20.0;

/// The first picture (H×W×3, RGB 0..255 less the mean) of this size, with its border; `content`, if there is one, has it
/// too.
///
/// The noise comes from a PCG generator, row by row, pixel by pixel, and is the same on every machine.
///
/// # Panics
/// If it is to begin with a photograph, and there is none: settings are checked before.
pub(super) fn initial(
    settings: &Settings,
    size: Size,
    border: usize,
    content: Option<&Array3<f32>>,
) -> Array3<f32> {
    let mut noise = Pcg64Mcg::seed_from_u64(settings.seed);
    let content = || content.expect("a photograph to begin with");
    match &settings.init {
        Init::Content => content().clone(),
        Init::Noise => {
            let ratio = settings.noise_ratio as f32;
            content().mapv(|pixel| {
                ratio * noise.random_range(-CLASSIC_NOISE..CLASSIC_NOISE) + (1.0 - ratio) * pixel
            })
        }
        Init::Random => {
            let whole = border::around(size, border);
            let shape = (whole.height as usize, whole.width as usize, 3);
            Array3::from_shape_fn(shape, |(_, _, c)| noise.random_range(0.0..255.0) - MEAN[c])
        }
        Init::Picture(picture) => border::mirrored(&picture.fit(size).to_array(), border),
    }
}
