//! Pictures in floating point, before they are rounded to 8 or 16 bits.

use super::{Picture, Size};
use crate::method::BigArray;
use crate::vgg::MEAN;
use image::{GrayImage, RgbImage};
use ndarray::{Array3, Axis};

/// Rows that are copied at a time.
const ROWS: usize = 64;

/// An sRGB picture in floating point, with an optional alpha channel. The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatPicture {
    /// H×W×3 RGB. Black is 0 and white is 255; values may lie outside.
    pub(super) pixels: Array3<f32>,
    /// H×W, 0 is transparent. `None` if the picture is opaque.
    pub(super) alpha: Option<GrayImage>,
}

impl FloatPicture {
    /// Adds [`MEAN`] to `x`, an array H×W×3 as [`Picture::to_array`] returns it. The picture is opaque.
    ///
    /// # Panics
    /// If `x` does not have 3 channels.
    pub fn from_array(x: &Array3<f32>) -> Self {
        assert_eq!(x.dim().2, 3, "a picture has 3 channels");
        let pixels = x + &ndarray::arr1(&MEAN);
        Self {
            pixels,
            alpha: None,
        }
    }

    /// The same of the part of `x` that lies `border` inside its edges.
    ///
    /// # Panics
    /// As [`from_array`](Self::from_array), and if the border is wider than the picture.
    pub(crate) fn inside(x: &BigArray<f32>, border: usize) -> Self {
        let (height, width, channels) = x.dim();
        let (rows, columns) = (height - 2 * border, width - 2 * border);
        let mut pixels = Array3::zeros((rows, columns, channels));
        let column = border as isize;
        for (chunk, mut pixels) in (0..).zip(pixels.axis_chunks_iter_mut(Axis(0), ROWS)) {
            let row = (border + chunk * ROWS) as isize;
            let lines = row..row + pixels.dim().0 as isize;
            let part = x.part(lines, column..column + columns as isize);
            pixels.assign(&(part + &ndarray::arr1(&MEAN)));
        }
        Self {
            pixels,
            alpha: None,
        }
    }

    /// The width and height.
    pub fn size(&self) -> Size {
        Size::of_array(&self.pixels)
    }

    /// This picture with the alpha channel of `picture`.
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn with_alpha_of(self, picture: &Picture) -> Self {
        assert_eq!(self.size(), picture.size(), "the sizes must be equal");
        Self {
            alpha: picture.alpha.clone(),
            ..self
        }
    }

    /// Rounds to 8 bits per channel. Values below 0 and above 255 are clamped.
    pub fn to_picture(&self) -> Picture {
        let Size { width, height } = self.size();
        // `as` clamps.
        let levels = self.pixels.iter().map(|value| value.round() as u8);
        Picture {
            rgb: RgbImage::from_vec(width, height, levels.collect()).expect("the sizes are equal"),
            alpha: self.alpha.clone(),
        }
    }
}

impl From<&Picture> for FloatPicture {
    fn from(picture: &Picture) -> Self {
        let Size { width, height } = picture.size();
        let shape = (height as usize, width as usize, 3);
        let levels = picture.rgb.as_raw().iter().map(|&level| f32::from(level));
        Self {
            pixels: Array3::from_shape_vec(shape, levels.collect()).expect("the sizes are equal"),
            alpha: picture.alpha.clone(),
        }
    }
}
