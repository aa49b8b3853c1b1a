//! Reading picture files: whatever they hold, it becomes an upright sRGB picture with 8 bits a channel.

use super::profile::Profile;
use super::{Picture, PictureError, inks};
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage,
    RgbaImage,
};
use libjpeg_turbo_rs::{PixelFormat, decompress_to};
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

/// The most pixels that a file may declare: as many as the largest cameras give. More is refused before memory is taken.
pub const MOST_PIXELS: u64 = 200_000_000;

/// The most memory that is taken before the size of the picture is known.
const METADATA_BYTES: u64 = 64 << 20;

/// The most scans of a progressive JPEG: ordinary ones have about ten.
const MOST_SCANS: usize = 500;

/// The most bytes of a file that are read.
const MOST_BYTES: u64 = 1 << 30;

impl Picture {
    /// Reads a picture file. Its format is told by its content; EXIF orientation is applied; grey, palette, CMYK and 16-bit
    /// pictures are converted to 8-bit RGB, colours of another profile to sRGB; what is transparent is laid on white, and
    /// remembered. Of an animation it is the first frame.
    ///
    /// Comes with a remark, in one line, if something was done that a person may not expect.
    ///
    /// # Errors
    /// If the file cannot be read, is no picture, is damaged or cut short, or declares no pixels or more than
    /// [`MOST_PIXELS`].
    pub fn open(path: &Path) -> Result<(Self, Option<String>), PictureError> {
        let error = |trouble: String| PictureError::new(path, trouble);
        let metadata = std::fs::metadata(path).map_err(|e| error(crate::os_reason(&e)))?;
        if !metadata.is_file() {
            return Err(error("not a file; name a picture file".to_owned()));
        }
        if metadata.len() > MOST_BYTES {
            let size = metadata.len() >> 20;
            return Err(error(format!("{size} MB is too large for a picture file")));
        }
        let mut bytes = Vec::new();
        // What a file says of its length is not always so.
        let read = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
        read.map_err(|e| error(crate::os_reason(&e)))?;
        let format = format_of(path, &bytes).map_err(error)?;
        let (picture, colours) = decode(&bytes, format).map_err(error)?;
        let picture = flatten(picture);
        let transparent = "what is transparent was laid on white".to_owned();
        let remarks: Vec<String> = ((!picture.is_opaque()).then_some(transparent).into_iter())
            .chain(colours)
            .collect();
        let remark = format!("{}: {}", path.display(), remarks.join("; "));
        Ok((picture, (!remarks.is_empty()).then_some(remark)))
    }
}

/// What to do about a picture of a kind that cannot be read.
const CONVERT: &str = "convert it to PNG or JPEG first";

/// Tells the format by the first bytes; by the name only for TGA, which has no mark.
fn format_of(path: &Path, bytes: &[u8]) -> Result<ImageFormat, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let by_name = ImageFormat::from_path(path).ok();
    match image::guess_format(bytes) {
        Ok(format) if format.reading_enabled() => Ok(format),
        Ok(format) => Err(format!("{format:?} pictures cannot be read; {CONVERT}")),
        Err(_) if by_name == Some(ImageFormat::Tga) => Ok(ImageFormat::Tga),
        Err(_) => Err(format!(
            "not a picture, or of a kind that is not known; {CONVERT}"
        )),
    }
}

/// What is said of a profile that leads nowhere.
const NO_PROFILE: &str =
    "its colour profile is damaged, or not for such a picture; its colours were taken for sRGB";

/// Decodes and turns upright, once the declared size is found to be acceptable. Comes with a remark on its colours.
fn decode(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, Option<String>), String> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    // What comes before the picture itself, such as a colour profile, has no business being large.
    reader.limits(limits(METADATA_BYTES));
    let mut decoder = reader.into_decoder().map_err(|error| explain(&error))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(format!("a picture of {width}x{height} has no pixels"));
    }
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(format!(
            "it declares {width}x{height} pixels; at most {} million are taken",
            MOST_PIXELS / 1_000_000
        ));
    }
    // As much again as the pixels, for the decoder to work with.
    let room = limits(2 * decoder.total_bytes() + METADATA_BYTES);
    decoder.set_limits(room).map_err(|error| explain(&error))?;
    let orientation = decoder.orientation().map_err(|error| explain(&error))?;
    let profile = match format {
        ImageFormat::Tiff => inks::tiff_profile(bytes),
        _ => decoder.icc_profile().ok(),
    };
    // What cannot even be taken out of the file is as good as an empty profile.
    let profile = profile.unwrap_or(Some(Vec::new()));
    let profile = profile.map(|profile| Profile::new(&profile));
    let grey = !decoder.color_type().has_color();
    let picture = match format {
        ImageFormat::Jpeg => decode_jpeg(bytes, (width, height))?,
        _ => DynamicImage::from_decoder(decoder).map_err(|error| explain(&error))?,
    };
    let (mut picture, remark) = match profile {
        None | Some(Profile::Srgb) => (picture, None),
        Some(Profile::Damaged) => (picture, Some(NO_PROFILE.to_owned())),
        Some(Profile::Other(conversion)) => {
            let inks = inks::decode(bytes, format)
                .filter(|inks| (inks.width(), inks.height()) == (width, height));
            let converted = match (conversion.channels(), inks) {
                (1, None) if grey => conversion.convert(&picture),
                (3, None) => conversion.convert(&picture),
                (4, Some(inks)) => conversion.convert(&inks),
                _ => None,
            };
            match converted {
                Some(converted) => (converted, Some(conversion.to_string())),
                None => (picture, Some(NO_PROFILE.to_owned())),
            }
        }
    };
    picture.apply_orientation(orientation);
    Ok((picture, remark))
}

/// JPEG as libjpeg-turbo decodes it, to the last bit: rounding and the enlarging of colour are left open by the standard, and
/// style losses are fine enough to tell decoders apart.
fn decode_jpeg(bytes: &[u8], size: (u32, u32)) -> Result<DynamicImage, String> {
    // The decoder fills in what is missing at the end instead of failing, and goes through each of any number of scans.
    match jpeg_scans(bytes) {
        None => return Err("the picture is cut short".to_owned()),
        Some(scans) if scans > MOST_SCANS => {
            return Err(format!(
                "it has {scans} scans; at most {MOST_SCANS} are taken"
            ));
        }
        Some(_) => {}
    }
    let jpeg = decompress_to(bytes, PixelFormat::Rgb)
        .map_err(|error| format!("damaged or unusual JPEG picture ({error})"))?;
    (RgbImage::from_raw(jpeg.width as u32, jpeg.height as u32, jpeg.data))
        .filter(|picture| picture.dimensions() == size)
        .map(DynamicImage::from)
        .ok_or_else(|| "damaged JPEG picture (it declares two sizes)".to_owned())
}

fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bytes);
    limits
}

/// The decoder's error in words for a person.
fn explain(error: &ImageError) -> String {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "the picture is cut short".to_owned()
        }
        ImageError::Limits(_) => format!(
            "it declares more than can be taken (at most {} million pixels)",
            MOST_PIXELS / 1_000_000
        ),
        ImageError::Unsupported(error) => {
            format!("this kind of picture cannot be read ({error}); {CONVERT}")
        }
        other => {
            let reason = other.to_string();
            format!(
                "damaged or unusual picture ({})",
                reason.trim().replace('\n', " ")
            )
        }
    }
}

/// 8-bit RGB. If anything was transparent, that is laid on white, and the alpha is kept.
fn flatten(picture: DynamicImage) -> Picture {
    if !picture.color().has_alpha() {
        return picture.into_rgb8().into();
    }
    let rgba: RgbaImage = picture.into_rgba8();
    let (width, height) = rgba.dimensions();
    let transparent = rgba.pixels().any(|pixel| pixel[3] < 255);
    let rgb = RgbImage::from_fn(width, height, |x, y| {
        let [colour @ .., alpha] = rgba.get_pixel(x, y).0;
        let over_white = |c: u8| {
            let (c, alpha) = (u32::from(c), u32::from(alpha));
            ((c * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        image::Rgb(colour.map(over_white))
    });
    let alpha = |x, y| image::Luma([rgba.get_pixel(x, y)[3]]);
    Picture {
        rgb,
        alpha: transparent.then(|| GrayImage::from_fn(width, height, alpha)),
    }
}

/// How many scans a JPEG has, if the marker that ends it follows them (ITU T.81, annex B).
///
/// Segments are skipped by their lengths, so that the end of a thumbnail inside one is not mistaken for the picture's.
fn jpeg_scans(bytes: &[u8]) -> Option<usize> {
    const START: u8 = 0xD8;
    const END: u8 = 0xD9;
    const SCAN: u8 = 0xDA;
    let (mut at, mut scans) = (0, 0);
    while let Some(&[mark, code]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        if mark != 0xFF {
            at += 1; // picture data
            continue;
        }
        match code {
            END => return Some(scans),
            0xFF => at += 1, // padding
            // Parts without a length: an escaped 0xFF in picture data, restart marks, and the start.
            0x00 | 0x01 | 0xD0..=0xD7 | START => at += 2,
            _ => {
                scans += usize::from(code == SCAN);
                let length = bytes.get(at + 2..)?.first_chunk()?;
                at += 2 + usize::from(u16::from_be_bytes(*length));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgba};

    #[test]
    fn half_transparent_black_becomes_grey() {
        let picture = RgbaImage::from_pixel(2, 1, Rgba([0, 0, 0, 128]));
        let picture = flatten(picture.into());
        assert_eq!(picture.rgb.into_raw(), [127; 6]);
        assert_eq!(picture.alpha.unwrap().into_raw(), [128; 2]);
    }

    #[test]
    fn an_opaque_picture_is_left_as_it_is() {
        let picture = RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 255]));
        assert!(flatten(picture.into()).is_opaque());
        let deep = image::ImageBuffer::from_pixel(1, 1, Luma([257u16 * 40]));
        assert_eq!(
            flatten(DynamicImage::ImageLuma16(deep)).rgb.into_raw(),
            [40; 3]
        );
    }

    #[test]
    fn the_end_of_a_jpeg_is_found_after_its_thumbnail() {
        let end = [0xFF, 0xD9];
        let thumbnail = [&[0xFF, 0xE1, 0, 6, 0xFF, 0xD8][..], &end].concat();
        let scan = [
            0xFF, 0xDA, 0, 3, 1, 0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD3, 0x56,
        ];
        let cut = [&[0xFF, 0xD8][..], &thumbnail, &scan].concat();
        assert_eq!(jpeg_scans(&cut), None);
        assert_eq!(jpeg_scans(&[&cut[..], &end].concat()), Some(1));
        let trailer = [&cut[..], &scan, &end, b"trailer"].concat();
        assert_eq!(jpeg_scans(&trailer), Some(2));
    }
}
