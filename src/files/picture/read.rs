//! Reads picture files of any supported format into upright 8-bit sRGB.

use super::profile::Profile;
use super::size::MAX_PIXELS;
use super::source::{self, Source};
use super::srgb;
use super::strips::{Rows, Strips};
use super::{Picture, PictureError, PictureErrorKind, cmyk, jpeg};
use image::metadata::Orientation;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, Luma, Rgb, RgbImage,
    RgbaImage,
};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// The memory that a decoder may use before the size of the picture is known, in bytes.
pub(super) const METADATA_BYTES: u64 = 64 << 20;

/// The largest file that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// Enough of a file to tell its format.
const SIGNATURE_BYTES: u64 = 64;

impl Picture {
    /// Reads a picture file.
    ///
    /// The content decides the format. The EXIF orientation is applied. Gray, palette, CMYK and 16-bit pictures are
    /// converted to 8-bit RGB. Colors of another ICC profile are converted to sRGB. Transparent pixels are blended with
    /// white, and their alpha is retained. Of an animation, the first frame is read. Most PNGs and TIFFs are read some rows at a
    /// time, and take no more memory than the picture.
    ///
    /// Returns the picture, and a remark of one line if the reader changed something that the user may not expect.
    ///
    /// # Errors
    /// If the file cannot be read, is not a picture, is of an unsupported kind, is damaged or cut short, or declares no
    /// pixels or more than [`MAX_PIXELS`].
    pub fn open(path: &Path) -> Result<(Self, Option<String>), PictureError> {
        let (picture, color_remark) = read(path).map_err(|kind| PictureError::new(path, kind))?;
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

/// A picture, and a remark if its colors are not what the file says.
type Decoded = (Picture, Option<String>);

fn read(path: &Path) -> Result<Decoded, PictureErrorKind> {
    let file = open_file(path)?;
    let first_bytes = |most: u64| {
        let mut bytes = Vec::new();
        // The length in the metadata may be wrong, so the limit also applies to what is read.
        from_start(&file)?
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(PictureErrorKind::Unreadable)?;
        Ok::<_, PictureErrorKind>(bytes)
    };
    let format = detect_format(path, &first_bytes(SIGNATURE_BYTES)?)?;
    match decode_strips(&file, format)? {
        Some(decoded) => Ok(decoded),
        None => decode(&first_bytes(MAX_BYTES)?, format),
    }
}

fn open_file(path: &Path) -> Result<File, PictureErrorKind> {
    let metadata = std::fs::metadata(path).map_err(PictureErrorKind::Unreadable)?;
    if !metadata.is_file() {
        return Err(PictureErrorKind::NotAFile);
    }
    if metadata.len() > MAX_BYTES {
        let megabytes = metadata.len() >> 20;
        return Err(PictureErrorKind::TooManyBytes { megabytes });
    }
    File::open(path).map_err(PictureErrorKind::Unreadable)
}

fn from_start(file: &File) -> Result<Source<'_>, PictureErrorKind> {
    source::from_start(file).map_err(PictureErrorKind::Unreadable)
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

/// What a file says of its picture before the pixels.
struct Header {
    size: (u32, u32),
    orientation: Orientation,
    /// `None` if the file has none.
    profile: Option<Profile>,
    /// Whether the file stores one color channel.
    is_gray: bool,
}

/// Reads the header, and returns the decoder too, which can go on with the pixels.
fn read_header<'a>(
    source: Source<'a>,
    format: ImageFormat,
    profile_of_tiff: Option<Profile>,
) -> Result<(impl ImageDecoder + 'a, Header), PictureErrorKind> {
    let mut reader = ImageReader::with_format(source, format);
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
    let profile = match format {
        ImageFormat::Tiff => profile_of_tiff,
        _ => srgb::embedded_profile(&mut decoder),
    };
    let is_gray = !decoder.color_type().has_color();
    let header = Header {
        size,
        orientation,
        profile,
        is_gray,
    };
    Ok((decoder, header))
}

/// Decodes the picture some rows at a time; `None` if its format does not allow it.
fn decode_strips(file: &File, format: ImageFormat) -> Result<Option<Decoded>, PictureErrorKind> {
    if !matches!(format, ImageFormat::Png | ImageFormat::Tiff) {
        return Ok(None);
    }
    let profile_of_tiff = match format {
        ImageFormat::Tiff => srgb::tiff_profile(from_start(file)?)?,
        _ => None,
    };
    let (_, header) = read_header(from_start(file)?, format, profile_of_tiff)?;
    let Some(strips) = Strips::new(from_start(file)?, format)? else {
        return Ok(None);
    };
    let mut rows = Rows::new(header.size);
    let mut remark = None;
    for strip in strips {
        let mut strip = strip?;
        if let Some(profile) = &header.profile {
            (strip, remark) = srgb::convert(strip, header.is_gray, profile, || None);
        }
        rows.push(&flatten(strip))?;
    }
    let picture = rows.into_picture().ok_or(PictureErrorKind::CutShort)?;
    Ok(Some((picture.turned(header.orientation), remark)))
}

/// Decodes the picture as a whole.
fn decode(bytes: &[u8], format: ImageFormat) -> Result<Decoded, PictureErrorKind> {
    let profile_of_tiff = match format {
        ImageFormat::Tiff => srgb::tiff_profile(source::of_bytes(bytes))?,
        _ => None,
    };
    let (decoder, header) = read_header(source::of_bytes(bytes), format, profile_of_tiff)?;
    let image = if format == ImageFormat::Jpeg {
        jpeg::decode(bytes, header.size)?
    } else {
        DynamicImage::from_decoder(decoder).map_err(PictureErrorKind::of_decoder)?
    };
    let (image, remark) = match &header.profile {
        Some(profile) => {
            let cmyk = || cmyk::decode(bytes, format);
            srgb::convert(image, header.is_gray, profile, cmyk)
        }
        None => (image, None),
    };
    Ok((flatten(image).turned(header.orientation), remark))
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

impl Picture {
    /// The picture, turned or mirrored.
    fn turned(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let mut rgb = DynamicImage::from(Arc::unwrap_or_clone(self.rgb));
        rgb.apply_orientation(orientation);
        let alpha = self.alpha.map(|alpha| {
            let mut alpha = DynamicImage::from(Arc::unwrap_or_clone(alpha));
            alpha.apply_orientation(orientation);
            alpha.into_luma8()
        });
        Self::new(rgb.into_rgb8(), alpha)
    }
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
    Picture::new(
        rgb,
        is_transparent.then(|| GrayImage::from_fn(width, height, alpha)),
    )
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
    use std::io::Cursor;
    use tiff::encoder::colortype::RGB8;
    use tiff::encoder::{Compression, DeflateLevel, TiffEncoder};

    #[test]
    fn half_transparent_black_becomes_gray() {
        let image = RgbaImage::from_pixel(2, 1, Rgba([0, 0, 0, 128]));
        let picture = flatten(image.into());
        assert_eq!(picture.rgb.as_raw(), &[127; 6]);
        assert_eq!(picture.alpha.unwrap().as_raw(), &[128; 2]);
    }

    #[test]
    fn an_opaque_picture_gets_no_alpha() {
        let image = RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 255]));
        assert!(flatten(image.into()).is_opaque());
    }

    /// Both ways to read a file give the same picture and the same error.
    fn check_both_ways(bytes: &[u8], format: ImageFormat) -> Result<Picture, PictureErrorKind> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let strips = decode_strips(file.as_file(), format);
        let whole = decode(bytes, format);
        match (strips, whole) {
            (Ok(strips), Ok((whole, _))) => {
                let (strips, _) = strips.expect("the format can be read in strips");
                assert!(strips == whole, "{format:?}");
                Ok(whole)
            }
            (Err(strips), Err(whole)) => {
                let kind = std::mem::discriminant::<PictureErrorKind>;
                assert_eq!(kind(&strips), kind(&whole), "{strips} and {whole}");
                Err(whole)
            }
            (strips, whole) => panic!("{format:?}: {strips:?}, but {whole:?}"),
        }
    }

    #[test]
    fn strips_of_rows_make_the_same_picture_as_the_whole() {
        // More rows than one strip has. The last are transparent.
        let (width, height) = (2048, 600);
        let rgba = ImageBuffer::from_fn(width, height, |x, y| {
            let level = |of: u32| (of.wrapping_mul(2_654_435_761) >> 16) as u16;
            let alpha = if y < 590 { u16::MAX } else { level(x) };
            Rgba([level(x), level(y), level(x ^ y), alpha])
        });
        let rgba = DynamicImage::ImageRgba16(rgba);
        let kinds = [
            rgba.to_luma8().into(),
            rgba.to_luma16().into(),
            rgba.to_rgb8().into(),
            rgba.to_rgb16().into(),
            rgba.to_rgba8().into(),
            rgba.clone(),
        ];
        for format in [ImageFormat::Png, ImageFormat::Tiff] {
            for (image, transparent) in kinds.iter().zip([false, false, false, false, true, true]) {
                let mut bytes = Cursor::new(Vec::new());
                image.write_to(&mut bytes, format).unwrap();
                let picture = check_both_ways(bytes.get_ref(), format).unwrap();
                assert_eq!(picture.is_opaque(), !transparent, "{format:?}");
            }
        }
    }

    /// A PNG, and a TIFF with this compression, of the same small picture.
    fn small_files(compression: Compression) -> [(ImageFormat, Vec<u8>); 2] {
        let image = RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8, y as u8, (x * y) as u8]));
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png).unwrap();
        let mut tiff = Cursor::new(Vec::new());
        let mut encoder = (TiffEncoder::new(&mut tiff).unwrap()).with_compression(compression);
        let mut strips = encoder.new_image::<RGB8>(40, 30).unwrap();
        strips.rows_per_strip(7).unwrap();
        strips.write_data(image.as_raw()).unwrap();
        [
            (ImageFormat::Png, png.into_inner()),
            (ImageFormat::Tiff, tiff.into_inner()),
        ]
    }

    #[test]
    fn what_is_cut_short_is_refused_in_both_ways() {
        for (format, bytes) in small_files(Compression::Uncompressed) {
            let refused = (0..bytes.len())
                .filter(|&length| check_both_ways(&bytes[..length], format).is_err());
            // What follows the pixels is not missed.
            assert!(refused.count() > bytes.len() - 20, "{format:?}");
        }
    }

    #[test]
    fn what_is_damaged_is_refused_in_both_ways() {
        let compressions = [
            Compression::Uncompressed,
            Compression::Lzw,
            Compression::Deflate(DeflateLevel::Fast),
        ];
        for (format, bytes) in compressions.into_iter().flat_map(small_files) {
            let damaged = |at: usize| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 0x55;
                check_both_ways(&bytes, format)
            };
            let refused = (0..bytes.len()).filter(|&at| damaged(at).is_err());
            assert!(refused.count() > 0, "{format:?}");
        }
    }

    #[test]
    fn a_tiff_whose_strip_may_have_any_number_of_rows_is_read() {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap();
        let strip = encoder.new_image::<RGB8>(40, 30).unwrap();
        strip.write_data(&[9; 3 * 40 * 30]).unwrap();
        let mut bytes = bytes.into_inner();
        // Tag 278, of type 4, once.
        let entry = [278u16.to_le_bytes(), 4u16.to_le_bytes(), 1u16.to_le_bytes()].concat();
        let at = bytes.windows(6).position(|window| window == entry);
        bytes[at.unwrap() + 8..][..4].fill(u8::MAX);
        let picture = check_both_ways(&bytes, ImageFormat::Tiff).unwrap();
        assert_eq!(picture.rgb.as_raw(), &[9; 3 * 40 * 30]);
    }

    #[test]
    fn sixteen_bit_gray_becomes_eight_bit_rgb() {
        let image = ImageBuffer::from_pixel(1, 1, Luma([257u16 * 40]));
        let picture = flatten(DynamicImage::ImageLuma16(image));
        assert_eq!(picture.rgb.as_raw(), &[40; 3]);
    }
}
