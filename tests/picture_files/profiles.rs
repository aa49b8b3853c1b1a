//! Pictures with a colour profile are read as the sRGB colours that the profile's formula gives; the profiles are made here.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageBuffer, ImageEncoder, Luma, Rgb, RgbImage, Rgba};
use impasto::picture::Picture;
use impasto::vgg::MEAN;
use moxcms::{
    ColorProfile, DataColorSpace, LutDataType, LutStore, LutType, LutWarehouse, Matrix3d,
    ProfileClass,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::path::{Path, PathBuf};

/// From linear Display P3 to linear sRGB, both with the white D65 (SMPTE EG 432-1, IEC 61966-2-1).
const P3: [[f64; 3]; 3] = [
    [1.224_940_2, -0.224_940_2, 0.0],
    [-0.042_057_0, 1.042_057_0, 0.0],
    [-0.019_637_6, -0.078_636_1, 1.098_273_6],
];
/// From linear Adobe RGB (1998).
const ADOBE: [[f64; 3]; 3] = [
    [1.398_355_9, -0.398_355_9, 0.0],
    [0.0, 1.0, 0.0],
    [0.0, -0.042_939_9, 1.042_939_9],
];
const ADOBE_GAMMA: f64 = 563.0 / 256.0;

const CONVERTED: &str = "its colours were converted from";
const TAKEN_FOR_SRGB: &str = "its colours were taken for sRGB";

fn srgb_to_linear(v: f64) -> f64 {
    if v <= 0.04045 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

fn linear_to_srgb(v: f64) -> f64 {
    let v = v.clamp(0.0, 1.0);
    if v <= 0.003_130_8 {
        12.92 * v
    } else {
        1.055 * v.powf(1.0 / 2.4) - 0.055
    }
}

/// The sRGB levels of a colour, given from 0 to 1, of a space with this curve and matrix.
fn converted(colour: [f64; 3], curve: impl Fn(f64) -> f64, matrix: [[f64; 3]; 3]) -> [f64; 3] {
    let linear = colour.map(curve);
    matrix.map(|row| 255.0 * linear_to_srgb((0..3).map(|i| row[i] * linear[i]).sum()))
}

/// The sRGB level of a grey of this lightness, from 0 to 1 (CIE 1976).
fn lightness_to_srgb(lightness: f64) -> f64 {
    let f = (100.0 * lightness + 16.0) / 116.0;
    let luminance = if f > 6.0 / 29.0 {
        f.powi(3)
    } else {
        100.0 * lightness * 27.0 / 24389.0
    };
    255.0 * linear_to_srgb(luminance)
}

/// Patches of all kinds of colours.
fn patches() -> RgbImage {
    RgbImage::from_fn(20, 15, |x, y| {
        Rgb([
            (x * 13) as u8,
            (y * 18) as u8,
            ((x * 7 + y * 11) % 256) as u8,
        ])
    })
}

fn write(file: &Path, picture: impl Into<DynamicImage>, profile: Vec<u8>) {
    fn with(mut encoder: impl ImageEncoder, picture: &DynamicImage, profile: Vec<u8>) {
        encoder.set_icc_profile(profile).unwrap();
        picture.write_with_encoder(encoder).unwrap();
    }
    let (mut to, picture) = (std::fs::File::create(file).unwrap(), picture.into());
    match file.extension().unwrap().to_str().unwrap() {
        "png" => with(PngEncoder::new(to), &picture, profile),
        "jpg" => with(JpegEncoder::new_with_quality(to, 100), &picture, profile),
        "tif" => with(TiffEncoder::new(to), &picture, profile),
        "webp" => with(WebPEncoder::new_lossless(&mut to), &picture, profile),
        other => panic!("{other}"),
    }
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
fn wide_colours_are_converted_as_their_formula_says() {
    let folder = tempfile::tempdir().unwrap();
    let patches = patches();
    let colours = || {
        patches
            .pixels()
            .map(|pixel| pixel.0.map(|v| f64::from(v) / 255.0))
    };
    let adobe = |v: f64| v.powf(ADOBE_GAMMA);
    let p3: Vec<_> = colours()
        .map(|c| converted(c, srgb_to_linear, P3))
        .collect();
    let adobe: Vec<_> = colours().map(|c| converted(c, adobe, ADOBE)).collect();
    for (profile, name, expected) in [
        (ColorProfile::new_display_p3(), "Display P3", p3),
        (ColorProfile::new_adobe_rgb(), "Adobe RGB", adobe),
    ] {
        for ending in ["png", "tif", "webp"] {
            let file = folder.path().join("wide").with_extension(ending);
            write(&file, patches.clone(), profile.encode().unwrap());
            let (picture, remark) = Picture::open(&file).unwrap();
            // Rounding takes half a level, the profile's own numbers the rest.
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
fn a_jpeg_is_decoded_as_always_and_then_converted() {
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
        .map(|pixel| converted(pixel.map(|v| v / 255.0), srgb_to_linear, P3))
        .collect();
    let (wide, remark) = Picture::open(&wide).unwrap();
    assert!(remark.unwrap().contains("Display P3"));
    assert_near(&levels(&wide), &expected, 1.0, "JPEG");
}

#[test]
fn grey_is_converted_with_all_its_sixteen_bits() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grey.png");
    // Linear light: of what is dark, 8 bits would leave next to nothing.
    let linear = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let grey = |x: u32| 40 * x as u16;
    write(
        &file,
        ImageBuffer::from_fn(64, 1, |x, _| Luma([grey(x)])),
        linear,
    );
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(remark.unwrap().contains(CONVERTED));
    let expected: Vec<_> = (0..64)
        .map(|x| [255.0 * linear_to_srgb(f64::from(grey(x)) / 65535.0); 3])
        .collect();
    assert_near(&levels(&picture), &expected, 0.6, "linear grey");

    let jpeg = folder.path().join("grey.jpg");
    let gamma = ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
    write(&jpeg, ImageBuffer::from_pixel(16, 16, Luma([100u8])), gamma);
    let (picture, _) = Picture::open(&jpeg).unwrap();
    let expected = 255.0 * linear_to_srgb((100.0 / 255.0f64).powf(1.8));
    assert_near(&levels(&picture), &[[expected; 3]; 256], 1.0, "grey JPEG");
}

/// A table of two points each way: lightness falls, or grows, evenly with the sum of the channels, and there is no colour.
fn table(space: DataColorSpace, channels: u8, lightness: impl Fn(f64) -> f64) -> Vec<u8> {
    let ends = |count: u8| LutStore::Store16([0, u16::MAX].repeat(usize::from(count)));
    let corners = (0..1u32 << channels).flat_map(|corner| {
        let mean = f64::from(corner.count_ones()) / f64::from(channels);
        // As this kind of table holds L*, a* and b* (ICC.1:2022, 10.10).
        [
            (f64::from(0xff00) * lightness(mean)).round() as u16,
            0x8000,
            0x8000,
        ]
    });
    let table = LutWarehouse::Lut(LutDataType {
        num_input_channels: channels,
        num_output_channels: 3,
        num_clut_grid_points: 2,
        matrix: Matrix3d::IDENTITY,
        num_input_table_entries: 2,
        num_output_table_entries: 2,
        input_table: ends(channels),
        clut_table: LutStore::Store16(corners.collect()),
        output_table: ends(3),
        lut_type: LutType::Lut16,
    });
    let mut profile = ColorProfile::new_srgb();
    profile.pcs = DataColorSpace::Lab;
    profile.color_space = space;
    profile.profile_class = ProfileClass::OutputDevice;
    (profile.red_trc, profile.green_trc, profile.blue_trc) = (None, None, None);
    (profile.cicp, profile.description) = (None, None);
    profile.lut_a_to_b_colorimetric = Some(table);
    let mut bytes = profile.encode().unwrap();
    bytes[8] = 2; // the version, which such tables are of
    bytes
}

fn rgb_table() -> Vec<u8> {
    table(DataColorSpace::Rgb, 3, |mean| mean)
}

fn cmyk_table() -> Vec<u8> {
    table(DataColorSpace::Cmyk, 4, |mean| 1.0 - mean)
}

#[test]
fn a_profile_with_a_table_is_followed() {
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

/// The segments of a JPEG file's profile go right behind its start.
fn jpeg_with_profile(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    let length = (profile.len() + 16) as u16;
    let segment = [
        &[0xff, 0xe2],
        &length.to_be_bytes()[..],
        b"ICC_PROFILE\0\x01\x01",
        profile,
    ];
    [&jpeg[..2], &segment.concat(), &jpeg[2..]].concat()
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pictures")
        .join(name)
}

#[test]
fn inks_are_converted_by_their_profile() {
    let folder = tempfile::tempdir().unwrap();
    let inks = [
        [0u8, 0, 0, 0],
        [255, 0, 0, 0],
        [80, 100, 120, 20],
        [0, 0, 0, 255],
        [255; 4],
    ];
    let file = folder.path().join("inks.tif");
    let mut encoder =
        tiff::encoder::TiffEncoder::new(std::fs::File::create(&file).unwrap()).unwrap();
    let mut encoder = encoder
        .new_image::<tiff::encoder::colortype::CMYK8>(5, 1)
        .unwrap();
    let tag = tiff::tags::Tag::IccProfile;
    encoder.encoder().write_tag(tag, &cmyk_table()[..]).unwrap();
    encoder.write_data(inks.as_flattened()).unwrap();
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(remark.unwrap().contains(CONVERTED));
    let expected = inks.map(|inks| {
        let ink = inks.iter().map(|&v| f64::from(v)).sum::<f64>() / 1020.0;
        [lightness_to_srgb(1.0 - ink); 3]
    });
    assert_near(&levels(&picture), &expected, 1.5, "inks");

    // The red, green, blue and white quadrants are two, two, two and no inks.
    let jpeg = std::fs::read(data("rgb_cmyk.jpg")).unwrap();
    let file = folder.path().join("inks.jpg");
    std::fs::write(&file, jpeg_with_profile(&jpeg, &cmyk_table())).unwrap();
    let (picture, remark) = Picture::open(&file).unwrap();
    assert!(remark.unwrap().contains(CONVERTED));
    let seen = levels(&picture);
    let seen: Vec<_> = [(8, 12), (8, 36), (24, 12), (24, 36)]
        .map(|(i, j)| seen[48 * i + j])
        .into();
    let half = [lightness_to_srgb(0.5); 3];
    assert_near(
        &seen,
        &[half, half, half, [255.0; 3]],
        3.0,
        "inks of a JPEG",
    );
}

#[test]
fn what_is_srgb_already_keeps_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut coarse = ColorProfile::new_srgb();
    coarse.description = None; // told by what it does, not by its name
    for profile in [ColorProfile::new_srgb(), coarse] {
        for ending in ["png", "jpg", "tif", "webp"] {
            let [plain, marked] =
                ["plain", "marked"].map(|name| folder.path().join(name).with_extension(ending));
            write(&plain, patches(), Vec::new());
            write(&marked, patches(), profile.encode().unwrap());
            let (plain, _) = Picture::open(&plain).unwrap();
            let (marked, remark) = Picture::open(&marked).unwrap();
            assert_eq!(remark, None, "{ending}");
            assert!(plain == marked, "{ending}");
            if ending != "jpg" {
                assert!(Picture::from(patches()) == marked, "{ending}");
            }
        }
    }
}

#[test]
fn alpha_is_not_a_colour() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glass.png");
    let glass = ImageBuffer::from_pixel(9, 7, Rgba([40_000u16, 20_000, 60_000, 32_896]));
    write(
        &file,
        glass,
        ColorProfile::new_display_p3().encode().unwrap(),
    );
    let (picture, remark) = Picture::open(&file).unwrap();
    let remark = remark.unwrap();
    assert!(
        remark.contains(
            "glass.png: what is transparent was laid on white; its colours were converted from"
        ),
        "{remark}"
    );
    let colour = [40_000.0, 20_000.0, 60_000.0].map(|v| v / 65535.0);
    let half = converted(colour, srgb_to_linear, P3).map(|v| (v * 128.0 + 255.0 * 127.0) / 255.0);
    assert_near(&levels(&picture), &[half; 63], 1.0, "glass");
    assert!(!picture.is_opaque());
}

#[test]
fn a_profile_that_does_not_fit_is_left_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.png");
    let p3 = ColorProfile::new_display_p3().encode().unwrap();
    let grey = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    for profile in [
        b"no profile at all".to_vec(),
        p3[..200].to_vec(),
        grey,
        cmyk_table(),
    ] {
        write(&file, patches(), profile);
        let (picture, remark) = Picture::open(&file).unwrap();
        assert!(remark.unwrap().ends_with(TAKEN_FOR_SRGB));
        assert!(picture == Picture::from(patches()));
    }
}

/// A few hundred profiles with bytes changed at random or cut short: followed or left, but never a panic.
#[test]
fn a_damaged_profile_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = std::fs::read(data("rgb_cmyk.jpg")).unwrap();
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let (mut left, mut followed) = (0, 0);
    for (profile, name) in [
        (ColorProfile::new_display_p3().encode().unwrap(), "rgb.png"),
        (
            ColorProfile::new_gray_with_gamma(1.8).encode().unwrap(),
            "grey.png",
        ),
        (rgb_table(), "rgb.png"),
        (cmyk_table(), "inks.jpg"),
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
                "inks.jpg" => std::fs::write(&file, jpeg_with_profile(&jpeg, &profile)).unwrap(),
                "grey.png" => write(&file, ImageBuffer::from_pixel(2, 2, Luma([9u8])), profile),
                _ => write(
                    &file,
                    RgbImage::from_pixel(2, 2, Rgb([9, 99, 199])),
                    profile,
                ),
            }
            let (_, remark) = Picture::open(&file).unwrap();
            let remark = remark.unwrap_or_default();
            assert!(!remark.contains(|c: char| c.is_control()), "{remark:?}");
            left += usize::from(remark.ends_with(TAKEN_FOR_SRGB));
            followed += usize::from(remark.contains(CONVERTED));
        }
    }
    assert!(
        left > 40 && followed > 40,
        "{left} left, {followed} followed"
    );
}
