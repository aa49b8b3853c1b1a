//! The first picture of a run.

use super::settings::Init;
use super::{Inputs, Settings, border};
use crate::files::picture::Size;
use crate::vgg::MEAN;
use ndarray::Array3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The classic noise is uniform within this distance of the mean color.
const CLASSIC_NOISE: f32 = 20.0;

/// The first picture (H×W×3, RGB 0..255 less the mean) of this size plus its border. `content` is the photograph, with its border.
///
/// The noise comes from a PCG generator, row by row and pixel by pixel. It is the same on every machine.
///
/// # Panics
/// If the settings ask for a picture that is not there. They are checked before.
pub(super) fn initial(
    settings: &Settings,
    inputs: &Inputs,
    size: Size,
    border: usize,
    content: Option<&Array3<f32>>,
) -> Array3<f32> {
    let mut noise = Pcg64Mcg::seed_from_u64(settings.seed);
    let content = || content.expect("the settings are checked: there is a photograph");
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
        Init::File(_) => {
            let picture = (inputs.initial.as_ref()).expect("the settings are checked: it is there");
            border::mirrored(&picture.fit(size).to_array(), border)
        }
    }
}
