//! Decodes CMYK pictures without converting them to RGB, so that their color profile can be applied. `image` converts them
//! before it returns them.

use super::source;
use super::strips::tiff_limits;
use image::{DynamicImage, ImageBuffer, ImageFormat, RgbaImage};
use libjpeg_turbo_rs::{PixelFormat, decompress_to};
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult};

/// Decodes the amounts of cyan, magenta, yellow and black into the channels red, green, blue and alpha. 0 is no ink.
/// Returns `None` if the picture is not CMYK.
pub fn decode(bytes: &[u8], format: ImageFormat) -> Option<DynamicImage> {
    match format {
        ImageFormat::Jpeg => decode_jpeg(bytes).map(DynamicImage::from),
        ImageFormat::Tiff => decode_tiff(bytes),
        _ => None,
    }
}

/// Inverts the stored values. Adobe's programs write CMYK JPEGs inverted, and all other programs follow them.
fn decode_jpeg(bytes: &[u8]) -> Option<RgbaImage> {
    let decoder = libjpeg_turbo_rs::Decoder::new(bytes).ok()?;
    if decoder.header().components.len() != 4 {
        return None;
    }
    let jpeg = decompress_to(bytes, PixelFormat::Cmyk).ok()?;
    let amounts = jpeg.data.into_iter().map(|value| 255 - value).collect();
    RgbaImage::from_raw(jpeg.width as u32, jpeg.height as u32, amounts)
}

fn decode_tiff(bytes: &[u8]) -> Option<DynamicImage> {
    let mut decoder = Decoder::new(source::of_bytes(bytes))
        .ok()?
        .with_limits(tiff_limits());
    let color_type = decoder.colortype().ok()?;
    if !matches!(color_type, ColorType::CMYK(8 | 16)) {
        return None;
    }
    let (width, height) = decoder.dimensions().ok()?;
    match decoder.read_image().ok()? {
        DecodingResult::U8(amounts) => {
            RgbaImage::from_raw(width, height, amounts).map(DynamicImage::from)
        }
        DecodingResult::U16(amounts) => {
            ImageBuffer::from_raw(width, height, amounts).map(DynamicImage::ImageRgba16)
        }
        _ => None,
    }
}
