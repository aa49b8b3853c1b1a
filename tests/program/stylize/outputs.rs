//! `impasto stylize --output`: formats, depth, quality and transparency, and the file that is replaced.

use super::SHALLOW;
use crate::workplace::{SMALL, Workplace, data};
use image::{Rgba, RgbaImage};

#[test]
fn the_file_extension_decides_the_format() {
    let place = Workplace::new();
    for ending in ["jpg", "WebP", "tiff"] {
        let arguments = format!("-o out.{ending} --size 32x32 --iterations 1");
        place.stylize(&arguments).assert().success();
        let bytes = std::fs::read(place.path(&format!("out.{ending}"))).unwrap();
        let format = image::guess_format(&bytes).unwrap();
        let expected = image::ImageFormat::from_extension(ending).unwrap();
        assert_eq!(format, expected);
    }
}

#[test]
fn an_older_picture_is_replaced_and_a_link_is_followed() {
    let place = Workplace::new();
    place.write("out.png", "not a picture");
    place.stylize(SMALL).assert().success();
    assert_eq!(place.dimensions("out.png"), (48, 32));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir(place.path("there")).unwrap();
        let target = place.write("there/real.png", "");
        std::fs::remove_file(place.path("out.png")).unwrap();
        std::os::unix::fs::symlink(&target, place.path("out.png")).unwrap();
        place.stylize(SMALL).assert().success();
        assert_eq!(place.dimensions("there/real.png"), (48, 32));
        assert!(place.path("out.png").is_symlink());
        // Its permissions are those of any file that the user creates.
        let plain = place.write("plain", "").metadata().unwrap().permissions();
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&target), plain.mode());
        // A link to a file that does not exist yet is followed too, and a private file stays private.
        std::fs::remove_file(&target).unwrap();
        place.stylize(SMALL).assert().success();
        assert!(place.path("out.png").is_symlink());
        std::fs::set_permissions(&target, PermissionsExt::from_mode(0o600)).unwrap();
        place.stylize(SMALL).assert().success();
        assert_eq!(mode(&target) & 0o777, 0o600);
    }
}

#[test]
fn bit_depth_and_jpeg_quality_are_as_asked_for() {
    let place = Workplace::new();
    place
        .stylize(&format!("-o deep.png --bit-depth 16 {SHALLOW}"))
        .assert()
        .success();
    let deep = image::open(place.path("deep.png")).unwrap();
    assert_eq!(deep.color(), image::ColorType::Rgb16);
    assert!(
        deep.into_rgb16()
            .as_raw()
            .iter()
            .any(|value| value % 257 != 0),
        "more than 8 bits"
    );
    let length = |quality: u8| {
        place
            .stylize(&format!("-o out.jpg --jpeg-quality {quality} {SHALLOW}"))
            .assert()
            .success();
        std::fs::metadata(place.path("out.jpg")).unwrap().len()
    };
    assert!(length(20) < length(95));
}

#[test]
fn options_that_the_format_cannot_store_are_refused() {
    let place = Workplace::new();
    for (options, trouble) in [
        (
            "-o out.jpg --bit-depth 16",
            "out.jpg: this format stores 8 bits per channel; for 16 bits, write png or tif",
        ),
        (
            "-o out.png --jpeg-quality 50",
            "out.png: only jpg has a quality setting",
        ),
        (
            "-o out.jpg --keep-alpha",
            "out.jpg: this format cannot store transparency",
        ),
    ] {
        let line = place.refusal(place.stylize(&format!("{options} {SHALLOW}")));
        assert!(line.contains(trouble), "{line}");
    }
}

#[test]
fn keep_alpha_makes_the_picture_transparent_where_the_photograph_is() {
    let place = Workplace::new();
    let half = RgbaImage::from_fn(48, 48, |x, _| {
        Rgba([90, 120, 60, if x < 24 { 0 } else { 255 }])
    });
    half.save(place.path("half.png")).unwrap();
    let mut command = place.impasto("stylize half.png");
    command.arg(data("style/great_wave.jpg"));
    command.args(format!("-o out.png --keep-alpha {SHALLOW}").split(' '));
    command.assert().success();
    let painted = image::open(place.path("out.png")).unwrap().into_rgba8();
    for (x, _, pixel) in painted.enumerate_pixels() {
        assert_eq!(pixel[3], if x < 24 { 0 } else { 255 }, "at {x}");
    }
}
