//! Pictures with a color profile are converted to sRGB by the formula of the profile.

use crate::color_math::{
    ADOBE, ADOBE_GAMMA, P3, convert, lightness_to_srgb, linear_to_srgb, srgb_to_linear,
};
use crate::profile_files::{cmyk_table, jpeg_with_profile, rgb_table, write};
use image::{ImageBuffer, Luma, Rgb, RgbImage, Rgba};
use impasto::picture::Picture;
use impasto::vgg::MEAN;
use moxcms::ColorProfile;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::path::{Path, PathBuf};

const CONVERTED: &str = "its colors were converted from";
const TREATED_AS_SRGB: &str = "its colors were treated as sRGB";

/// Patches of many colors.
fn patches() -> RgbImage {
    RgbImage::from_fn(20, 15, |x, y| {
        Rgb([
            (x * 13) as u8,
            (y * 18) as u8,
            ((x * 7 + y * 11) % 256) as u8,
        ])
    })
}

fn levels(picture: &Picture) -> Vec<[f64; 3]> {
    let x = picture.to_array() + ndarray::arr1(&MEAN);
    let levels = x.as_slice().unwrap().chunks(3);
    levels
        .map(|pixel| [0, 1, 2].map(|c| f64::from(pixel[c].round())))
        .collect()
}

fn assert_near(seen: &[[f64; 3]], expected: &[[f64; 3]], bound: f64, what: &str) {
    assert_eq!(seen.len(), expected.len());
    for (seen, expected) in seen.iter().zip(expected) {
        for c in 0..3 {
            let error = (seen[c] - expected[c]).abs();
            assert!(error <= bound, "{what}: {seen:?} for {expected:?}");
        }
    }
}

#[test]
fn wide_gamut_colors_are_converted_by_their_formula() {
    let folder = tempfile::tempdir().unwrap();
    let patches = patches();
    let colors = || {
        patches
            .pixels()
            .map(|pixel| pixel.0.map(|v| f64::from(v) / 255.0))
    };
    let adobe = |v: f64| v.powf(ADOBE_GAMMA);
    let p3: Vec<_> = colors().map(|c| convert(c, srgb_to_linear, P3)).collect();
    let adobe: Vec<_> = colors().map(|c| convert(c, adobe, ADOBE)).collect();
    for (profile, name, expected) in [
        (ColorProfile::new_display_p3(), "Display P3", p3),
        (ColorProfile::new_adobe_rgb(), "Adobe RGB", adobe),
    ] {
        for extension in ["png", "tif", "webp"] {
            let file = folder.path().join("wide").with_extension(extension);
            write(&file, patches.clone(), profile.encode().unwrap());
            let (picture, remark) = Picture::open(&file).unwrap();
            // Rounding costs half a level, the precision of the profile the rest.
            assert_near(&levels(&picture), &expected, 1.0, name);
            let remark = remark.unwrap();
            assert!(
                remark.contains(CONVERTED) && remark.contains(name),
                "{remark}"
            );
            assert!(!remark.contains('\n'));
        }
    }
}

#[test]
fn a_jpeg_with_a_profile_is_decoded_like_one_without() {
    let folder = tempfile::tempdir().unwrap();
    let [plain, wide] = ["plain.jpg", "wide.jpg"].map(|name| folder.path().join(name));
    write(&plain, patches(), Vec::new());
    write(
        &wide,
        patches(),
        ColorProfile::new_display_p3().encode().unwrap(),
    );
    let (plain, remark) = Picture::open(&plain).unwrap();
    assert_eq!(remark, None);
    let expected: Vec<_> = (levels(&plain).into_iter())
        .map(|pixel| convert(pixel.map(|v| v / 255.0), srgb_to_linear, P3))
        .collect();
    let (wide, remark) = Picture::open(&wide).unwrap();
    assert!(remark.unwrap().contains("Display P3"));
    assert_near(&levels(&wide), &expected, 1.0, "JPEG");
}

#[test]
fn gray_is_converted_with_sixteen_bits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gray.png");
    // In linear light, 8 bits would leave almost no dark levels.
    let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let level = |x: u32| 40 * x as u16;
    write(
        &file,
        ImageBuffer::from_fn(64, 1, |x, _| Luma([level(x)])),
        linear,
    );
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(remark.unwrap().contains(CONVERTED));
    let expected: Vec<_> = (0..64)
        .map(|x| [255.0 * linear_to_srgb(f64::from(level(x)) / 65535.0); 3])
        .collect();
    assert_near(&levels(&picture), &expected, 0.6, "linear gray");

    let jpeg = folder.path().join("gray.jpg");
    let gamma = ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
    write(&jpeg, ImageBuffer::from_pixel(16, 16, Luma([100u8])), gamma);
    let (picture, _) = Picture::open(&jpeg).unwrap();
    let expected = 255.0 * linear_to_srgb((100.0 / 255.0f64).powf(1.8));
    assert_near(&levels(&picture), &[[expected; 3]; 256], 1.0, "gray JPEG");
}

#[test]
fn a_profile_with_a_table_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("table.png");
    write(&file, patches(), rgb_table());
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(
        remark
            .unwrap()
            .ends_with("converted from the profile of the file to sRGB")
    );
    let expected: Vec<_> = (patches().pixels())
        .map(|pixel| pixel.0.iter().map(|&v| f64::from(v)).sum::<f64>() / 765.0)
        .map(|lightness| [lightness_to_srgb(lightness); 3])
        .collect();
    assert_near(&levels(&picture), &expected, 1.5, "table");
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pictures")
        .join(name)
}

#[test]
fn cmyk_is_converted_by_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    let amounts = [
        [0u8, 0, 0, 0],
        [255, 0, 0, 0],
        [80, 100, 120, 20],
        [0, 0, 0, 255],
        [255; 4],
    ];
    let file = folder.path().join("cmyk.tif");
    let mut encoder =
        tiff::encoder::TiffEncoder::new(std::fs::File::create(&file).unwrap()).unwrap();
    let mut encoder = encoder
        .new_image::<tiff::encoder::colortype::CMYK8>(5, 1)
        .unwrap();
    let tag = tiff::tags::Tag::IccProfile;
    encoder.encoder().write_tag(tag, &cmyk_table()[..]).unwrap();
    encoder.write_data(amounts.as_flattened()).unwrap();
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(remark.unwrap().contains(CONVERTED));
    let expected = amounts.map(|amounts| {
        let ink = amounts.iter().map(|&v| f64::from(v)).sum::<f64>() / 1020.0;
        [lightness_to_srgb(1.0 - ink); 3]
    });
    assert_near(&levels(&picture), &expected, 1.5, "CMYK TIFF");

    // Red, green and blue are mixed of two inks each. White has none.
    let jpeg = std::fs::read(data("rgb_cmyk.jpg")).unwrap();
    let file = folder.path().join("cmyk.jpg");
    std::fs::write(&file, jpeg_with_profile(&jpeg, &cmyk_table())).unwrap();
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(remark.unwrap().contains(CONVERTED));
    let seen = levels(&picture);
    let seen: Vec<_> = [(8, 12), (8, 36), (24, 12), (24, 36)]
        .map(|(i, j)| seen[48 * i + j])
        .into();
    let half = [lightness_to_srgb(0.5); 3];
    assert_near(&seen, &[half, half, half, [255.0; 3]], 3.0, "CMYK JPEG");
}

#[test]
fn a_picture_with_an_srgb_profile_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut unnamed = ColorProfile::new_srgb();
    unnamed.description = None; // sRGB is detected by its values, not by its name
    for profile in [ColorProfile::new_srgb(), unnamed] {
        for extension in ["png", "jpg", "tif", "webp"] {
            let [plain, marked] =
                ["plain", "marked"].map(|name| folder.path().join(name).with_extension(extension));
            write(&plain, patches(), Vec::new());
            write(&marked, patches(), profile.encode().unwrap());
            let (plain, _) = Picture::open(&plain).unwrap();
            let (marked, remark) = Picture::open(&marked).unwrap();
            assert_eq!(remark, None, "{extension}");
            assert!(plain == marked, "{extension}");
            if extension != "jpg" {
                assert!(Picture::from(patches()) == marked, "{extension}");
            }
        }
    }
}

#[test]
fn alpha_is_not_converted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("translucent.png");
    let translucent = ImageBuffer::from_pixel(9, 7, Rgba([40_000u16, 20_000, 60_000, 32_896]));
    write(
        &file,
        translucent,
        ColorProfile::new_display_p3().encode().unwrap(),
    );
    let (picture, remark) = Picture::open(&file).unwrap();
    let remark = remark.unwrap();
    assert!(
        remark.contains("translucent.png: transparent areas were placed on a white background; "),
        "{remark}"
    );
    let color = [40_000.0, 20_000.0, 60_000.0].map(|v| v / 65535.0);
    let half = convert(color, srgb_to_linear, P3).map(|v| (v * 128.0 + 255.0 * 127.0) / 255.0);
    assert_near(&levels(&picture), &[half; 63], 1.0, "translucent");
    assert!(!picture.is_opaque());
}

#[test]
fn a_profile_that_does_not_fit_is_ignored_with_a_remark() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.png");
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let gray = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    for profile in [
        b"no profile at all".to_vec(),
        p3[..200].to_vec(),
        gray,
        cmyk_table(),
    ] {
        write(&file, patches(), profile);
        let (picture, remark) = Picture::open(&file).unwrap();
        assert!(remark.unwrap().ends_with(TREATED_AS_SRGB));
        assert!(picture == Picture::from(patches()));
    }
}

/// A few hundred profiles with random changes or cut short. Each is applied or ignored. None causes a panic.
#[test]
fn a_damaged_profile_is_applied_or_ignored_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = std::fs::read(data("rgb_cmyk.jpg")).unwrap();
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let (mut ignored, mut applied) = (0, 0);
    for (profile, name) in [
        (ColorProfile::new_display_p3().encode().unwrap(), "rgb.png"),
        (
            ColorProfile::new_gray_with_gamma(1.8).encode().unwrap(),
            "gray.png",
        ),
        (rgb_table(), "rgb.png"),
        (cmyk_table(), "cmyk.jpg"),
    ] {
        let file = folder.path().join(name);
        for round in 0..80 {
            let mut profile = profile.clone();
            for _ in 0..=round % 6 {
                let at = rng.random_range(0..profile.len());
                profile[at] = match rng.random_range(0..4) {
                    0 => 0,
                    1 => 255,
                    _ => rng.random(),
                };
            }
            if round % 10 == 0 {
                profile.truncate(rng.random_range(1..profile.len()));
            }
            match name {
                "cmyk.jpg" => std::fs::write(&file, jpeg_with_profile(&jpeg, &profile)).unwrap(),
                "gray.png" => write(&file, ImageBuffer::from_pixel(2, 2, Luma([9u8])), profile),
                _ => write(
                    &file,
                    RgbImage::from_pixel(2, 2, Rgb([9, 99, 199])),
                    profile,
                ),
            }
            let (_, remark) = Picture::open(&file).unwrap();
            let remark = remark.unwrap_or_default();
            assert!(!remark.contains(|c: char| c.is_control()), "{remark:?}");
            ignored += usize::from(remark.ends_with(TREATED_AS_SRGB));
            applied += usize::from(remark.contains(CONVERTED));
        }
    }
    assert!(
        ignored > 40 && applied > 40,
        "{ignored} ignored, {applied} applied"
    );
}
