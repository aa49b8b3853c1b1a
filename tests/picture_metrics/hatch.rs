//! The high-pass filter, and hatching that is drawn on purpose.

use crate::metrics::hatch::*;
use image::{Rgb, RgbImage};
use impasto::picture::Picture;

fn picture(gray: impl Fn(u32, u32) -> f64) -> Picture {
    Picture::from(RgbImage::from_fn(96, 64, |x, y| {
        Rgb([(255.0 * gray(x, y)).round() as u8; 3])
    }))
}

/// The ratio at the full size.
fn ratio_at_first(painted: &Picture, photograph: &Picture, painting: &Picture) -> Option<f64> {
    ratios(painted, photograph, painting)[0]
}

/// The response of the filter to a wave of this many cycles a pixel.
fn response(frequency: f64) -> f64 {
    let wave = |k: isize| (2.0 * std::f64::consts::PI * frequency * k as f64).cos();
    let terms = (-RADIUS..=RADIUS).zip(low_pass());
    terms.map(|(k, weight)| weight * wave(k)).sum()
}

#[test]
fn the_filter_has_the_response_that_its_documentation_states() {
    assert!((response(0.25) - 0.5).abs() < 1e-3);
    for step in 0..=18 {
        let low = f64::from(step) / 100.0;
        let passed = response(low);
        assert!((passed - 1.0).abs() < 4e-3, "{low}: {passed}");
        assert!(response(0.5 - low).abs() < 2e-3, "{}", response(0.5 - low));
    }
}

#[test]
fn a_flat_picture_has_no_hatch_and_checkerboard_noise_has_more_the_stronger_it_is() {
    let flat = picture(|_, _| 0.6);
    let painting = picture(|x, y| 0.5 + 0.3 * f64::from(x * y % 7) / 7.0);
    assert!(ratio_at_first(&flat, &flat, &painting).unwrap() < 1e-6);
    let checkered = |contrast: f64| {
        let painted = picture(|x, y| 0.6 + contrast * f64::from((x + y) % 2));
        ratio_at_first(&painted, &flat, &painting).unwrap()
    };
    let (weak, strong) = (checkered(0.1), checkered(0.2));
    assert!(weak > 0.01);
    assert!((strong / weak - 4.0).abs() < 0.3, "{weak} {strong}");
}

#[test]
fn a_gradient_and_detail_where_the_photograph_has_some_are_not_hatch() {
    let half = |x: u32, y: u32| {
        if x < 48 {
            0.5
        } else {
            f64::from(x * 7 % 5 + y % 3) / 8.0
        }
    };
    let photograph = picture(half);
    let painting = picture(|x, y| f64::from(x * y % 7) / 7.0);
    let smooth_on_the_left = picture(|x, y| {
        let detail = if x < 56 { 0.0 } else { f64::from((x + y) % 2) };
        0.3 + f64::from(y) / 200.0 + 0.2 * detail
    });
    assert!(ratio_at_first(&smooth_on_the_left, &photograph, &painting).unwrap() < 1e-2);
}

#[test]
fn a_photograph_that_is_flat_nowhere_has_no_measurement() {
    let busy = picture(|x, y| f64::from((x / 2 + y / 2) % 2));
    assert_eq!(ratio_at_first(&busy, &busy, &busy), None);
}

#[test]
fn lines_four_to_eight_pixels_apart_count_at_half_the_size_only() {
    let flat = picture(|_, _| 0.5);
    let painting = picture(|x, y| f64::from(x * y % 7) / 7.0 + f64::from(x / 3 % 2) / 9.0);
    let lines = picture(|x, _| 0.5 + 0.2 * (f64::from(x) * std::f64::consts::TAU / 5.5).cos());
    let [fine, coarse] = ratios(&lines, &flat, &painting).map(Option::unwrap);
    assert!(fine < coarse / 100.0 && coarse > 0.1, "{fine} {coarse}");
}
