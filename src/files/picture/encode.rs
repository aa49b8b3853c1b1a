//! Encodes pictures. The files declare their colors as sRGB, if the format can.
//!
//! PNG and TIFF are written row by row, so that a picture may be larger than memory. The encoders of the other formats want all of it.

use super::float_picture::ROWS;
use super::{Depth, Encoding, FloatPicture, Size, profile};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{
    DynamicImage, GrayImage, ImageBuffer, ImageEncoder, ImageError, ImageFormat, ImageResult,
};
use png::SrgbRenderingIntent;
use std::io::{BufWriter, Cursor, Seek, Write};
use std::ops::Range;
use tiff::TiffError;
use tiff::encoder::colortype::{ColorType, RGB8, RGB16, RGBA8, RGBA16};
use tiff::encoder::{TiffEncoder, TiffKind, TiffValue};
use tiff::tags::Tag;

/// The default quality of a JPEG. It causes no visible loss in brush strokes.
const JPEG_QUALITY: u8 = 95;

/// Bytes of pixels in a TIFF with 32-bit offsets, at most; larger ones are BigTIFFs.
const MAX_TIFF: u64 = 4_000_000_000;

/// Writes a picture into a file.
///
/// # Errors
/// If the file cannot be written, which is an [`ImageError::IoError`], or the picture cannot be encoded.
pub fn encode(
    picture: &FloatPicture,
    format: ImageFormat,
    encoding: &Encoding,
    file: &mut (impl Write + Seek),
) -> ImageResult<()> {
    let levels = Levels {
        picture,
        alpha: picture.alpha.as_deref().filter(|_| encoding.alpha),
    };
    match format {
        ImageFormat::Png => levels.write_png(encoding, file).map_err(of_png),
        ImageFormat::Tiff => levels.write_tiff(encoding.depth, file).map_err(of_tiff),
        format => {
            let mut bytes = Cursor::new(Vec::new());
            let image = levels.image();
            match format {
                ImageFormat::Jpeg => {
                    let quality = encoding.quality.unwrap_or(JPEG_QUALITY);
                    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
                    write_with_profile(&image, encoder)?;
                }
                ImageFormat::WebP => {
                    write_with_profile(&image, WebPEncoder::new_lossless(&mut bytes))?;
                }
                // These formats cannot store a profile.
                format => image.write_to(&mut bytes, format)?,
            }
            file.write_all(bytes.get_ref()).map_err(ImageError::IoError)
        }
    }
}

fn write_with_profile(image: &DynamicImage, mut encoder: impl ImageEncoder) -> ImageResult<()> {
    encoder
        .set_icc_profile(profile::srgb())
        .map_err(ImageError::Unsupported)?;
    image.write_with_encoder(encoder)
}

fn of_png(error: png::EncodingError) -> ImageError {
    ImageError::IoError(match error {
        png::EncodingError::IoError(error) => error,
        other => other.into(),
    })
}

fn of_tiff(error: TiffError) -> ImageError {
    ImageError::IoError(match error {
        TiffError::IoError(error) => error,
        other => std::io::Error::other(other),
    })
}

/// The rounded levels of a picture, pixel by pixel: RGB, or RGBA if there is an alpha channel.
struct Levels<'a> {
    picture: &'a FloatPicture,
    alpha: Option<&'a GrayImage>,
}

impl Levels<'_> {
    /// Those of these rows, with 8 bits.
    fn eight(&self, rows: Range<usize>) -> Vec<u8> {
        // `as` clamps.
        self.of(rows, |value| value.round() as u8, |alpha| alpha)
    }

    /// The same with 16 bits.
    fn sixteen(&self, rows: Range<usize>) -> Vec<u16> {
        let color = |value: f32| (257.0 * value).round() as u16;
        self.of(rows, color, |alpha| 257 * u16::from(alpha))
    }

    fn of<T: Copy>(
        &self,
        rows: Range<usize>,
        color: impl Fn(f32) -> T,
        alpha: impl Fn(u8) -> T,
    ) -> Vec<T> {
        let pixels = self.picture.pixels.rows(rows.clone());
        let colors = pixels.iter().map(|&value| color(value));
        let Some(channel) = self.alpha else {
            return colors.collect();
        };
        let width = pixels.dim().1;
        let colors: Vec<T> = colors.collect();
        let channel = &channel.as_raw()[rows.start * width..rows.end * width];
        (colors.chunks_exact(3).zip(channel))
            .flat_map(|(rgb, &a)| [rgb[0], rgb[1], rgb[2], alpha(a)])
            .collect()
    }

    /// The whole picture, with 8 bits.
    fn image(&self) -> DynamicImage {
        const SIZE: &str = "the sizes are equal";
        let Size { width, height } = self.picture.size();
        let levels = self.picture.chunks().flat_map(|rows| self.eight(rows));
        match self.alpha {
            None => ImageBuffer::from_vec(width, height, levels.collect())
                .map(DynamicImage::ImageRgb8)
                .expect(SIZE),
            Some(_) => ImageBuffer::from_vec(width, height, levels.collect())
                .map(DynamicImage::ImageRgba8)
                .expect(SIZE),
        }
    }

    /// Writes a PNG. An sRGB chunk takes the place of a profile. The texts are UTF-8 and stand before the pixels.
    fn write_png(
        &self,
        encoding: &Encoding,
        file: &mut impl Write,
    ) -> Result<(), png::EncodingError> {
        let Size { width, height } = self.picture.size();
        let mut file = BufWriter::new(file);
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(match self.alpha {
            None => png::ColorType::Rgb,
            Some(_) => png::ColorType::Rgba,
        });
        encoder.set_depth(match encoding.depth {
            Depth::Eight => png::BitDepth::Eight,
            Depth::Sixteen => png::BitDepth::Sixteen,
        });
        // The settings of `image`.
        encoder.set_compression(png::Compression::Fast);
        encoder.set_filter(png::Filter::Adaptive);
        encoder.set_source_srgb(SrgbRenderingIntent::Perceptual);
        for (key, text) in &encoding.text {
            encoder.add_itxt_chunk(key.clone(), text.clone())?;
        }
        let mut writer = encoder.write_header()?;
        let mut pixels = writer.stream_writer()?;
        for rows in self.picture.chunks() {
            match encoding.depth {
                Depth::Eight => pixels.write_all(&self.eight(rows))?,
                Depth::Sixteen => pixels.write_all(&big_endian(&self.sixteen(rows)))?,
            }
        }
        pixels.finish()?;
        writer.finish()?;
        Ok(file.flush()?)
    }

    fn write_tiff(&self, depth: Depth, file: &mut (impl Write + Seek)) -> Result<(), TiffError> {
        match (depth, self.alpha) {
            (Depth::Eight, None) => self.write_strips::<RGB8>(file, |rows| self.eight(rows)),
            (Depth::Eight, Some(_)) => self.write_strips::<RGBA8>(file, |rows| self.eight(rows)),
            (Depth::Sixteen, None) => self.write_strips::<RGB16>(file, |rows| self.sixteen(rows)),
            (Depth::Sixteen, Some(_)) => {
                self.write_strips::<RGBA16>(file, |rows| self.sixteen(rows))
            }
        }
    }

    fn write_strips<C: ColorType>(
        &self,
        file: &mut (impl Write + Seek),
        levels: impl Fn(Range<usize>) -> Vec<C::Inner>,
    ) -> Result<(), TiffError>
    where
        [C::Inner]: TiffValue,
    {
        let mut file = BufWriter::new(file);
        let Size { width, height } = self.picture.size();
        let bytes_of_pixel = C::BITS_PER_SAMPLE.iter().map(|&bits| u64::from(bits) / 8);
        let bytes = u64::from(width) * u64::from(height) * bytes_of_pixel.sum::<u64>();
        if bytes < MAX_TIFF {
            self.write_strips_with::<C, _, _>(TiffEncoder::new(&mut file)?, levels)?;
        } else {
            self.write_strips_with::<C, _, _>(TiffEncoder::new_big(&mut file)?, levels)?;
        }
        Ok(file.flush()?)
    }

    fn write_strips_with<C: ColorType, W: Write + Seek, K: TiffKind>(
        &self,
        mut encoder: TiffEncoder<W, K>,
        levels: impl Fn(Range<usize>) -> Vec<C::Inner>,
    ) -> Result<(), TiffError>
    where
        [C::Inner]: TiffValue,
    {
        let Size { width, height } = self.picture.size();
        let mut image = encoder.new_image::<C>(width, height)?;
        let profile = profile::srgb();
        (image.encoder()).write_tag(Tag::IccProfile, profile.as_slice())?;
        image.rows_per_strip(ROWS as u32)?;
        for rows in self.picture.chunks() {
            image.write_strip(&levels(rows))?;
        }
        image.finish()
    }
}

fn big_endian(values: &[u16]) -> Vec<u8> {
    (values.iter())
        .flat_map(|value| value.to_be_bytes())
        .collect()
}
