//! Colors with known places in OkLab.

use crate::metrics::palette::*;
use image::{Rgb, RgbImage};
use impasto::picture::Picture;

#[test]
fn white_black_and_red_have_their_places_in_oklab() {
    let color = |rgb| {
        let picture = Picture::from(RgbImage::from_pixel(1, 1, Rgb(rgb)));
        oklab(&picture).into_raw_vec_and_offset().0
    };
    let near = |a: Vec<f32>, b: [f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3);
    assert!(near(color([255; 3]), [1.0, 0.0, 0.0]));
    assert!(near(color([0; 3]), [0.0, 0.0, 0.0]));
    assert!(near(color([255, 0, 0]), [0.628, 0.225, 0.126]));
}
