//! Gives a painted picture the hues of the photograph, in the colors of the paintings.
//!
//! Nearest neighbors bring patches of color to places where they have nothing to do with the photograph. This step keeps the painted
//! lightness L of [OkLab](super::oklab), and replaces the chroma (a, b):
//!
//! 1. the photograph's chroma is mapped linearly, so that it gets the mean and the covariance of the paintings' chroma;
//! 2. a [guided filter](super::guided_filter) with the painted lightness as its guide smooths it, so that colors end where strokes do;
//! 3. it is clamped to the paintings' range of a and b.
//!
//! Source: the program of Kolkin et al. 2022 (Neural Neighbor Style Transfer), which whitens and recolors, and smooths by repeated
//! bilateral filters.

use super::guided_filter::guided_filter;
use super::matrix::{Matrix, Vector, apply, transport};
use super::{FloatPicture, Picture, Size, oklab};
use crate::parallel::{for_each, map};
use ndarray::{Array2, Axis};

/// Added to the variances of a and b: twice the variance of a color cast that can just be seen. A gray photograph, whose chroma is noise,
/// then stays nearly gray, instead of its noise becoming colors.
const ADDED_VARIANCE: f64 = 1e-4;

/// The radius of the filter's windows is the longest side over this.
const RADII: usize = 100;

/// The filter's ε: changes of lightness by much more than its square root, 0.03, are edges.
const EDGE: f64 = 1e-3;

impl FloatPicture {
    /// This picture's lightness, clamped to that of 0..255, with the `photograph`'s chroma in the `paintings`' colors. All paintings count
    /// alike; without paintings the picture stays as it is.
    ///
    /// # Panics
    /// If the photograph has another size.
    pub(crate) fn with_painting_colors(self, photograph: &Picture, paintings: &[&Picture]) -> Self {
        assert_eq!(self.size(), photograph.size(), "the sizes must be equal");
        let Some(target) = Chroma::of(paintings) else {
            return self;
        };
        let Size { width, height } = self.size();
        let Self { pixels, alpha } = self;
        let mut pixels = pixels.into_array();
        let source = Chroma::of(&[photograph]).expect("there is a picture");
        let to_target = transport(source.covariance, target.covariance);
        let size = (height as usize, width as usize);
        let lightness = map(pixels.outer_iter(), |row| {
            let pixels = row.outer_iter().map(|pixel| {
                let levels = std::array::from_fn(|c| f64::from(pixel[c]).clamp(0.0, 255.0));
                oklab::from_srgb(levels)[0]
            });
            Vec::from_iter(pixels)
        });
        let lightness = lightness.concat();
        let lightness = Array2::from_shape_vec(size, lightness).expect("a value for each pixel");
        let rows = photograph.rgb.as_raw().chunks_exact(3 * size.1);
        let mapped = map(rows, |row| {
            let colors = row.chunks_exact(3).map(|pixel| {
                let [_, a, b] = lab(pixel);
                let [a, b, _] = apply(to_target, [a - source.mean[0], b - source.mean[1], 0.0]);
                [a + target.mean[0], b + target.mean[1]]
            });
            Vec::from_iter(colors)
        });
        let mapped = mapped.concat();
        let radius = (size.0.max(size.1) / RADII).max(2);
        let [a, b] = [0, 1].map(|k| {
            let plane = mapped.iter().map(|chroma| chroma[k]).collect();
            let plane = Array2::from_shape_vec(size, plane).expect("a value for each pixel");
            guided_filter(&lightness, &plane, radius, EDGE)
        });
        for_each(pixels.outer_iter_mut().enumerate(), |(i, mut row)| {
            for (j, mut pixel) in row.axis_iter_mut(Axis(0)).enumerate() {
                let at = (i, j);
                let [low, high] = target.range;
                let a = a[at].clamp(low[0], high[0]);
                let b = b[at].clamp(low[1], high[1]);
                let color = oklab::to_srgb([lightness[at], a, b]);
                (0..3).for_each(|c| pixel[c] = color[c] as f32);
            }
        });
        Self {
            pixels: pixels.into(),
            alpha,
        }
    }
}

/// L, a and b of a pixel.
fn lab(pixel: &[u8]) -> Vector {
    oklab::from_srgb(std::array::from_fn(|c| f64::from(pixel[c])))
}

/// How a and b are distributed in pictures.
struct Chroma {
    mean: [f64; 2],
    /// The covariance of a and b, with [`ADDED_VARIANCE`] on its diagonal; of a third variable, which does not matter, 1.
    covariance: Matrix,
    /// The smallest and the largest a and b.
    range: [[f64; 2]; 2],
}

/// Sums over pixels: of a and b, of a², ab and b², and their range.
#[derive(Clone, Copy)]
struct Sums {
    sum: [f64; 2],
    square: [f64; 3],
    range: [[f64; 2]; 2],
}

impl Sums {
    const EMPTY: Self = Self {
        sum: [0.0; 2],
        square: [0.0; 3],
        range: [[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]],
    };

    /// Sums over one row of pixels.
    fn of_row(pixels: &[u8]) -> Self {
        pixels.chunks_exact(3).fold(Self::EMPTY, |sums, pixel| {
            let [_, a, b] = lab(pixel);
            sums.and(Self {
                sum: [a, b],
                square: [a * a, a * b, b * b],
                range: [[a, b]; 2],
            })
        })
    }

    fn and(self, other: Self) -> Self {
        Self {
            sum: std::array::from_fn(|i| self.sum[i] + other.sum[i]),
            square: std::array::from_fn(|i| self.square[i] + other.square[i]),
            range: [
                std::array::from_fn(|i| self.range[0][i].min(other.range[0][i])),
                std::array::from_fn(|i| self.range[1][i].max(other.range[1][i])),
            ],
        }
    }

    fn scaled(self, factor: f64) -> Self {
        Self {
            sum: self.sum.map(|sum| factor * sum),
            square: self.square.map(|square| factor * square),
            range: self.range,
        }
    }
}

impl Chroma {
    /// Of all these pictures together, each with the same share. `None` if there are none.
    fn of(pictures: &[&Picture]) -> Option<Self> {
        let share = 1.0 / pictures.len() as f64;
        let of_one = |picture: &&Picture| {
            let pixels = picture.rgb.as_raw();
            let width = picture.rgb.width() as usize;
            // Added in the order of the rows, whichever thread computed them.
            let rows = map(pixels.chunks(3 * width), Sums::of_row);
            let sums = rows.into_iter().fold(Sums::EMPTY, Sums::and);
            sums.scaled(share / (pixels.len() / 3) as f64)
        };
        let sums = pictures.iter().map(of_one).reduce(Sums::and)?;
        let [a, b] = sums.sum;
        let [aa, ab, bb] = sums.square;
        // The variances can be slightly negative by rounding, which the added variance outweighs.
        Some(Self {
            mean: [a, b],
            covariance: [
                [aa - a * a + ADDED_VARIANCE, ab - a * b, 0.0],
                [ab - a * b, bb - b * b + ADDED_VARIANCE, 0.0],
                [0.0, 0.0, 1.0],
            ],
            range: sums.range,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    /// A picture of colored waves.
    fn waves(width: u32, seed: f64, reach: f64, base: [f64; 3]) -> Picture {
        Picture::from(RgbImage::from_fn(width, 48, |x, y| {
            let wave = |k: f64| ((f64::from(x) * 0.1 + f64::from(y) * 0.06 * k) * seed + k).sin();
            let level = |c: usize| (base[c] + reach * wave(c as f64 + 1.0)).round() as u8;
            Rgb([level(0), level(1), level(2)])
        }))
    }

    fn gray(level: impl Fn(u32) -> u8) -> Picture {
        Picture::from(RgbImage::from_fn(64, 48, |x, _| Rgb([level(x); 3])))
    }

    #[test]
    fn the_picture_gets_the_paintings_mean_chroma_and_keeps_its_lightness() {
        let painted = gray(|x| 90 + x as u8);
        let photograph = waves(64, 0.5, 40.0, [120.0, 130.0, 110.0]);
        let painting = waves(50, 0.8, 60.0, [160.0, 100.0, 80.0]);
        let result = FloatPicture::from(&painted).with_painting_colors(&photograph, &[&painting]);
        let rounded = result.to_picture();
        let (found, target) = (Chroma::of(&[&rounded]), Chroma::of(&[&painting]));
        let (found, target) = (found.unwrap(), target.unwrap());
        for k in 0..2 {
            assert!((found.mean[k] - target.mean[k]).abs() < 0.01);
            // The filter, and the range, take a part of it.
            let ratio = found.covariance[k][k] / target.covariance[k][k];
            assert!((0.4..1.1).contains(&ratio), "{ratio}");
        }
        for (pixel, before) in result
            .pixels
            .to_array()
            .lanes(Axis(2))
            .into_iter()
            .zip(painted.rgb.pixels())
        {
            let after = oklab::from_srgb(std::array::from_fn(|c| f64::from(pixel[c])));
            assert!((after[0] - lab(&before.0)[0]).abs() < 1e-4);
            for k in 0..2 {
                let [low, high] = target.range;
                assert!((low[k] - 1e-4..=high[k] + 1e-4).contains(&after[k + 1]));
            }
        }
    }

    #[test]
    fn pictures_without_colors_are_harmless() {
        let painted = waves(64, 0.5, 50.0, [120.0; 3]);
        let colorful = waves(64, 0.9, 60.0, [150.0, 110.0, 90.0]);
        let flat = gray(|_| 90);
        let one_red = Picture::from(RgbImage::from_pixel(9, 9, Rgb([200, 40, 30])));
        for photograph in [&flat, &gray(|x| 2 * x as u8), &colorful] {
            for painting in [&flat, &one_red, &colorful] {
                let picture = FloatPicture::from(&painted);
                let result = picture.with_painting_colors(photograph, &[painting]);
                assert!(result.pixels.is_finite());
            }
        }
        // A gray photograph gets the painting's mean color, and a painting of one color gives it to all pixels.
        for (photograph, painting) in [(&flat, &colorful), (&colorful, &one_red)] {
            let target = Chroma::of(&[painting]).unwrap().mean;
            let result = FloatPicture::from(&painted).with_painting_colors(photograph, &[painting]);
            for pixel in result.pixels.to_array().lanes(Axis(2)) {
                let [_, a, b] = oklab::from_srgb(std::array::from_fn(|c| f64::from(pixel[c])));
                assert!((a - target[0]).abs() < 1e-3 && (b - target[1]).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn without_paintings_and_with_a_single_pixel_nothing_goes_wrong() {
        let one = Picture::from(RgbImage::from_pixel(1, 1, Rgb([10, 200, 30])));
        let picture = FloatPicture::from(&one);
        assert_eq!(picture.clone().with_painting_colors(&one, &[]), picture);
        let same = picture.clone().with_painting_colors(&one, &[&one]);
        let error = same.pixels.subtracted_from(&picture.pixels).max_abs();
        assert!(error < 1e-2, "{error}");
    }
}
