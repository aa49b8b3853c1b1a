//! The OkLab color space: lightness L, and chroma a (from green to red) and b (from blue to yellow).
//!
//! Equal distances are about equally visible, and a change of a and b alone keeps how light a color looks. White is L = 1, a = b = 0; a
//! and b lie within about ±0.4. Linear sRGB, from 0 to 1, goes through the responses of three kinds of cones, of which cube roots are
//! taken. Source: B. Ottosson 2020, A perceptual color space for image processing (<https://bottosson.github.io/posts/oklab/>), with
//! the matrices as corrected on 2021-01-25.

use super::matrix::{Matrix, Vector, apply, inverse};

/// From linear sRGB to the cones' responses.
const CONES: Matrix = [
    [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
    [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
    [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
];

/// From the cube roots of the responses to L, a and b.
const LAB: Matrix = [
    [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
    [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
    [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
];

/// From L, a and b to the cube roots of the responses. It is computed, since the published inverse has too few digits to come back to
/// the same color.
const ROOTS: Matrix = inverse(LAB);

/// From the cones' responses to linear sRGB.
const LINEAR: Matrix = inverse(CONES);

/// L, a and b of an sRGB color with values 0 to 255.
pub fn from_srgb(color: Vector) -> Vector {
    let linear = color.map(|level| linear(level / 255.0));
    apply(LAB, apply(CONES, linear).map(f64::cbrt))
}

/// The sRGB color with this L, a and b. A color that sRGB does not have has values below 0 or above 255.
pub fn to_srgb(lab: Vector) -> Vector {
    let linear = apply(LINEAR, apply(ROOTS, lab).map(|root| root.powi(3)));
    linear.map(|value| 255.0 * encoded(value))
}

/// The linear value of an sRGB value, both from 0 to 1. Below 0 the curve goes on symmetrically.
fn linear(value: f64) -> f64 {
    let size = value.abs();
    let linear = if size <= 0.04045 {
        size / 12.92
    } else {
        ((size + 0.055) / 1.055).powf(2.4)
    };
    linear.copysign(value)
}

/// The inverse of [`linear`].
fn encoded(value: f64) -> f64 {
    let size = value.abs();
    let encoded = if size <= 0.003_130_8 {
        size * 12.92
    } else {
        1.055 * size.powf(1.0 / 2.4) - 0.055
    };
    encoded.copysign(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: Vector, b: Vector) -> f64 {
        (0..3).map(|c| (a[c] - b[c]).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn known_colors_have_their_known_coordinates() {
        for (color, lab) in [
            ([255.0, 255.0, 255.0], [1.0, 0.0, 0.0]),
            ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
            ([255.0, 0.0, 0.0], [0.627_955, 0.224_863, 0.125_846]),
            ([0.0, 255.0, 0.0], [0.866_440, -0.233_888, 0.179_498]),
            ([0.0, 0.0, 255.0], [0.452_014, -0.032_457, -0.311_528]),
        ] {
            let found = from_srgb(color);
            assert!(distance(found, lab) < 1e-5, "{color:?}: {found:?}");
        }
    }

    #[test]
    fn colors_come_back_from_oklab() {
        let levels = || (-1..=11).map(|level| f64::from(level) * 25.5);
        for red in levels() {
            for green in levels() {
                for blue in levels() {
                    let color = [red, green, blue];
                    let back = to_srgb(from_srgb(color));
                    let error = distance(back, color) / 255.0;
                    assert!(error < 1e-6, "{color:?}: {back:?}");
                }
            }
        }
    }
}
