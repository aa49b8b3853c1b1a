//! Keeping the photograph's colours (Gatys, Bethge, Hertzmann and Shechtman 2016, *Preserving Color in Neural Artistic Style
//! Transfer*).
//!
//! Either the painting gets the photograph's colours before the run, by the linear map that gives its pixels the photograph's mean
//! and covariance; or only the luminance is painted, and the photograph's chrominance laid over it afterwards.

use super::{Canvas, Picture};
use image::Rgb;
use ndarray::Axis;

/// A pixel's red, green and blue, or a vector of that space.
type Vector = [f64; 3];
type Matrix = [Vector; 3];

/// Luminance of YIQ: how bright red, green and blue are to the eye.
const LUMINANCE: Vector = [0.299, 0.587, 0.114];

/// What is added to variances, in squared grey levels: a picture of one colour has none.
const LEAST_VARIANCE: f64 = 1e-2;

impl Picture {
    /// This picture in the colours of `other`: with the mean and the covariance of its pixels, as far as black and white allow.
    ///
    /// x ↦ A (x − μ) + μ' with A = Σ^−½ (Σ^½ Σ' Σ^½)^½ Σ^−½, which of all maps that make Σ into Σ' moves colours the least (Pitié
    /// and Kokaram 2007).
    pub fn in_colours_of(&self, other: &Self) -> Self {
        let ((mean, covariance), (to_mean, to_covariance)) = (self.moments(), other.moments());
        let root = power(covariance, 0.5);
        let inverse = power(covariance, -0.5);
        let middle = power(product(product(root, to_covariance), root), 0.5);
        let map = product(product(inverse, middle), inverse);
        self.recoloured(|pixel| {
            let centred = std::array::from_fn(|c| pixel[c] - mean[c]);
            let turned = apply(map, centred);
            std::array::from_fn(|c| turned[c] + to_mean[c])
        })
    }

    /// The luminance of this picture in all three channels.
    pub fn luminance(&self) -> Self {
        self.recoloured(|pixel| [inner(LUMINANCE, pixel); 3])
    }

    /// Each pixel as `colour` says.
    fn recoloured(&self, colour: impl Fn(Vector) -> Vector) -> Self {
        let mut picture = self.clone();
        for pixel in picture.rgb.pixels_mut() {
            *pixel = Rgb(colour(vector(pixel)).map(level));
        }
        picture
    }

    /// The mean and the covariance of the pixels.
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
        (0..3).for_each(|c| covariance[c][c] += LEAST_VARIANCE);
        (mean, covariance)
    }
}

impl Canvas {
    /// The luminance of this canvas, cut off at black and white; the chrominance of a picture of the same size: each pixel of
    /// `colours`, made lighter or darker.
    ///
    /// # Panics
    /// If the sizes differ.
    pub fn with_chrominance_of(mut self, colours: &Picture) -> Self {
        assert_eq!(
            self.size(),
            colours.size(),
            "the two pictures must have one size"
        );
        let ours = self.pixels.lanes_mut(Axis(2)).into_iter();
        for (mut ours, theirs) in ours.zip(colours.rgb.pixels()) {
            let theirs = vector(theirs);
            let visible = std::array::from_fn(|c| f64::from(ours[c]).clamp(0.0, 255.0));
            // In YIQ, a change of Y alone adds the same to red, green and blue.
            let lighter = inner(LUMINANCE, visible) - inner(LUMINANCE, theirs);
            (0..3).for_each(|c| ours[c] = (theirs[c] + lighter) as f32);
        }
        self
    }
}

fn vector(pixel: &Rgb<u8>) -> Vector {
    pixel.0.map(f64::from)
}

/// The nearest grey level.
fn level(value: f64) -> u8 {
    value.round() as u8 // `as` cuts off at 0 and 255
}

fn inner(a: Vector, b: Vector) -> f64 {
    (0..3).map(|i| a[i] * b[i]).sum()
}

fn apply(a: Matrix, x: Vector) -> Vector {
    a.map(|row| inner(row, x))
}

fn product(a: Matrix, b: Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// A symmetric, positive definite matrix to this power: V Λ^p Vᵀ, by Jacobi's rotations.
fn power(mut a: Matrix, exponent: f64) -> Matrix {
    let mut v: Matrix =
        std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    // Each sweep squares what is left beside the diagonal; six are more than enough.
    for _ in 0..8 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] {
            if a[p][q].abs() < f64::MIN_POSITIVE {
                continue;
            }
            let (sin, cos) = (0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p])).sin_cos();
            let mut rotation: Matrix =
                std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
            (
                rotation[p][p],
                rotation[p][q],
                rotation[q][p],
                rotation[q][q],
            ) = (cos, sin, -sin, cos);
            a = product(product(transposed(rotation), a), rotation);
            v = product(v, rotation);
        }
    }
    let powers: Vector = std::array::from_fn(|i| a[i][i].max(f64::MIN_POSITIVE).powf(exponent));
    let scaled: Matrix = v.map(|row| std::array::from_fn(|i| row[i] * powers[i]));
    product(scaled, transposed(v))
}

fn transposed(a: Matrix) -> Matrix {
    std::array::from_fn(|i| std::array::from_fn(|j| a[j][i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    /// Waves of colour within a range that no map to another such picture leaves.
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
            .map(level))
        }))
    }

    #[test]
    fn powers_of_a_matrix_are_powers() {
        let a = [[4.0, 1.0, 0.5], [1.0, 3.0, -0.7], [0.5, -0.7, 2.0]];
        let root = power(a, 0.5);
        let (again, one) = (product(root, root), product(power(a, -0.5), root));
        for i in 0..3 {
            for j in 0..3 {
                assert!((again[i][j] - a[i][j]).abs() < 1e-12, "{again:?}");
                assert!(
                    (one[i][j] - f64::from(u8::from(i == j))).abs() < 1e-12,
                    "{one:?}"
                );
            }
        }
    }

    #[test]
    fn a_picture_gets_the_mean_and_covariance_of_another() {
        let (from, to) = (waves(20.0, 1.0), waves(35.0, 2.0));
        let (mean, covariance) = from.in_colours_of(&to).moments();
        let (to_mean, to_covariance) = to.moments();
        for i in 0..3 {
            assert!((mean[i] - to_mean[i]).abs() < 0.2, "{mean:?}, {to_mean:?}");
            for j in 0..3 {
                let error = (covariance[i][j] - to_covariance[i][j]).abs();
                assert!(error < 4.0, "{covariance:?}, {to_covariance:?}");
            }
        }
        // Into its own colours nothing is moved.
        let same = from.in_colours_of(&from);
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
    fn a_picture_of_one_colour_takes_part() {
        let grey = Picture::from(RgbImage::from_pixel(9, 9, Rgb([90; 3])));
        let colourful = waves(30.0, 1.0);
        let flat = colourful.in_colours_of(&grey);
        assert!(
            flat.rgb
                .as_raw()
                .iter()
                .all(|level| level.abs_diff(90) <= 1)
        );
        let (mean, _) = grey.in_colours_of(&colourful).moments();
        assert!((mean[0] - colourful.moments().0[0]).abs() < 1.0);
    }

    #[test]
    fn luminance_and_chrominance_come_apart_and_together() {
        let (light, colours) = (waves(25.0, 1.0), waves(25.0, 3.0));
        let both = Canvas::from(&light.luminance())
            .with_chrominance_of(&colours)
            .to_picture();
        for ((both, light), colours) in both
            .rgb
            .pixels()
            .zip(light.rgb.pixels())
            .zip(colours.rgb.pixels())
        {
            let (both, light, colours) = (vector(both), vector(light), vector(colours));
            assert!((inner(LUMINANCE, both) - inner(LUMINANCE, light)).abs() < 1.6);
            assert!(((both[0] - both[2]) - (colours[0] - colours[2])).abs() < 1.6);
        }
        let own = Canvas::from(&light.luminance())
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
