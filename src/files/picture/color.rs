//! Transfers colors between pictures (Gatys, Bethge, Hertzmann and Shechtman 2016, *Preserving Color in Neural Artistic Style
//! Transfer*).
//!
//! There are two ways to preserve the colors of the photograph. A linear map gives the painting the mean and the covariance of
//! the photograph's pixels before the run. Or only the luminance is stylized, and the chrominance of the photograph is added
//! after the run.

use super::matrix::{Matrix, Vector, apply, dot, transport};
use super::{FloatPicture, Picture};
use image::{GrayImage, Rgb};
use ndarray::Axis;
use std::sync::Arc;

/// The weights of red, green and blue in Y, the luminance of YIQ.
const LUMINANCE: Vector = [0.299, 0.587, 0.114];

/// Added to each variance, in squared levels. It makes the covariance of a single-colored picture invertible.
const ADDED_VARIANCE: f64 = 1e-2;

impl Picture {
    /// Maps the pixels linearly so that they get the mean and the covariance of `other`. Values are clamped to 0..255.
    ///
    /// x ↦ A (x − μ) + μ' with A = Σ^−½ (Σ^½ Σ' Σ^½)^½ Σ^−½, the linear map from Σ to Σ' that moves the colors least.
    pub(crate) fn with_colors_of(&self, other: &Self) -> Self {
        let (mean, covariance) = self.moments();
        let (other_mean, other_covariance) = other.moments();
        let map = transport(covariance, other_covariance);
        self.map_pixels(|pixel| {
            let centered = std::array::from_fn(|c| pixel[c] - mean[c]);
            let mapped = apply(map, centered);
            std::array::from_fn(|c| mapped[c] + other_mean[c])
        })
    }

    /// The luminance in all three channels.
    pub fn luminance(&self) -> Self {
        self.map_pixels(|pixel| [dot(LUMINANCE, pixel); 3])
    }

    /// The luminance in one channel.
    pub(super) fn to_gray(&self) -> GrayImage {
        let levels = self
            .rgb
            .pixels()
            .map(|pixel| round_to_level(dot(LUMINANCE, vector(pixel))));
        let (width, height) = self.rgb.dimensions();
        GrayImage::from_vec(width, height, levels.collect()).expect("the size is right")
    }

    fn map_pixels(&self, map: impl Fn(Vector) -> Vector) -> Self {
        let mut picture = self.clone();
        for pixel in Arc::make_mut(&mut picture.rgb).pixels_mut() {
            *pixel = Rgb(map(vector(pixel)).map(round_to_level));
        }
        picture
    }

    /// The mean and the covariance of the pixels. [`ADDED_VARIANCE`] is on the diagonal.
    fn moments(&self) -> (Vector, Matrix) {
        let count = self.rgb.pixels().len() as f64;
        let mut sum = [0.0; 3];
        for pixel in self.rgb.pixels() {
            let pixel = vector(pixel);
            (0..3).for_each(|c| sum[c] += pixel[c]);
        }
        let mean = sum.map(|sum| sum / count);
        let mut covariance = [[0.0; 3]; 3];
        for pixel in self.rgb.pixels() {
            let pixel = vector(pixel);
            for (i, row) in covariance.iter_mut().enumerate() {
                for (j, entry) in row.iter_mut().enumerate() {
                    *entry += (pixel[i] - mean[i]) * (pixel[j] - mean[j]) / count;
                }
            }
        }
        (0..3).for_each(|c| covariance[c][c] += ADDED_VARIANCE);
        (mean, covariance)
    }
}

impl FloatPicture {
    /// Combines the luminance of this picture, clamped to 0..255, with the chrominance of `colors`.
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn with_chrominance_of(mut self, colors: &Picture) -> Self {
        assert_eq!(self.size(), colors.size(), "the sizes must be equal");
        let mut colors = colors.rgb.pixels();
        for rows in self.chunks() {
            let mut pixels = self.pixels.rows(rows.clone());
            for (mut pixel, color) in pixels.lanes_mut(Axis(2)).into_iter().zip(&mut colors) {
                let color = vector(color);
                let clamped = std::array::from_fn(|c| f64::from(pixel[c]).clamp(0.0, 255.0));
                // In YIQ, a change of Y adds the same amount to red, green and blue.
                let change = dot(LUMINANCE, clamped) - dot(LUMINANCE, color);
                (0..3).for_each(|c| pixel[c] = (color[c] + change) as f32);
            }
            self.pixels.set_rows(rows.start, &pixels);
        }
        self
    }
}

fn vector(pixel: &Rgb<u8>) -> Vector {
    pixel.0.map(f64::from)
}

/// The nearest of the levels 0 to 255.
fn round_to_level(value: f64) -> u8 {
    value.round() as u8 // `as` clamps
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    /// A picture of colored waves. Its range is so small that mapping it to another such picture clamps nothing.
    fn waves(height: f64, seed: f64) -> Picture {
        Picture::from(RgbImage::from_fn(60, 50, |x, y| {
            let wave = |k: f64| {
                (f64::from(x) * (0.11 + 0.02 * k * seed) + f64::from(y) * 0.07 * k + seed).sin()
            };
            let (a, b, c) = (wave(1.0), wave(2.0), wave(3.0));
            Rgb([
                120.0 + height * a,
                110.0 + height * (0.6 * a + 0.5 * b),
                130.0 + 0.7 * height * c,
            ]
            .map(round_to_level))
        }))
    }

    #[test]
    fn a_picture_gets_the_mean_and_covariance_of_another() {
        let (from, to) = (waves(20.0, 1.0), waves(35.0, 2.0));
        let (mean, covariance) = from.with_colors_of(&to).moments();
        let (to_mean, to_covariance) = to.moments();
        for i in 0..3 {
            assert!((mean[i] - to_mean[i]).abs() < 0.2, "{mean:?}, {to_mean:?}");
            for j in 0..3 {
                let error = (covariance[i][j] - to_covariance[i][j]).abs();
                assert!(error < 4.0, "{covariance:?}, {to_covariance:?}");
            }
        }
        // Mapping a picture to its own colors changes nothing.
        let same = from.with_colors_of(&from);
        let moved = same
            .rgb
            .as_raw()
            .iter()
            .zip(from.rgb.as_raw())
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert_eq!(moved, Some(0));
    }

    #[test]
    fn a_picture_of_a_single_color_can_be_mapped() {
        let gray = Picture::from(RgbImage::from_pixel(9, 9, Rgb([90; 3])));
        let colorful = waves(30.0, 1.0);
        let flat = colorful.with_colors_of(&gray);
        assert!(
            flat.rgb
                .as_raw()
                .iter()
                .all(|level| level.abs_diff(90) <= 1)
        );
        let (mean, _) = gray.with_colors_of(&colorful).moments();
        assert!((mean[0] - colorful.moments().0[0]).abs() < 1.0);
    }

    #[test]
    fn luminance_and_chrominance_can_be_separated_and_combined() {
        let (light, colors) = (waves(25.0, 1.0), waves(25.0, 3.0));
        let both = FloatPicture::from(&light.luminance())
            .with_chrominance_of(&colors)
            .to_picture();
        for ((both, light), colors) in both
            .rgb
            .pixels()
            .zip(light.rgb.pixels())
            .zip(colors.rgb.pixels())
        {
            let (both, light, colors) = (vector(both), vector(light), vector(colors));
            assert!((dot(LUMINANCE, both) - dot(LUMINANCE, light)).abs() < 1.6);
            assert!(((both[0] - both[2]) - (colors[0] - colors[2])).abs() < 1.6);
        }
        let own = FloatPicture::from(&light.luminance())
            .with_chrominance_of(&light)
            .to_picture();
        assert!(
            own.rgb
                .as_raw()
                .iter()
                .zip(light.rgb.as_raw())
                .all(|(a, b)| a.abs_diff(*b) <= 1)
        );
    }
}
