//! The colors of a picture in OkLab, a space in which equal distances look equally different (B. Ottosson 2020, *A perceptual color
//! space for image processing*).

use impasto::picture::Picture;
use impasto::vgg::MEAN;
use ndarray::{Array3, s};

/// From linear sRGB to the responses of three kinds of cones, and from their cube roots to L, a and b.
const TO_CONES: [[f64; 3]; 3] = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
];
const TO_LAB: [[f64; 3]; 3] = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
];

/// The colors of a picture, H×W×3: L from 0 to 1, a and b around 0.
pub fn oklab(picture: &Picture) -> Array3<f32> {
    let mut x = picture.to_array();
    for mut row in x.outer_iter_mut() {
        for mut pixel in row.outer_iter_mut() {
            let rgb = [0, 1, 2].map(|c| linear(f64::from((pixel[c] + MEAN[c]) / 255.0)));
            let lab = apply(TO_LAB, apply(TO_CONES, rgb).map(f64::cbrt));
            pixel.assign(&ndarray::arr1(&lab.map(|v| v as f32)));
        }
    }
    x
}

/// The luminance of a picture, H×W: 0.2126 R + 0.7152 G + 0.0722 B of the encoded values from 0 to 1.
pub fn luminance(picture: &Picture) -> ndarray::Array2<f64> {
    let x = picture.to_array();
    let channel = |c: usize| {
        x.slice(s![.., .., c])
            .mapv(|v| f64::from(v + MEAN[c]) / 255.0)
    };
    channel(0) * 0.2126 + channel(1) * 0.7152 + channel(2) * 0.0722
}

/// Undoes sRGB's transfer function.
fn linear(v: f64) -> f64 {
    if v <= 0.04045 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

fn apply(a: [[f64; 3]; 3], x: [f64; 3]) -> [f64; 3] {
    a.map(|row| row[0] * x[0] + row[1] * x[1] + row[2] * x[2])
}
