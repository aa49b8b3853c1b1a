//! Masks: how much each pixel of a picture counts.

use super::fit::fit_gray;
use super::{FloatPicture, Picture, Size};
use image::GrayImage;
use ndarray::{Array2, Axis};

/// How much each pixel counts, with 8 bits: a black one not at all, a white one wholly.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mask(GrayImage);

impl Mask {
    /// The luminance of a picture.
    pub fn of(picture: &Picture) -> Self {
        Self(picture.to_gray())
    }

    /// The width and height.
    fn size(&self) -> Size {
        let (width, height) = self.0.dimensions();
        Size { width, height }
    }

    /// Crops and scales it as [`Picture::fit`] does.
    pub fn fit(&self, size: Size) -> Self {
        Self(fit_gray(&self.0, size))
    }

    /// Whether all pixels count wholly.
    pub fn is_white(&self) -> bool {
        self.0.as_raw().iter().all(|&level| level == u8::MAX)
    }

    /// w, H×W: from 0 for black to 1 for white.
    pub fn weights(&self) -> Array2<f32> {
        self.array(share)
    }

    /// 1 − w, H×W.
    pub fn left(&self) -> Array2<f32> {
        self.array(|level| share(u8::MAX - level))
    }

    fn array(&self, value: impl Fn(u8) -> f32) -> Array2<f32> {
        let values = self.0.as_raw().iter().map(|&level| value(level));
        Array2::from_shape_vec(self.size().height_and_width(), values.collect())
            .expect("a level for each pixel")
    }
}

/// A level from 0 to 255 as a share from 0 to 1.
fn share(level: u8) -> f32 {
    f32::from(level) / f32::from(u8::MAX)
}

impl FloatPicture {
    /// This picture where the mask is black, `other` where it is white, and this + w·(other − this) where it is gray.
    ///
    /// # Panics
    /// If the sizes differ.
    pub(crate) fn blended_with(mut self, other: &Picture, mask: &Mask) -> Self {
        assert_eq!(self.size(), other.size(), "the sizes must be equal");
        assert_eq!(self.size(), mask.size(), "the sizes must be equal");
        let mut others = other.rgb.pixels().zip(mask.0.as_raw());
        for rows in self.chunks() {
            let mut pixels = self.pixels.rows(rows.clone());
            for (mut pixel, (other, &level)) in
                pixels.lanes_mut(Axis(2)).into_iter().zip(&mut others)
            {
                for (value, &other) in pixel.iter_mut().zip(&other.0) {
                    let other = f32::from(other);
                    *value = match level {
                        0 => *value,
                        u8::MAX => other, // the sum below would round
                        _ => *value + share(level) * (other - *value),
                    };
                }
            }
            self.pixels.set_rows(rows.start, &pixels);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgb, RgbImage};
    use ndarray::Array3;

    #[test]
    fn a_blend_is_exact_at_its_ends_and_linear_in_between() {
        // More rows than are worked on at a time.
        let (width, height) = (256, 150);
        let painted = Array3::from_shape_fn((height, width, 3), |(i, j, c)| {
            (37 * i + 11 * j + 5 * c) as f32 * 0.013 - 200.0
        });
        let painted = FloatPicture::from_array(&painted);
        let photograph = Picture::from(RgbImage::from_fn(width as u32, height as u32, |x, y| {
            Rgb([x as u8, y as u8, (x + y) as u8])
        }));
        let mask = Mask(GrayImage::from_fn(width as u32, height as u32, |x, _| {
            Luma([x as u8])
        }));
        let before = painted.pixels.to_array().into_owned();
        let blend = painted.blended_with(&photograph, &mask);
        for ((i, j, c), &value) in blend.pixels.to_array().indexed_iter() {
            let photograph = f32::from(photograph.rgb.get_pixel(j as u32, i as u32)[c]);
            let painted = before[(i, j, c)];
            match j {
                0 => assert_eq!(value.to_bits(), painted.to_bits()),
                255 => assert_eq!(value, photograph),
                _ => {
                    let w = j as f32 / 255.0;
                    let expected = (1.0 - w) * painted + w * photograph;
                    assert!((value - expected).abs() < 1e-3, "{i} {j}");
                }
            }
        }
    }

    #[test]
    fn what_a_mask_leaves_is_exact_at_its_ends() {
        let mask = Mask(GrayImage::from_raw(3, 1, vec![0, 51, 255]).unwrap());
        assert_eq!(mask.weights(), ndarray::array![[0.0, 0.2, 1.0]]);
        assert_eq!(mask.left(), ndarray::array![[1.0, 0.8, 0.0]]);
        assert!(!mask.is_white() && Mask(GrayImage::from_pixel(4, 2, Luma([255]))).is_white());
    }
}
