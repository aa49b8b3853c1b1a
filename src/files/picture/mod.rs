//! Pictures: from a file to the input array of the network, and back to a file.
//!
//! [`Picture::open`] decodes a file, turns it upright and converts it to 8-bit sRGB. [`Picture::fit`] crops and scales it.
//! [`Picture::to_array`] subtracts the mean. The result of a run is a [`FloatPicture`], which is not rounded yet.
//! [`OutputFile`] writes it to a file with an [`Encoding`].

mod cmyk;
mod color;
mod encode;
mod encoding;
mod error;
mod fit;
mod float_picture;
mod guided_filter;
mod jpeg;
mod mask;
mod matrix;
mod oklab;
mod painting_colors;
mod png_text;
mod profile;
mod read;
mod resize;
mod serial;
mod size;
pub(crate) mod source;
mod srgb;
mod strips;
mod write;

pub use encoding::{Depth, Encoding, EncodingError, ParseDepthError};
pub use error::{PictureError, PictureErrorKind};
pub(crate) use fit::FittedBlocks;
pub use float_picture::FloatPicture;
pub(crate) use mask::Mask;
pub use png_text::{TextError, read_text};
pub use resize::resize;
pub(crate) use resize::resize_torus;
pub(crate) use resize::{resize_rows, rows_behind};
pub use size::{MAX_PIXELS, ParseSizeError, Size, SizeRequest};
pub use write::{EXTENSIONS, OutputFile};

use crate::vgg::MEAN;
use image::{DynamicImage, GrayImage, RgbImage};
use ndarray::{Array2, Array3};
use std::sync::Arc;

/// An upright sRGB picture with 8 bits per channel. A clone shares its pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Transparent pixels are blended with white.
    rgb: Arc<RgbImage>,
    /// The alpha channel of the file, 0 is transparent. `None` if the picture is opaque.
    alpha: Option<Arc<GrayImage>>,
}

impl Picture {
    fn new(rgb: RgbImage, alpha: Option<GrayImage>) -> Self {
        Self {
            rgb: Arc::new(rgb),
            alpha: alpha.map(Arc::new),
        }
    }

    /// The width and height.
    pub fn size(&self) -> Size {
        let (width, height) = self.rgb.dimensions();
        Size { width, height }
    }

    /// Whether the file had no transparent pixel.
    pub fn is_opaque(&self) -> bool {
        self.alpha.is_none()
    }

    /// The pixels, with transparent ones blended with white.
    pub fn image(&self) -> &RgbImage {
        &self.rgb
    }

    /// The input array of the network: H×W×3, RGB 0..255 minus [`MEAN`].
    pub fn to_array(&self) -> Array3<f32> {
        let Size { width, height } = self.size();
        let all = |edge: u32| (0..edge as usize).collect::<Vec<_>>();
        self.array_at(&all(height), &all(width))
    }

    // ANCHOR: array_at
    /// These rows and columns of [`to_array`](Self::to_array), in this order.
    ///
    /// # Panics
    /// If the picture does not have them.
    pub(crate) fn array_at(&self, rows: &[usize], columns: &[usize]) -> Array3<f32> {
        Array3::from_shape_fn((rows.len(), columns.len(), 3), |(i, j, c)| {
            let pixel = self.rgb.get_pixel(columns[j] as u32, rows[i] as u32);
            f32::from(pixel[c]) - MEAN[c]
        })
    }
    // ANCHOR_END: array_at

    /// The luminance as weights H×W: black is 0, white is 1.
    pub(crate) fn to_mask(&self) -> Array2<f32> {
        Mask::of(self).weights()
    }

    /// The inverse of [`to_array`](Self::to_array), for an array H×W×3: adds the mean, rounds, and clamps to 0..255.
    ///
    /// # Panics
    /// If `x` does not have 3 channels.
    pub fn from_array(x: &Array3<f32>) -> Self {
        FloatPicture::from_array(x).to_picture()
    }
}

/// Pixels of any kind: gray ones and those of 16 bits are converted, and transparent ones blended with white, as those of files are.
impl From<DynamicImage> for Picture {
    fn from(image: DynamicImage) -> Self {
        read::flatten(image)
    }
}

impl From<RgbImage> for Picture {
    fn from(rgb: RgbImage) -> Self {
        Self::new(rgb, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn to_array_and_from_array_are_inverse() {
        let picture = Picture::from(RgbImage::from_fn(256, 3, |x, y| {
            Rgb([x as u8, 255 - x as u8, y as u8])
        }));
        assert_eq!(Picture::from_array(&picture.to_array()), picture);
    }

    #[test]
    fn values_outside_the_range_are_clamped() {
        let x = Array3::from_shape_vec((1, 2, 3), vec![-500., 0., 500., 1e30, -1e30, 0.4]).unwrap();
        let picture = Picture::from_array(&x);
        assert_eq!(picture.rgb.as_raw(), &[0, 117, 255, 255, 0, 104]);
    }
}
