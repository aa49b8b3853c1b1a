//! Reads picture files of any supported format into upright 8-bit sRGB.

use super::size::MAX_PIXELS;
use super::{Picture, PictureError, PictureErrorKind, jpeg, srgb};
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, Luma, Rgb, RgbImage,
    RgbaImage,
};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

/// The memory that a decoder may use before the size of the picture is known, in bytes.
const METADATA_BYTES: u64 = 64 << 20;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;

impl Picture {
    /// Reads a picture file.
    ///
    /// The content decides the format. The EXIF orientation is applied. Gray, palette, CMYK and 16-bit pictures are
    /// converted to 8-bit RGB. Colors of another ICC profile are converted to sRGB. Transparent pixels are blended with
    /// white, and their alpha is retained. Of an animation, the first frame is read.
    ///
    /// Returns the picture, and a remark of one line if the reader changed something that the user may not expect.
    ///
    /// # Errors
    /// If the file cannot be read, is not a picture, is of an unsupported kind, is damaged or cut short, or declares no
    /// pixels or more than [`MAX_PIXELS`].
    pub fn open(path: &Path) -> Result<(Self, Option<String>), PictureError> {
        let decoded = read_bytes(path).and_then(|bytes| {
            let format = detect_format(path, &bytes)?;
            decode(&bytes, format)
        });
        let (image, color_remark) = decoded.map_err(|kind| PictureError::new(path, kind))?;
        let picture = flatten(image);
        let mut remarks = Vec::new();
        if !picture.is_opaque() {
            remarks.push("transparent areas were placed on a white background".to_owned());
        }
        remarks.extend(color_remark);
        let remark =
            (!remarks.is_empty()).then(|| format!("{}: {}", path.display(), remarks.join("; ")));
        Ok((picture, remark))
    }
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, PictureErrorKind> {
    let metadata = std::fs::metadata(path).map_err(PictureErrorKind::Unreadable)?;
    if !metadata.is_file() {
        return Err(PictureErrorKind::NotAFile);
    }
    if metadata.len() > MAX_BYTES {
        let megabytes = metadata.len() >> 20;
        return Err(PictureErrorKind::TooManyBytes { megabytes });
    }
    let mut bytes = Vec::new();
    // The length in the metadata may be wrong, so the limit also applies to the read.
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
        .map_err(PictureErrorKind::Unreadable)?;
    Ok(bytes)
}

/// Detects the format from the first bytes. TGA has no signature, so there the file name decides.
fn detect_format(path: &Path, bytes: &[u8]) -> Result<ImageFormat, PictureErrorKind> {
    if bytes.is_empty() {
        return Err(PictureErrorKind::Empty);
    }
    let by_name = ImageFormat::from_path(path).ok();
    match image::guess_format(bytes) {
        Ok(format) if format.reading_enabled() => Ok(format),
        Ok(format) => Err(PictureErrorKind::UnsupportedFormat(format)),
        Err(_) if by_name == Some(ImageFormat::Tga) => Ok(ImageFormat::Tga),
        Err(_) => Err(PictureErrorKind::NotAPicture),
    }
}

/// Decodes the picture, converts it to sRGB and turns it upright. Returns a remark if the colors are not what the file says.
fn decode(
    bytes: &[u8],
    format: ImageFormat,
) -> Result<(DynamicImage, Option<String>), PictureErrorKind> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits(METADATA_BYTES));
    let mut decoder = reader
        .into_decoder()
        .map_err(PictureErrorKind::of_decoder)?;
    let size = decoder.dimensions();
    check_size(size)?;
    // Twice the size of the pixels: the result, and as much for the decoder to work with.
    let memory = limits(2 * decoder.total_bytes() + METADATA_BYTES);
    decoder
        .set_limits(memory)
        .map_err(PictureErrorKind::of_decoder)?;
    let orientation = decoder
        .orientation()
        .map_err(PictureErrorKind::of_decoder)?;
    let profile = srgb::embedded_profile(&mut decoder, bytes, format);
    let is_gray = !decoder.color_type().has_color();
    let image = if format == ImageFormat::Jpeg {
        jpeg::decode(bytes, size)?
    } else {
        DynamicImage::from_decoder(decoder).map_err(PictureErrorKind::of_decoder)?
    };
    let (mut image, remark) = match profile {
        Some(profile) => srgb::convert(image, is_gray, &profile, bytes, format),
        None => (image, None),
    };
    image.apply_orientation(orientation);
    Ok((image, remark))
}

fn check_size((width, height): (u32, u32)) -> Result<(), PictureErrorKind> {
    if width == 0 || height == 0 {
        return Err(PictureErrorKind::NoPixels { width, height });
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PictureErrorKind::TooManyPixels { width, height });
    }
    Ok(())
}

fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}

/// Converts to 8-bit RGB. Transparent pixels are blended with white, and their alpha is retained.
pub(super) fn flatten(image: DynamicImage) -> Picture {
    if !image.color().has_alpha() {
        return image.into_rgb8().into();
    }
    let rgba: RgbaImage = image.into_rgba8();
    let (width, height) = rgba.dimensions();
    let rgb = RgbImage::from_fn(width, height, |x, y| {
        let [color @ .., alpha] = rgba.get_pixel(x, y).0;
        Rgb(color.map(|level| blend_with_white(level, alpha)))
    });
    let is_transparent = rgba.pixels().any(|pixel| pixel[3] < 255);
    let alpha = |x, y| Luma([rgba.get_pixel(x, y)[3]]);
    Picture {
        rgb,
        alpha: is_transparent.then(|| GrayImage::from_fn(width, height, alpha)),
    }
}

/// (level·α + 255·(255 − α)) / 255, rounded.
fn blend_with_white(level: u8, alpha: u8) -> u8 {
    let (level, alpha) = (u32::from(level), u32::from(alpha));
    ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Rgba};

    #[test]
    fn half_transparent_black_becomes_gray() {
        let image = RgbaImage::from_pixel(2, 1, Rgba([0, 0, 0, 128]));
        let picture = flatten(image.into());
        assert_eq!(picture.rgb.into_raw(), [127; 6]);
        assert_eq!(picture.alpha.unwrap().into_raw(), [128; 2]);
    }

    #[test]
    fn an_opaque_picture_gets_no_alpha() {
        let image = RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 255]));
        assert!(flatten(image.into()).is_opaque());
    }

    #[test]
    fn sixteen_bit_gray_becomes_eight_bit_rgb() {
        let image = ImageBuffer::from_pixel(1, 1, Luma([257u16 * 40]));
        let picture = flatten(DynamicImage::ImageLuma16(image));
        assert_eq!(picture.rgb.into_raw(), [40; 3]);
    }
}
