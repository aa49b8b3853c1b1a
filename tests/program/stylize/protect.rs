//! `impasto stylize --protect`: a part of the photograph that stays as it is.

use super::masks_and_blends::mask;
use crate::workplace::{Workplace, data};
use image::imageops::FilterType;
use image::{RgbImage, imageops};

/// A small run that paints the photograph in its own size.
const OPTIONS: &str = "--size 48x32 --scales 24,48 --iterations 3 --content-layers conv2_1 --style-layers conv1_1,conv2_1";

/// A folder with a photograph of 48x32 pixels, and a mask of it that is white on the left.
fn protected() -> (Workplace, RgbImage) {
    let place = Workplace::new();
    let cat = image::open(data("content/chelsea.jpg"))
        .unwrap()
        .into_rgb8();
    let photograph = imageops::resize(&cat, 48, 32, FilterType::Triangle);
    photograph.save(place.path("photo.png")).unwrap();
    mask(&place, "mask.png", (48, 32), |x, _| x < 20);
    (place, photograph)
}

/// `stylize` of this photograph with these options.
fn arguments(options: &str) -> String {
    let style = data("style/starry_night.jpg");
    format!("stylize photo.png {} {options}", style.display())
}

fn paint(place: &Workplace, options: &str) {
    let arguments = arguments(&format!("{OPTIONS} {options}"));
    place.impasto(&arguments).assert().success();
}

/// How many pixels with x < 20, and how many of the others, are those of the photograph.
fn kept(picture: &RgbImage, photograph: &RgbImage) -> (usize, usize) {
    let same = |protected: bool| {
        let pairs = picture.enumerate_pixels().zip(photograph.pixels());
        let pairs = pairs.filter(|((x, ..), _)| (*x < 20) == protected);
        pairs.filter(|((.., a), b)| a == b).count()
    };
    (same(true), same(false))
}

#[test]
fn protected_pixels_are_those_of_the_photograph() {
    let (place, photograph) = protected();
    for options in [
        "",
        "--original-colors luminance",
        "--original-colors palette",
        "--preset nnst --finer-iterations 2 --split-iterations 1",
        "--preset strotss --finer-iterations 2",
    ] {
        let options = format!("--protect mask.png -o out.png --frames f --frames-at 1 {options}");
        paint(&place, &options);
        let (inside, outside) = kept(&place.rgb("out.png"), &photograph);
        assert_eq!(inside, 20 * 32, "{options}");
        assert!(outside < 28 * 32 / 4, "{options}: {outside}");
        // Frames have the size of their iteration, and with --original-colors luminance they are gray.
        let mut frames = 0;
        for frame in place.path("f").read_dir().unwrap() {
            let frame = image::open(frame.unwrap().path()).unwrap().into_rgb8();
            if frame.width() == 48 && !options.contains("luminance") {
                assert_eq!(kept(&frame, &photograph).0, 20 * 32, "{options}");
                frames += 1;
            }
        }
        assert!(frames > 0 || options.contains("luminance"), "{options}");
        std::fs::remove_dir_all(place.path("f")).unwrap();
    }
    // In 16 bits they are the same levels.
    paint(&place, "--protect mask.png -o deep.png --bit-depth 16");
    let deep = image::open(place.path("deep.png")).unwrap().into_rgb16();
    for (x, y, pixel) in deep.enumerate_pixels().filter(|(x, ..)| *x < 20) {
        let levels = photograph
            .get_pixel(x, y)
            .0
            .map(|level| 257 * u16::from(level));
        assert_eq!(pixel.0, levels);
    }
}

#[test]
fn gray_keeps_a_part_and_black_changes_nothing() {
    let (place, photograph) = protected();
    mask(&place, "black.png", (48, 32), |_, _| false);
    image::GrayImage::from_pixel(48, 32, image::Luma([128]))
        .save(place.path("gray.png"))
        .unwrap();
    paint(&place, "-o plain.png");
    paint(&place, "-o kept.png --protect black.png");
    paint(&place, "-o half.png --protect gray.png");
    assert!(place.pixels("plain.png") == place.pixels("kept.png"));
    let change = |name: &str| -> u64 {
        let picture = place.rgb(name);
        let pairs = picture.as_raw().iter().zip(photograph.as_raw());
        pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
    };
    let (half, whole) = (change("half.png"), change("plain.png"));
    assert!(
        4 * half > whole && 4 * half < 3 * whole,
        "{half} of {whole}"
    );
}

#[test]
fn a_mask_that_makes_no_sense_is_refused() {
    let (place, _) = protected();
    mask(&place, "square.png", (30, 30), |x, _| x < 9);
    mask(&place, "white.png", (48, 32), |_, _| true);
    for (options, trouble) in [
        (
            "--protect square.png -o out.png",
            "the mask of what is protected is 30x30, the photograph 48x32: they must have the same aspect",
        ),
        (
            "--protect white.png -o out.png",
            "the mask of what is protected is white: nothing would be painted; make it black where the picture is to be painted",
        ),
        (
            "--protect none.png -o out.png",
            "--protect picture: none.png: no such file",
        ),
        (
            "--protect mask.png -o mask.png",
            "mask.png: --output would replace a file that is read; name another",
        ),
    ] {
        let command = place.impasto(&arguments(&format!("{OPTIONS} {options}")));
        let line = place.refusal(command);
        assert!(line.starts_with(&format!("error: {trouble}")), "{line}");
    }
    let style = data("style/starry_night.jpg");
    let texture = format!(
        "texture {} -o t.png --size 32 --iterations 1 -q",
        style.display()
    );
    place.impasto(&texture).assert().success();
    let again = "stylize --settings-from t.png --protect mask.png -o out.png -q";
    let line = place.refusal(place.impasto(again));
    assert_eq!(
        line,
        "error: there is no photograph of which a part could be protected"
    );
}

#[test]
fn settings_from_protects_the_same_again() {
    let (place, _) = protected();
    mask(&place, "other.png", (48, 32), |_, y| y < 9);
    paint(&place, "--protect mask.png -o first.png");
    let again = |options: &str| {
        let arguments = format!("stylize --settings-from first.png {options}");
        place.impasto(&arguments).assert().success();
    };
    again("-o again.png");
    let file = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert!(file("first.png") == file("again.png"));
    again("-o other_mask.png --protect other.png");
    assert!(place.pixels("first.png") != place.pixels("other_mask.png"));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_resumed_protects_the_same() {
    use crate::processes::{Process, wait_for};
    let (place, _) = protected();
    let long = OPTIONS.replace("--iterations 3", "--iterations 200");
    let straight = arguments(&format!("{long} --protect mask.png -o straight.png"));
    place.impasto(&straight).assert().success();
    let options = "--protect mask.png -o out.png --checkpoint c --checkpoint-every 1";
    let begun = arguments(&format!("{long} {options}"));
    let mut run = Process::start(&place, begun.split_whitespace(), "");
    wait_for("two checkpoints", || {
        assert!(!run.has_ended());
        place.path("c.previous").exists()
    });
    run.kill();
    // A mask that has changed since is not used silently.
    std::fs::rename(place.path("mask.png"), place.path("away.png")).unwrap();
    let line = place.refusal(place.impasto("resume c"));
    assert!(
        line.contains("missing, or changed since the run began: mask.png"),
        "{line}"
    );
    std::fs::rename(place.path("away.png"), place.path("mask.png")).unwrap();
    place.impasto("resume c").assert().success();
    let file = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert!(file("straight.png") == file("out.png"));
}

#[test]
fn in_tiles_the_same_is_protected_and_painted() {
    let place = Workplace::new();
    mask(&place, "mask.png", (150, 100), |x, y| x < 70 && y > 20);
    let options = "--size 150x100 --scales 1 --iterations 3 --protect mask.png";
    for (name, tile) in [("whole.png", ""), ("tiles.png", "--tile 64")] {
        let mut command = place.stylize(&format!("-o {name} {options} {tile}"));
        command.assert().success();
    }
    let pairs = place.pixels("whole.png").into_iter();
    let pairs = pairs.zip(place.pixels("tiles.png"));
    let difference = pairs.map(|(a, b)| a.abs_diff(b)).max();
    assert!(difference <= Some(1), "{difference:?}");
}
