//! Pictures: from a file to the array that the network sees, and back.
//!
//! [`read`](Picture::open) decodes, turns upright and flattens a file to 8-bit RGB; [`fit`](Picture::fit) crops and scales;
//! [`to_array`](Picture::to_array) subtracts the mean. [`OutputFile`] is the way back to a file.

mod color;
mod fit;
mod read;
mod write;

pub use fit::{Size, SizeRequest, resize};
pub use read::MOST_PIXELS;
pub use write::{ENDINGS, OutputFile};

use crate::vgg::MEAN;
use image::{Rgb, RgbImage};
use ndarray::{Array2, Array3, s};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// An upright RGB picture with 8 bits a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture(RgbImage);

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
        let (width, height) = self.0.dimensions();
        Size { width, height }
    }

    /// Its pixels.
    pub(crate) fn image(&self) -> &RgbImage {
        &self.0
    }

    /// The picture of these pixels.
    pub(crate) fn from_image(image: RgbImage) -> Self {
        Self(image)
    }

    /// The array that the network sees: H×W×3, RGB 0..255 less [`MEAN`].
    pub fn to_array(&self) -> Array3<f32> {
        let Size { width, height } = self.size();
        Array3::from_shape_fn((height as usize, width as usize, 3), |(i, j, c)| {
            f32::from(self.0.get_pixel(j as u32, i as u32)[c]) - MEAN[c]
        })
    }

    /// H×W weights, from 0 where the picture is black to 1 where it is white.
    pub fn to_mask(&self) -> Array2<f32> {
        let Size { width, height } = self.size();
        let grey = self.luminance();
        Array2::from_shape_fn((height as usize, width as usize), |(i, j)| {
            f32::from(grey.0.get_pixel(j as u32, i as u32)[0]) / 255.0
        })
    }

    /// The picture of an array H×W×3 as [`to_array`](Self::to_array) makes it: the mean added, rounded, and cut off at 0
    /// and 255.
    ///
    /// # Panics
    /// If there are not 3 channels.
    pub fn from_array(x: &Array3<f32>) -> Self {
        let (height, width, channels) = x.dim();
        assert_eq!(channels, 3, "a picture is red, green and blue");
        Self(RgbImage::from_fn(width as u32, height as u32, |j, i| {
            let pixel = x.slice(s![i as usize, j as usize, ..]);
            // `as` cuts off at 0 and 255.
            Rgb(std::array::from_fn(|c| (pixel[c] + MEAN[c]).round() as u8))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_survives_the_way_to_the_network_and_back() {
        let picture = Picture(RgbImage::from_fn(256, 3, |x, y| {
            Rgb([x as u8, 255 - x as u8, y as u8])
        }));
        assert_eq!(Picture::from_array(&picture.to_array()), picture);
    }

    #[test]
    fn values_beyond_the_range_are_cut_off() {
        let x = Array3::from_shape_vec((1, 2, 3), vec![-500., 0., 500., 1e30, -1e30, 0.4]).unwrap();
        let picture = Picture::from_array(&x);
        assert_eq!(picture.0.into_raw(), [0, 117, 255, 255, 0, 104]);
    }
}
