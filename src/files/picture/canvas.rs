//! What a run paints on: colours in floating point, of which a file keeps 8 or 16 bits.

use super::{Picture, Size};
use crate::vgg::MEAN;
use image::{GrayImage, RgbImage};
use ndarray::Array3;

/// A finished picture: RGB in floating point, and perhaps how opaque it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Canvas {
    /// H×W×3, black 0 and white 255, and beyond.
    pub(super) pixels: Array3<f32>,
    /// Of the same size.
    pub(super) alpha: Option<GrayImage>,
}

impl Canvas {
    /// The picture of an array H×W×3 as [`Picture::to_array`] makes it: the mean added.
    ///
    /// # Panics
    /// If there are not 3 channels.
    pub fn from_array(x: &Array3<f32>) -> Self {
        assert_eq!(x.dim().2, 3, "a picture is red, green and blue");
        let pixels = x + &ndarray::arr1(&MEAN);
        Self {
            pixels,
            alpha: None,
        }
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        Size::of_array(&self.pixels)
    }

    /// This canvas, as opaque as `picture` of the same size was.
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn with_alpha_of(self, picture: &Picture) -> Self {
        assert_eq!(self.size(), picture.size(), "the two must have one size");
        Self {
            alpha: picture.alpha.clone(),
            ..self
        }
    }

    /// The picture with 8 bits a channel: rounded, and cut off at 0 and 255.
    pub fn to_picture(&self) -> Picture {
        let Size { width, height } = self.size();
        // `as` cuts off.
        let levels = self.pixels.iter().map(|value| value.round() as u8);
        Picture {
            rgb: RgbImage::from_vec(width, height, levels.collect()).expect("it has this size"),
            alpha: self.alpha.clone(),
        }
    }
}

impl From<&Picture> for Canvas {
    fn from(picture: &Picture) -> Self {
        let Size { width, height } = picture.size();
        let shape = (height as usize, width as usize, 3);
        let levels = picture.rgb.as_raw().iter().map(|&level| f32::from(level));
        Self {
            pixels: Array3::from_shape_vec(shape, levels.collect()).expect("it has this size"),
            alpha: picture.alpha.clone(),
        }
    }
}
