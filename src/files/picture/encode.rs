//! Encodes pictures. The files declare their colors as sRGB, if the format can.

use super::{Depth, Encoding, FloatPicture, profile};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::tiff::TiffEncoder;
use image::codecs::webp::WebPEncoder;
use image::{
    DynamicImage, ImageBuffer, ImageEncoder, ImageError, ImageFormat, ImageResult, Pixel,
    PixelWithColorType, Rgb, Rgba,
};
use png::SrgbRenderingIntent;
use std::io::Cursor;

/// The default quality of a JPEG. It causes no visible loss in brush strokes.
const JPEG_QUALITY: u8 = 95;

/// The bytes of a picture file.
pub fn encode(
    picture: &FloatPicture,
    format: ImageFormat,
    encoding: &Encoding,
) -> ImageResult<Vec<u8>> {
    // `as` clamps.
    let image = match encoding.depth {
        Depth::Eight => {
            picture.to_image(encoding.alpha, |value| value.round() as u8, |alpha| alpha)
        }
        Depth::Sixteen => picture.to_image(
            encoding.alpha,
            |value| (257.0 * value).round() as u16,
            |alpha| 257 * u16::from(alpha),
        ),
    };
    let mut bytes = Cursor::new(Vec::new());
    match format {
        ImageFormat::Png => write_png(&image, &encoding.text, &mut bytes)
            .map_err(|error| ImageError::IoError(error.into()))?,
        ImageFormat::Jpeg => {
            let quality = encoding.quality.unwrap_or(JPEG_QUALITY);
            write_with_profile(&image, JpegEncoder::new_with_quality(&mut bytes, quality))?;
        }
        ImageFormat::Tiff => write_with_profile(&image, TiffEncoder::new(&mut bytes))?,
        ImageFormat::WebP => write_with_profile(&image, WebPEncoder::new_lossless(&mut bytes))?,
        // These formats cannot store a profile.
        format => image.write_to(&mut bytes, format)?,
    }
    Ok(bytes.into_inner())
}

fn write_with_profile(image: &DynamicImage, mut encoder: impl ImageEncoder) -> ImageResult<()> {
    encoder
        .set_icc_profile(profile::srgb())
        .map_err(ImageError::Unsupported)?;
    image.write_with_encoder(encoder)
}

/// Writes a PNG. An sRGB chunk takes the place of a profile. The texts are UTF-8 and stand before the pixels.
fn write_png(
    image: &DynamicImage,
    text: &[(String, String)],
    file: &mut Cursor<Vec<u8>>,
) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(file, image.width(), image.height());
    encoder.set_color(if image.color().has_alpha() {
        png::ColorType::Rgba
    } else {
        png::ColorType::Rgb
    });
    // The settings of `image`.
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
    for (key, text) in text {
        encoder.add_itxt_chunk(key.clone(), text.clone())?;
    }
    let sixteen_bits = match image {
        DynamicImage::ImageRgb16(image) => Some(big_endian(image.as_raw())),
        DynamicImage::ImageRgba16(image) => Some(big_endian(image.as_raw())),
        _ => None,
    };
    encoder.set_depth(if sixteen_bits.is_some() {
        png::BitDepth::Sixteen
    } else {
        png::BitDepth::Eight
    });
    let mut writer = encoder.write_header()?;
    writer.write_image_data(sixteen_bits.as_deref().unwrap_or(image.as_bytes()))?;
    writer.finish()
}

fn big_endian(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

impl FloatPicture {
    /// Converts the colors with `color_level`. Adds the alpha channel, converted with `alpha_level`, if there is one and
    /// `with_alpha` is set.
    fn to_image<T: Copy>(
        &self,
        with_alpha: bool,
        color_level: impl Fn(f32) -> T,
        alpha_level: impl Fn(u8) -> T,
    ) -> DynamicImage
    where
        Rgb<T>: Pixel<Subpixel = T> + PixelWithColorType,
        Rgba<T>: Pixel<Subpixel = T> + PixelWithColorType,
        DynamicImage: From<ImageBuffer<Rgb<T>, Vec<T>>> + From<ImageBuffer<Rgba<T>, Vec<T>>>,
    {
        const SIZE: &str = "the sizes are equal";
        let size = self.size();
        let (width, height) = (size.width, size.height);
        let colors: Vec<T> = (self.pixels.iter())
            .map(|&value| color_level(value))
            .collect();
        match self.alpha.as_ref().filter(|_| with_alpha) {
            None => ImageBuffer::<Rgb<T>, _>::from_vec(width, height, colors)
                .expect(SIZE)
                .into(),
            Some(alpha) => {
                let pixels = colors.chunks_exact(3).zip(alpha.as_raw());
                let levels = pixels
                    .flat_map(|(rgb, &alpha)| [rgb[0], rgb[1], rgb[2], alpha_level(alpha)])
                    .collect();
                ImageBuffer::<Rgba<T>, _>::from_vec(width, height, levels)
                    .expect(SIZE)
                    .into()
            }
        }
    }
}
