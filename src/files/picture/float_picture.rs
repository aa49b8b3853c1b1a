//! Pictures in floating point, before they are rounded to 8 or 16 bits.

use super::{Picture, Size};
use crate::method::BigArray;
use crate::method::big_array::Storage;
use crate::vgg::MEAN;
use image::{GrayImage, RgbImage};
#[cfg(feature = "cli")]
use ndarray::Axis;
use ndarray::{Array3, s};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Rows that are worked on at a time.
pub(super) const ROWS: usize = 64;

/// An sRGB picture in floating point, with an optional alpha channel. The result of a run. A large one may be in a scratch file.
#[derive(Clone, Debug)]
pub struct FloatPicture {
    /// H×W×3 RGB. Black is 0 and white is 255; values may lie outside.
    pub(super) pixels: BigArray<f32>,
    /// H×W, 0 is transparent. `None` if the picture is opaque.
    pub(super) alpha: Option<Arc<GrayImage>>,
}

impl PartialEq for FloatPicture {
    fn eq(&self, other: &Self) -> bool {
        let same_rows =
            |rows: Range<usize>| self.pixels.rows(rows.clone()) == other.pixels.rows(rows);
        self.size() == other.size() && self.alpha == other.alpha && self.chunks().all(same_rows)
    }
}

impl FloatPicture {
    /// Adds [`MEAN`] to `x`, an array H×W×3 as [`Picture::to_array`] returns it. The picture is opaque.
    ///
    /// # Panics
    /// If `x` does not have 3 channels.
    pub fn from_array(x: &Array3<f32>) -> Self {
        assert_eq!(x.dim().2, 3, "a picture has 3 channels");
        Self {
            pixels: (x + &ndarray::arr1(&MEAN)).into(),
            alpha: None,
        }
    }

    /// The same of the part of `x` that lies `border` inside its edges, kept where `x` is.
    ///
    /// # Panics
    /// As [`from_array`](Self::from_array), and if the border is wider than the picture.
    pub(crate) fn inside(x: &BigArray<f32>, border: usize) -> Self {
        let (height, width, channels) = x.dim();
        assert_eq!(channels, 3, "a picture has 3 channels");
        let shape = (height - 2 * border, width - 2 * border, channels);
        let mut picture = Self {
            pixels: BigArray::zeros(shape, &x.storage()),
            alpha: None,
        };
        for rows in picture.chunks() {
            let part = x.rows(border + rows.start..border + rows.end);
            let part = part.slice(s![.., border..width - border, ..]);
            (picture.pixels).set_rows(rows.start, &(&part + &ndarray::arr1(&MEAN)));
        }
        picture
    }

    /// The width and height.
    pub fn size(&self) -> Size {
        let (height, width, _) = self.pixels.dim();
        Size {
            width: width as u32,
            height: height as u32,
        }
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
        let mut levels = Vec::with_capacity(3 * width as usize * height as usize);
        for rows in self.chunks() {
            // `as` clamps.
            levels.extend(
                self.pixels
                    .rows(rows)
                    .iter()
                    .map(|value| value.round() as u8),
            );
        }
        Picture {
            rgb: RgbImage::from_vec(width, height, levels)
                .expect("the sizes are equal")
                .into(),
            alpha: self.alpha.clone(),
        }
    }

    /// A small copy for a page, of at most `edge` pixels along the long edge, with 8 bits and opaque. A large picture is read some
    /// rows at a time, as it may not fit into memory: what is scaled are the means of square blocks, without what is left over at the
    /// right and at the bottom.
    #[cfg(feature = "cli")]
    pub(crate) fn preview(&self, edge: u32) -> Picture {
        let Size { width, height } = self.size();
        let block = (width.max(height) / (2 * edge).max(1)).max(1) as usize;
        let (columns, rows) = (width as usize / block, height as usize / block);
        if block == 1 || columns == 0 || rows == 0 {
            let opaque = Picture {
                alpha: None,
                ..self.to_picture()
            };
            return opaque.at_most(edge);
        }
        let mut levels = Vec::with_capacity(3 * rows * columns);
        for row in 0..rows {
            let pixels = self.pixels.rows(row * block..(row + 1) * block);
            for column in 0..columns {
                let square = pixels.slice(s![.., column * block..(column + 1) * block, ..]);
                let sums = square.sum_axis(Axis(0)).sum_axis(Axis(0));
                levels.extend(sums.map(|sum| (sum / (block * block) as f32).round() as u8));
            }
        }
        let means = RgbImage::from_vec(columns as u32, rows as u32, levels);
        Picture::from(means.expect("the sizes are equal")).at_most(edge)
    }

    /// Its rows, some at a time.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let height = self.pixels.dim().0;
        let begins = (0..height).step_by(ROWS);
        begins.map(move |first| first..(first + ROWS).min(height))
    }

    /// Why its scratch file cannot be read, if it cannot.
    pub(super) fn trouble(&self) -> Option<io::Error> {
        match self.pixels.storage() {
            Storage::Memory => None,
            Storage::Scratch(scratch) => scratch.trouble(),
        }
    }
}

impl From<&Picture> for FloatPicture {
    fn from(picture: &Picture) -> Self {
        let Size { width, height } = picture.size();
        let shape = (height as usize, width as usize, 3);
        let levels = picture.rgb.as_raw().iter().map(|&level| f32::from(level));
        let pixels = Array3::from_shape_vec(shape, levels.collect()).expect("the sizes are equal");
        Self {
            pixels: pixels.into(),
            alpha: picture.alpha.clone(),
        }
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::*;

    #[test]
    fn a_preview_of_a_large_picture_shows_it_in_its_aspect() {
        // Black at the left, white at the right.
        let x = Array3::from_shape_fn(
            (90, 1201, 3),
            |(_, column, _)| {
                if column < 600 { -500.0 } else { 500.0 }
            },
        );
        let picture = FloatPicture::from_array(&x);
        for edge in [2000, 601, 600, 100] {
            let preview = picture.preview(edge);
            let width = edge.min(1201);
            assert_eq!(preview.size().width, width);
            let height = f64::from(width) * 90.0 / 1201.0;
            assert!((f64::from(preview.size().height) - height).abs() <= 1.0);
            let level = |share: f64| {
                preview
                    .rgb
                    .get_pixel((f64::from(width) * share) as u32, 2)
                    .0
            };
            assert_eq!((level(0.4), level(0.6)), ([0; 3], [255; 3]), "{edge}");
        }
        let column = FloatPicture::from_array(&Array3::zeros((4000, 1, 3)));
        assert_eq!(column.preview(100).size().to_string(), "1x100");
    }
}
