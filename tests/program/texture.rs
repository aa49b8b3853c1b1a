//! `impasto texture`.

use crate::workplace::{Workplace, data, usage_error};
use image::RgbImage;

#[test]
fn a_texture_has_the_size_asked_for_and_tiles_with_seamless() {
    let place = Workplace::new();
    // Smooth hills, in which a seam shows.
    let wave = |x: u32, y: u32| {
        let (x, y) = (f64::from(x), f64::from(y));
        (128.0 + 60.0 * ((0.2 * x).sin() + (0.16 * y + 0.04 * x).cos())) as u8
    };
    let hills = RgbImage::from_fn(160, 160, |x, y| image::Rgb([wave(x, y), wave(y, x), 90]));
    hills.save(place.path("hills.png")).unwrap();
    // The difference between the last and the first column, relative to that between two neighbors.
    let seam = |options: &str| {
        let layers = "conv1_1,conv2_1,conv3_1";
        let arguments = format!(
            "texture hills.png -o out.png --size 64x48 --border 0 --iterations 80 --style-layers {layers} {options}"
        );
        place.impasto(&arguments).assert().success();
        let picture = place.rgb("out.png");
        assert_eq!(picture.dimensions(), (64, 48));
        let step = |a: u32, b: u32| -> f64 {
            (0..48)
                .map(|y| f64::from(picture.get_pixel(a, y)[0].abs_diff(picture.get_pixel(b, y)[0])))
                .sum()
        };
        step(63, 0) / ((1..64).map(|x| step(x - 1, x)).sum::<f64>() / 63.0)
    };
    let seams = |options: &str| seam(options) + seam(&format!("{options} --seed 1"));
    let (seamless, plain) = (seams("--seamless"), seams(""));
    assert!(seamless < 0.8 * plain, "{seamless}, without: {plain}");
}

#[test]
fn textures_that_cannot_be_painted_are_refused() {
    let place = Workplace::new();
    let night = data("style/starry_night.jpg").display().to_string();
    for (arguments, trouble) in [
        (
            format!("{night} --seamless --size 100x64"),
            "multiples of 16 for these layers, not 100x64; ask for --size 96x64",
        ),
        (
            format!("{night} --size 8x8"),
            "picture at 8x8 is too small for layer conv5_1, which needs 16 pixels each way",
        ),
        (
            "missing.jpg".to_owned(),
            "style picture: missing.jpg: no such file",
        ),
    ] {
        let line = place.refusal(place.impasto(&format!("texture -o out.png {arguments}")));
        assert!(line.contains(trouble), "{line}");
    }
    let of_content = place.impasto(&format!("texture {night} -o out.png --content-weight 3"));
    assert!(usage_error(of_content).contains("--content-weight"));
}
