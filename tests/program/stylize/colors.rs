//! `impasto stylize`: the photograph's colors, and transparent pictures.

use crate::workplace::{SMALL, Workplace, data, said};
use std::path::PathBuf;

#[test]
fn original_colors_keeps_the_colors_of_the_photograph() {
    let place = Workplace::new();
    let means = |path: PathBuf| {
        let picture = image::open(path).unwrap().into_rgb8();
        let count = f64::from(picture.width() * picture.height());
        [0, 1, 2].map(|c| {
            picture
                .pixels()
                .map(|pixel| f64::from(pixel[c]))
                .sum::<f64>()
                / count
        })
    };
    let photograph = means(data("content/chelsea.jpg"));
    // How far red is from blue: the cat is warm, the night is cold.
    let warmth = |[red, _, blue]: [f64; 3]| red - blue;
    let painted = |colors: &str| {
        let options = "-o out.png --size 64 --iterations 30 --init content --optimizer lbfgs";
        place
            .stylize(&format!("{options} --original-colors {colors}"))
            .assert()
            .success();
        warmth(means(place.path("out.png")))
    };
    let (off, matched, luminance) = (painted("off"), painted("match"), painted("luminance"));
    let warm = warmth(photograph);
    assert!(off < warm - 30.0, "{off}, the photograph {warm}");
    assert!(
        (matched - warm).abs() < 10.0,
        "{matched}, the photograph {warm}"
    );
    assert!(
        (luminance - warm).abs() < 3.0,
        "{luminance}, the photograph {warm}"
    );
}

#[test]
fn transparent_areas_are_placed_on_white_with_a_remark() {
    let place = Workplace::new();
    let glass = image::RgbaImage::from_pixel(40, 40, image::Rgba([10, 20, 30, 0]));
    glass.save(place.path("glass.png")).unwrap();
    let mut command = place.impasto("stylize glass.png");
    command.arg(data("style/great_wave.jpg"));
    command.args(format!("{SMALL} --init content --learning-rate 1e-6").split(' '));
    let said = said(command);
    assert!(
        said.starts_with("glass.png: transparent areas were placed on a white background\n"),
        "{said}"
    );
    let painted = place.rgb("out.png");
    assert!(painted.pixels().all(|pixel| pixel.0 == [255; 3]));
}
