//! Pictures for print: cyan, magenta, yellow and black as they lie in the file, for a profile that says what they look like.
//! `image` hands on neither these nor each TIFF's profile.

use super::MOST_PIXELS;
use image::{DynamicImage, ImageBuffer, ImageFormat, RgbaImage};
use libjpeg_turbo_rs::PixelFormat;
use std::io::Cursor;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

/// The most bytes of a TIFF's profile; those for print have up to 3 million.
const MOST_PROFILE: usize = 8 << 20;

/// C, M, Y and K, from none to all, in the places of red, green, blue and alpha. `None` if the picture is not of these inks.
pub fn decode(bytes: &[u8], format: ImageFormat) -> Option<DynamicImage> {
    match format {
        ImageFormat::Jpeg => decode_jpeg(bytes).map(DynamicImage::from),
        ImageFormat::Tiff => decode_tiff(bytes),
        _ => None,
    }
}

/// Adobe's programs store inks the other way round, and all others have followed; so it is taken by whoever reads such a file.
fn decode_jpeg(bytes: &[u8]) -> Option<RgbaImage> {
    let header = libjpeg_turbo_rs::Decoder::new(bytes).ok()?;
    if header.header().components.len() != 4 {
        return None;
    }
    let jpeg = libjpeg_turbo_rs::decompress_to(bytes, PixelFormat::Cmyk).ok()?;
    let inks = jpeg.data.into_iter().map(|value| 255 - value).collect();
    RgbaImage::from_raw(jpeg.width as u32, jpeg.height as u32, inks)
}

/// The colour profile of a TIFF, none if it has none. To that of a small picture `image` gives too little room.
pub fn tiff_profile(bytes: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut limits = Limits::default();
    limits.ifd_value_size = MOST_PROFILE;
    let mut decoder = Decoder::new(Cursor::new(bytes)).ok()?.with_limits(limits);
    match decoder.find_tag(Tag::IccProfile).ok()? {
        None => Some(None),
        Some(profile) => profile.into_u8_vec().ok().map(Some),
    }
}

fn decode_tiff(bytes: &[u8]) -> Option<DynamicImage> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = 8 * MOST_PIXELS as usize; // four inks at 16 bits
    let mut decoder = Decoder::new(Cursor::new(bytes)).ok()?.with_limits(limits);
    let (ColorType::CMYK(8 | 16), (width, height)) =
        (decoder.colortype().ok()?, decoder.dimensions().ok()?)
    else {
        return None;
    };
    match decoder.read_image().ok()? {
        DecodingResult::U8(inks) => RgbaImage::from_raw(width, height, inks).map(Into::into),
        DecodingResult::U16(inks) => {
            ImageBuffer::from_raw(width, height, inks).map(DynamicImage::ImageRgba16)
        }
        _ => None,
    }
}
