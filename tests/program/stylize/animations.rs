//! `impasto stylize --animation`.

use crate::workplace::{SMALL, Workplace};
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::{AnimationDecoder, DynamicImage, RgbImage};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Few layers, because the tests need many iterations.
const SHALLOW: &str = "-o out.png --content-layers conv1_1 --style-layers conv1_1";

fn frames(path: &Path) -> Vec<RgbImage> {
    let file = BufReader::new(File::open(path).unwrap());
    let frames = match path.extension().unwrap().to_str() {
        Some("gif") => GifDecoder::new(file).unwrap().into_frames(),
        _ => PngDecoder::new(file).unwrap().apng().unwrap().into_frames(),
    };
    let frames = frames.map(|frame| DynamicImage::ImageRgba8(frame.unwrap().into_buffer()));
    frames.map(DynamicImage::into_rgb8).collect()
}

/// The mean of |a − b| over all values.
fn distance(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: f64 = a
        .iter()
        .zip(b.iter())
        .map(|(a, b)| f64::from(a.abs_diff(*b)))
        .sum();
    sum / a.len() as f64
}

/// The run has two sizes, and its colors are not those that the network sees.
#[test]
fn an_animation_shows_the_run_and_ends_with_its_picture() {
    let place = Workplace::new();
    let run = "--size 48 --scales 2 --iterations 80 --style-loss gram --original-colors luminance";
    for name in ["a.apng", "a.GIF"] {
        let arguments = format!("{SHALLOW} {run} --animation {name}");
        place.stylize(&arguments).assert().success();
    }
    let painted = place.rgb("out.png");
    std::fs::rename(place.path("a.GIF"), place.path("a.gif")).unwrap();
    let (exact, palette) = (frames(&place.path("a.apng")), frames(&place.path("a.gif")));
    assert_eq!((exact.len(), palette.len()), (60, 60));
    assert_eq!(exact[59], painted);
    for (exact, palette) in exact.iter().zip(&palette) {
        assert!(
            distance(exact, palette) < 6.0,
            "{}",
            distance(exact, palette)
        );
    }
    // From noise to the picture, all of it in the photograph's colors.
    let (first, middle) = (
        distance(&exact[0], &painted),
        distance(&exact[30], &painted),
    );
    assert!(first > 2.0 * middle && middle > 0.0, "{first}, {middle}");
    let colored = |frame: &RgbImage| frame.pixels().filter(|p| p[0].abs_diff(p[2]) > 20).count();
    let count = colored(&painted);
    assert!(count > 500 && colored(&exact[0]) > count / 2, "{count}");
}

#[test]
fn a_short_run_has_a_frame_for_each_iteration() {
    let place = Workplace::new();
    place
        .stylize(&format!("{SMALL} --optimizer adam --animation a.png"))
        .assert()
        .success();
    assert_eq!(place.contents(), ["a.png", "out.png"]);
    let frames = frames(&place.path("a.png"));
    assert_eq!(frames.len(), 3);
    assert_eq!(frames[2], place.rgb("out.png"));
    assert_ne!(frames[1], frames[2]);
}

#[test]
fn a_large_picture_is_shrunk_for_its_animation() {
    let place = Workplace::new();
    let arguments = format!("{SHALLOW} --size 600 --iterations 1 --animation a.gif");
    place.stylize(&arguments).assert().success();
    let frames = frames(&place.path("a.gif"));
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].dimensions(), (480, 319));
}

#[test]
fn an_animation_that_cannot_be_written_is_refused_before_the_run() {
    let place = Workplace::new();
    std::fs::create_dir(place.path("folder.gif")).unwrap();
    for (name, reason) in [
        (
            "a.webm",
            "a.webm: --animation: the file extension decides the format; use gif, apng or png",
        ),
        ("a", "use gif, apng or png"),
        (
            "missing/a.gif",
            "missing/a.gif: --animation: there is no folder missing",
        ),
        ("folder.gif", "folder.gif: --animation: this is a folder"),
        (
            "./out.png",
            "out.png: --animation would replace another file of this run",
        ),
    ] {
        let line = place.refusal(place.stylize(&format!("{SMALL} --animation {name}")));
        assert!(line.contains(reason), "{line}");
    }
}
