//! The alpha channel of a picture is read, carried through a run, and written.

use crate::written::{with_alpha, write};
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, Rgba, RgbaImage};
use impasto::painting::{OriginalColors, Recipe, Settings, Stylization};
use impasto::picture::{Depth, Encoding, FloatPicture, Picture, Size};
use impasto::weights::{Source, Weights};
use std::path::Path;

/// A WebP picture with an opaque left half and a translucent right half. Its pixels are stored rotated by 90°.
fn translucent(folder: &Path) -> Picture {
    let file = folder.join("translucent.webp");
    // The stored top is the right side of the upright picture.
    let stored = RgbaImage::from_fn(40, 60, |_, y| {
        Rgba([200, 100, 50, if y < 30 { 64 } else { 255 }])
    });
    let mut encoder = WebPEncoder::new_lossless(std::fs::File::create(&file).unwrap());
    // A TIFF header and one entry: orientation 6, rotate clockwise by 90°.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    DynamicImage::from(stored)
        .write_with_encoder(encoder)
        .unwrap();
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(remark.unwrap().contains("placed on a white background"));
    assert_eq!(
        picture.size(),
        Size {
            width: 60,
            height: 40
        }
    );
    picture
}

#[test]
fn alpha_is_rotated_cropped_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let picture = translucent(folder.path());
    // A square from the middle, scaled by one half.
    let size = Size {
        width: 20,
        height: 20,
    };
    let picture = picture.fit(size);
    let output = FloatPicture::from_array(&picture.to_array()).with_alpha_of(&picture);
    for (extension, depth) in [
        ("png", Depth::Eight),
        ("png", Depth::Sixteen),
        ("tif", Depth::Sixteen),
        ("tif", Depth::Eight),
        ("webp", Depth::Eight),
        ("tga", Depth::Eight),
        ("qoi", Depth::Eight),
    ] {
        let file = folder.path().join("out").with_extension(extension);
        write(
            &file,
            &output,
            Encoding {
                depth,
                ..with_alpha()
            },
        );
        let back = image::open(&file).unwrap();
        assert!(back.color().has_alpha(), "{extension}");
        assert_eq!(
            back.color().bytes_per_pixel(),
            if depth == Depth::Eight { 4 } else { 8 }
        );
        let back = back.into_rgba8();
        assert_eq!(back.dimensions(), (20, 20));
        for (x, y, pixel) in back.enumerate_pixels() {
            let expected = if x < 10 { 255 } else { 64 };
            // Near the edge the filter overshoots.
            let bound = if (7..13).contains(&x) { 255 } else { 0 };
            assert!(
                pixel[3].abs_diff(expected) <= bound,
                "{extension} at {x}, {y}: {pixel:?}"
            );
        }
        // Alpha is written only on request.
        write(&file, &output, Encoding::default());
        assert!(!image::open(&file).unwrap().color().has_alpha());
    }
}

#[test]
fn a_run_preserves_the_alpha_of_the_photograph() {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let weights = Weights::load(&Source::File(data.join("vgg16.safetensors"))).unwrap();
    let (style, _) = Picture::open(&data.join("style/starry_night.jpg")).unwrap();
    let stylization = Stylization::of(&translucent(folder.path()), &style);
    for original_colors in [OriginalColors::Off, OriginalColors::Luminance] {
        let settings = Settings {
            iterations: 1,
            size: "48".parse().unwrap(),
            original_colors,
            ..Recipe::preset("classic").unwrap().settings()
        };
        let painting = stylization.clone().settings(settings).run(&weights);
        let painted = painting.unwrap().picture;
        let file = folder.path().join("painted.png");
        write(&file, &painted, with_alpha());
        let painted = image::open(&file).unwrap().into_rgba8();
        assert_eq!(painted.dimensions(), (48, 32));
        assert_eq!(
            [painted.get_pixel(3, 9)[3], painted.get_pixel(45, 9)[3]],
            [255, 64]
        );
    }
}
