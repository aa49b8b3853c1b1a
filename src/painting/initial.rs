//! The first picture of a run.

use super::build::fitted;
use super::pictures::Pictures;
use super::settings::Init;
use super::{Settings, border};
use crate::files::picture::{Picture, Size};
use crate::method::BigArray;
use crate::method::big_array::Storage;
use crate::vgg::MEAN;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::ops::Range;

/// The classic noise is uniform within this distance of the mean color.
const CLASSIC_NOISE: f32 = 20.0;

/// Rows that get their noise at a time.
const ROWS: usize = 64;

/// These rows of the first picture (H×W×3, RGB 0..255 less the mean) of this size plus its border, kept in this storage.
///
/// The noise comes from a PCG generator, row by row and pixel by pixel. It is the same on every machine.
///
/// # Panics
/// If the settings ask for a picture that is not there. They are checked before.
pub(super) fn initial(
    settings: &Settings,
    pictures: &Pictures,
    size: Size,
    border: usize,
    own: Range<usize>,
    storage: &Storage,
) -> BigArray<f32> {
    let rows = own.start as isize..own.end as isize;
    let mut noise = Pcg64Mcg::seed_from_u64(settings.seed);
    let fitted = |picture: &Option<Picture>| {
        let picture = picture.as_ref();
        let picture = picture.expect("the settings are checked: the picture is there");
        fitted(picture, size, border, &rows, storage)
    };
    match &settings.init {
        Init::Content => fitted(&pictures.content),
        Init::Noise => {
            let ratio = settings.noise_ratio as f32;
            let mut x = fitted(&pictures.content);
            change(&mut x, own.start, |_, pixel| {
                ratio * noise.random_range(-CLASSIC_NOISE..CLASSIC_NOISE) + (1.0 - ratio) * pixel
            });
            x
        }
        Init::Random => {
            let width = border::around(size, border).width as usize;
            let mut x = BigArray::zeros((own.len(), width, 3), storage);
            change(&mut x, own.start, |c, _| {
                noise.random_range(0.0..255.0) - MEAN[c]
            });
            x
        }
        Init::File(_) => fitted(&pictures.initial),
    }
}

/// Replaces each value of `x` by `new(channel, value)`, in memory order, as if there were `before` more rows before it.
fn change(x: &mut BigArray<f32>, before: usize, mut new: impl FnMut(usize, f32) -> f32) {
    let (height, width, channels) = x.dim();
    for value in 0..before * width * channels {
        new(value % channels, 0.0);
    }
    for first in (0..height).step_by(ROWS) {
        let mut rows = x.rows(first..(first + ROWS).min(height));
        for ((_, _, c), value) in rows.indexed_iter_mut() {
            *value = new(c, *value);
        }
        x.set_rows(first, &rows);
    }
}
