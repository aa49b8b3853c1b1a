//! Makes color profiles, and picture files that contain them.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder};
use moxcms::{
    ColorProfile, DataColorSpace, LutDataType, LutStore, LutType, LutWarehouse, Matrix3d,
    ProfileClass,
};
use std::path::Path;

pub fn write(file: &Path, picture: impl Into<DynamicImage>, profile: Vec<u8>) {
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

/// A profile with a table of two points per channel. `lightness` maps the mean of the channels to L*/100, and is linear. a*
/// and b* are 0.
fn table(space: DataColorSpace, channels: u8, lightness: impl Fn(f64) -> f64) -> Vec<u8> {
    let ends = |count: u8| LutStore::Store16([0, u16::MAX].repeat(usize::from(count)));
    let corners = (0..1u32 << channels).flat_map(|corner| {
        let mean = f64::from(corner.count_ones()) / f64::from(channels);
        // The encoding of L*, a* and b* in this type of table (ICC.1:2022, 10.10).
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
    bytes[8] = 2; // this type of table belongs to version 2
    bytes
}

pub fn rgb_table() -> Vec<u8> {
    table(DataColorSpace::Rgb, 3, |mean| mean)
}

pub fn cmyk_table() -> Vec<u8> {
    table(DataColorSpace::Cmyk, 4, |mean| 1.0 - mean)
}

/// Inserts a profile segment after the start marker of a JPEG.
pub fn jpeg_with_profile(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    let length = (profile.len() + 16) as u16;
    let segment = [
        &[0xff, 0xe2],
        &length.to_be_bytes()[..],
        b"ICC_PROFILE\0\x01\x01",
        profile,
    ];
    [&jpeg[..2], &segment.concat(), &jpeg[2..]].concat()
}
