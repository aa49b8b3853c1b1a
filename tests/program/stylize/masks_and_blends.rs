//! `impasto stylize` with several styles: `--style-blend`, `--content-mask` and `--style-mask`.

use super::SHALLOW;
use crate::workplace::{Workplace, data};
use image::{GrayImage, Luma, RgbImage};

/// As `SHALLOW`, with iterations enough for the styles to show.
const LONGER: &str = "--size 48 --style-layers conv1_1,conv2_1 --iterations 30";

/// A mask of this size, white where `white` says so.
pub fn mask(
    place: &Workplace,
    name: &str,
    (width, height): (u32, u32),
    white: impl Fn(u32, u32) -> bool,
) {
    let shade = |x, y| Luma([if white(x, y) { 255 } else { 0 }]);
    GrayImage::from_fn(width, height, shade)
        .save(place.path(name))
        .unwrap();
}

/// The sum of the differences over the columns that are `chosen`.
fn difference(a: &RgbImage, b: &RgbImage, chosen: impl Fn(u32) -> bool) -> u64 {
    (a.enumerate_pixels().zip(b.pixels()))
        .filter(|((x, ..), _)| chosen(*x))
        .flat_map(|((.., a), b)| (0..3).map(move |c| u64::from(a[c].abs_diff(b[c]))))
        .sum()
}

/// Arguments that paint the cat in two styles, with these options.
fn both_styles(options: &str) -> String {
    let [content, first, second] = [
        "content/chelsea.jpg",
        "style/starry_night.jpg",
        "style/great_wave.jpg",
    ]
    .map(|name| data(name).display().to_string());
    format!("stylize {content} {first} {second} {options}")
}

#[test]
fn a_blend_lies_between_its_styles_and_its_ends_are_the_styles_alone() {
    let place = Workplace::new();
    let paint = |options: &str, name: &str| {
        place
            .impasto(&format!("{} {options} -o {name}", both_styles(SHALLOW)))
            .assert()
            .success();
        place.rgb(name)
    };
    let half = paint("", "half.png");
    assert_eq!(half, paint("--style-blend 2,2", "same.png"));
    let (first, second) = (
        paint("--style-blend 1,0", "1.png"),
        paint("--style-blend 0,1", "2.png"),
    );
    let alone = |style: &str, name: &str| {
        let content = data("content/chelsea.jpg");
        let arguments = format!(
            "stylize {} {} {SHALLOW} -o {name}",
            content.display(),
            data(style).display()
        );
        place.impasto(&arguments).assert().success();
        place.rgb(name)
    };
    assert_eq!(first, alone("style/starry_night.jpg", "night.png"));
    assert_eq!(second, alone("style/great_wave.jpg", "wave.png"));
    let all = |_| true;
    assert!(difference(&half, &first, all) > 0 && difference(&half, &second, all) > 0);
}

#[test]
fn masks_say_where_each_style_is_painted() {
    let place = Workplace::new();
    mask(&place, "left.png", (90, 60), |x, _| x < 45);
    mask(&place, "white.png", (451, 300), |_, _| true);
    place
        .stylize(&format!("{SHALLOW} -o plain.png"))
        .assert()
        .success();
    place
        .stylize(&format!(
            "{SHALLOW} --content-mask white.png -o everywhere.png"
        ))
        .assert()
        .success();
    assert_eq!(place.rgb("everywhere.png"), place.rgb("plain.png"));
    let paint = |options: &str, name: &str| {
        let mut run = place.impasto(&format!("{} {options} -o {name}", both_styles(LONGER)));
        run.assert().success();
        place.rgb(name)
    };
    // A style on each half: each half is closer to its own style.
    let halves = paint("--content-mask left.png --content-mask rest", "halves.png");
    let first = paint("--style-blend 1,0", "1.png");
    let second = paint("--style-blend 0,1", "2.png");
    let (left, right) = (|x| x < 20, |x| x > 28);
    assert!(difference(&halves, &first, left) < difference(&halves, &second, left));
    assert!(difference(&halves, &second, right) < difference(&halves, &first, right));
}

#[test]
fn what_a_style_mask_hides_does_not_count() {
    let place = Workplace::new();
    // The night, and beside it an area of magenta, which the mask hides.
    let night = image::open(data("style/starry_night.jpg"))
        .unwrap()
        .into_rgb8();
    let mut beside =
        RgbImage::from_pixel(2 * night.width(), night.height(), image::Rgb([255, 0, 255]));
    image::imageops::replace(&mut beside, &night, 0, 0);
    beside.save(place.path("beside.png")).unwrap();
    mask(&place, "night.png", beside.dimensions(), |x, _| {
        x < night.width()
    });
    let paint = |style: &str, options: &str| {
        let content = data("content/chelsea.jpg");
        let arguments = format!(
            "stylize {} {style} {LONGER} --style-margin 0 --content-weight 0 --tv-weight 0 -o out.png {options}",
            content.display()
        );
        place.impasto(&arguments).assert().success();
        place.rgb("out.png")
    };
    let magenta = |picture: &RgbImage| {
        picture
            .pixels()
            .filter(|p| p[0] > 200 && p[1] < 90 && p[2] > 200)
            .count()
    };
    let (whole, masked) = (
        magenta(&paint("beside.png", "")),
        magenta(&paint("beside.png", "--style-mask night.png")),
    );
    // The layers see a little of it across the border of the mask.
    assert!(
        whole > 200 && 8 * masked < whole,
        "{whole}, masked: {masked}"
    );
}

/// Checks that the cat in two styles is refused with these options, for these reasons.
fn check_refusals(place: &Workplace, cases: &[(&str, &str)]) {
    for (options, trouble) in cases {
        let arguments = format!("{} -o out.png {options}", both_styles(SHALLOW));
        let line = place.refusal(place.impasto(&arguments));
        assert!(line.contains(trouble), "{line}");
    }
}

#[test]
fn masks_that_contradict_each_other_are_refused() {
    let place = Workplace::new();
    mask(&place, "square.png", (30, 30), |_, _| true);
    mask(&place, "fits.png", (451, 300), |_, _| true);
    mask(&place, "black.png", (451, 300), |_, _| false);
    mask(&place, "black_night.png", (752, 600), |_, _| false);
    check_refusals(
        &place,
        &[
            (
                "--content-mask fits.png --content-mask black.png",
                "the masks leave style 2 no place",
            ),
            (
                "--content-mask fits.png --content-mask rest",
                "the masks leave style 2 no place",
            ),
            (
                "--style-mask black_night.png --style-mask all",
                "the mask of style 1 is black",
            ),
            (
                "--content-mask fits.png",
                "--content-mask: 1 for 2 style pictures; give one for each",
            ),
            (
                "--content-mask square.png --content-mask rest",
                "the mask for style 1 is 30x30",
            ),
            (
                "--content-mask rest --content-mask rest",
                "only one style can have the rest",
            ),
            (
                "--style-mask fits.png --style-mask all",
                "the mask of style 1 is 451x300",
            ),
            (
                "--content-mask none.png --content-mask rest",
                "none.png: no such file",
            ),
        ],
    );
}

#[test]
fn blends_and_scales_that_do_not_fit_the_styles_are_refused() {
    let place = Workplace::new();
    mask(&place, "fits.png", (451, 300), |_, _| true);
    check_refusals(
        &place,
        &[
            (
                "--style-blend 1,2,3",
                "style-blend has 3 numbers for 2 style pictures",
            ),
            (
                "--style-blend 0,0",
                "style-blend must have a number above 0",
            ),
            ("--style-scale 1,1,1", "style-scale has 3 numbers"),
            (
                "--content-mask fits.png --content-mask rest --style-blend 3,1",
                "style-blend has no meaning where masks say which style is painted where",
            ),
        ],
    );
}
