//! Pictures: from a file to the array that the network sees, and back.
//!
//! [`read`](Picture::open) decodes, turns upright and flattens a file to 8-bit sRGB; [`fit`](Picture::fit) crops and scales;
//! [`to_array`](Picture::to_array) subtracts the mean. What comes out of a run is a [`Canvas`], not yet rounded; [`OutputFile`]
//! is the way back to a file, in an [`Encoding`].

mod canvas;
mod color;
mod encode;
mod fit;
mod inks;
mod profile;
mod read;
mod text;
mod write;

pub use canvas::Canvas;
pub use encode::{Depth, Encoding};
pub use fit::{Size, SizeRequest, resize, resize_torus};
pub use read::MOST_PIXELS;
pub use text::read_text;
pub use write::{ENDINGS, OutputFile};

use crate::vgg::MEAN;
use image::{GrayImage, RgbImage};
use ndarray::{Array2, Array3};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// An upright sRGB picture with 8 bits a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Laid on white where it was transparent.
    rgb: RgbImage,
    /// How opaque it was; none if wholly.
    alpha: Option<GrayImage>,
}

/// Why a picture file cannot be read or written. Displayed as one line: the file, and what is wrong with it.
#[derive(Debug, Error)]
#[error("{}: {trouble}", path.display())]
pub struct PictureError {
    path: PathBuf,
    trouble: String,
}

impl PictureError {
    fn new(path: &Path, trouble: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            trouble: trouble.into(),
        }
    }
}

impl Picture {
    /// Width and height.
    pub fn size(&self) -> Size {
        let (width, height) = self.rgb.dimensions();
        Size { width, height }
    }

    /// Whether nothing was transparent.
    pub fn is_opaque(&self) -> bool {
        self.alpha.is_none()
    }

    /// Its pixels.
    pub(crate) fn image(&self) -> &RgbImage {
        &self.rgb
    }

    /// The array that the network sees: H×W×3, RGB 0..255 less [`MEAN`].
    pub fn to_array(&self) -> Array3<f32> {
        let Size { width, height } = self.size();
        Array3::from_shape_fn((height as usize, width as usize, 3), |(i, j, c)| {
            f32::from(self.rgb.get_pixel(j as u32, i as u32)[c]) - MEAN[c]
        })
    }

    /// H×W weights, from 0 where the picture is black to 1 where it is white.
    pub fn to_mask(&self) -> Array2<f32> {
        let Size { width, height } = self.size();
        let grey = self.luminance();
        Array2::from_shape_fn((height as usize, width as usize), |(i, j)| {
            f32::from(grey.rgb.get_pixel(j as u32, i as u32)[0]) / 255.0
        })
    }

    /// The picture of an array H×W×3 as [`to_array`](Self::to_array) makes it: the mean added, rounded, and cut off at 0
    /// and 255.
    ///
    /// # Panics
    /// If there are not 3 channels.
    pub fn from_array(x: &Array3<f32>) -> Self {
        Canvas::from_array(x).to_picture()
    }
}

impl From<RgbImage> for Picture {
    fn from(rgb: RgbImage) -> Self {
        Self { rgb, alpha: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn a_picture_survives_the_way_to_the_network_and_back() {
        let picture = Picture::from(RgbImage::from_fn(256, 3, |x, y| {
            Rgb([x as u8, 255 - x as u8, y as u8])
        }));
        assert_eq!(Picture::from_array(&picture.to_array()), picture);
    }

    #[test]
    fn values_beyond_the_range_are_cut_off() {
        let x = Array3::from_shape_vec((1, 2, 3), vec![-500., 0., 500., 1e30, -1e30, 0.4]).unwrap();
        let picture = Picture::from_array(&x);
        assert_eq!(picture.rgb.into_raw(), [0, 117, 255, 255, 0, 104]);
    }
}
