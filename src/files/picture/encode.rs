//! Encoding finished pictures: how deep, how well, with which marks that their colours are sRGB.

use super::{Canvas, profile};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{
    DynamicImage, ImageBuffer, ImageEncoder, ImageError, ImageFormat, ImageResult, Pixel,
    PixelWithColorType, Rgb, Rgba,
};
use png::SrgbRenderingIntent;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Cursor;
use std::str::FromStr;

/// JPEG's quality unless another one is asked for: no visible loss in brush strokes.
const JPEG_QUALITY: u8 = 95;

/// The most bytes of text in a picture file.
pub(super) const MOST_TEXT: usize = 1 << 20;

/// The longest key of a text, in bytes of Latin-1 (PNG, third edition, 11.3.3).
const LONGEST_KEY: usize = 79;

/// How a picture is written. The default is what each format does best without being asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// Bits a channel. Only PNG and TIFF hold 16.
    pub depth: Depth,
    /// JPEG's quality, 1 to 100; 95 if none is asked for. Other formats have none.
    pub quality: Option<u8>,
    /// Keep what is transparent, if anything is. Only PNG, WebP, TIFF, TGA and QOI can.
    pub alpha: bool,
    /// Keys and texts to keep with the picture, at most 1 MiB of them. Formats other than PNG leave them out.
    pub text: Vec<(String, String)>,
}

/// Bits a channel, written `8` or `16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Depth {
    /// As pictures are shown.
    #[default]
    Eight,
    /// For those who work on them further.
    Sixteen,
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eight => "8",
            Self::Sixteen => "16",
        })
    }
}

impl FromStr for Depth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "8" => Ok(Self::Eight),
            "16" => Ok(Self::Sixteen),
            _ => Err("write 8 or 16, bits a channel".to_owned()),
        }
    }
}

impl Encoding {
    /// Checks that `format` can hold this.
    ///
    /// # Errors
    /// What it cannot hold.
    pub(super) fn check(&self, format: ImageFormat) -> Result<(), String> {
        use ImageFormat::{Jpeg, Png, Qoi, Tga, Tiff, WebP};
        let refuse = |trouble: &str| Err(trouble.to_owned());
        if self.depth == Depth::Sixteen && !matches!(format, Png | Tiff) {
            return refuse("this format has 8 bits a channel; for 16 write png or tif");
        }
        match self.quality {
            Some(_) if format != Jpeg => {
                return refuse("only jpg has a quality; this format does not");
            }
            Some(quality) if !(1..=100).contains(&quality) => {
                return Err(format!("quality {quality} is not from 1 to 100"));
            }
            _ => {}
        }
        if self.alpha && !matches!(format, Png | WebP | Tiff | Tga | Qoi) {
            return refuse(
                "this format cannot keep what is transparent; write png, webp, tif, tga or qoi",
            );
        }
        let length: usize = (self.text.iter())
            .map(|(key, text)| key.len() + text.len())
            .sum();
        if length > MOST_TEXT {
            return refuse("more than 1 MiB of text cannot be kept with a picture");
        }
        for (key, text) in &self.text {
            // Graphic Latin-1, with single spaces inside.
            let graphic = |c: char| matches!(c, ' '..='~' | '¡'..='ÿ');
            let fits = (1..=LONGEST_KEY).contains(&key.chars().count());
            if !fits || !key.chars().all(graphic) || key.trim() != key || key.contains("  ") {
                return Err(format!("{key:?} cannot be the key of a text"));
            }
            if text.contains('\0') {
                return Err(format!("the text {key:?} holds a zero byte"));
            }
        }
        Ok(())
    }
}

/// The bytes of a picture file.
pub fn encode(canvas: &Canvas, format: ImageFormat, encoding: &Encoding) -> ImageResult<Vec<u8>> {
    let picture = match encoding.depth {
        // `as` cuts off at black and white.
        Depth::Eight => canvas.interleave(encoding.alpha, |value| value.round() as u8, |a| a),
        Depth::Sixteen => canvas.interleave(
            encoding.alpha,
            |value| (257.0 * value).round() as u16,
            |alpha| 257 * u16::from(alpha),
        ),
    };
    let mut bytes = Cursor::new(Vec::new());
    match format {
        ImageFormat::Png => write_png(&picture, &encoding.text, &mut bytes)
            .map_err(|error| ImageError::IoError(error.into()))?,
        ImageFormat::Jpeg => {
            let quality = encoding.quality.unwrap_or(JPEG_QUALITY);
            with_profile(&picture, JpegEncoder::new_with_quality(&mut bytes, quality))?;
        }
        ImageFormat::Tiff => with_profile(&picture, TiffEncoder::new(&mut bytes))?,
        ImageFormat::WebP => with_profile(&picture, WebPEncoder::new_lossless(&mut bytes))?,
        // These have no place for a profile.
        format => picture.write_to(&mut bytes, format)?,
    }
    Ok(bytes.into_inner())
}

fn with_profile(picture: &DynamicImage, mut encoder: impl ImageEncoder) -> ImageResult<()> {
    encoder
        .set_icc_profile(profile::srgb())
        .map_err(ImageError::Unsupported)?;
    picture.write_with_encoder(encoder)
}

/// PNG with an sRGB chunk, which stands for the profile, and the texts, in UTF-8, before the pixels.
fn write_png(
    picture: &DynamicImage,
    text: &[(String, String)],
    file: &mut Cursor<Vec<u8>>,
) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(file, picture.width(), picture.height());
    let color = picture.color();
    encoder.set_color(if color.has_alpha() {
        png::ColorType::Rgba
    } else {
        png::ColorType::Rgb
    });
    // As `image` does.
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
    for (key, text) in text {
        encoder.add_itxt_chunk(key.clone(), text.clone())?;
    }
    let deep = |values: &[u16]| {
        values
            .iter()
            .flat_map(|value| value.to_be_bytes())
            .collect()
    };
    let deep: Option<Vec<u8>> = match picture {
        DynamicImage::ImageRgb16(picture) => Some(deep(picture.as_raw())),
        DynamicImage::ImageRgba16(picture) => Some(deep(picture.as_raw())),
        _ => None,
    };
    if deep.is_some() {
        encoder.set_depth(png::BitDepth::Sixteen);
    } else {
        encoder.set_depth(png::BitDepth::Eight);
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(deep.as_deref().unwrap_or(picture.as_bytes()))?;
    writer.finish()
}

impl Canvas {
    /// The picture in numbers as `colour` and `opacity` make them, with alpha if there is one and `keep` says so.
    fn interleave<T: Copy>(
        &self,
        keep: bool,
        colour: impl Fn(f32) -> T,
        opacity: impl Fn(u8) -> T,
    ) -> DynamicImage
    where
        Rgb<T>: Pixel<Subpixel = T> + PixelWithColorType,
        Rgba<T>: Pixel<Subpixel = T> + PixelWithColorType,
        DynamicImage: From<ImageBuffer<Rgb<T>, Vec<T>>> + From<ImageBuffer<Rgba<T>, Vec<T>>>,
    {
        let size = self.size();
        let (width, height) = (size.width, size.height);
        let colours = self.pixels.iter().map(|&value| colour(value));
        const SIZE: &str = "it has this size";
        match self.alpha.as_ref().filter(|_| keep) {
            None => {
                let values = colours.collect();
                DynamicImage::from(
                    ImageBuffer::<Rgb<T>, _>::from_vec(width, height, values).expect(SIZE),
                )
            }
            Some(alpha) => {
                let colours: Vec<T> = colours.collect();
                let values = colours.chunks_exact(3).zip(alpha.as_raw());
                let values = values.flat_map(|(rgb, &a)| [rgb[0], rgb[1], rgb[2], opacity(a)]);
                DynamicImage::from(
                    ImageBuffer::<Rgba<T>, _>::from_vec(width, height, values.collect())
                        .expect(SIZE),
                )
            }
        }
    }
}
