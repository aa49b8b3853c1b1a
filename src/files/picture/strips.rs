//! Reads the pixels of PNG and TIFF files some rows at a time, if they are stored from top to bottom. Then what a file stores, up to 8 bytes
//! for each pixel, is never in memory as a whole.

use super::read::{MAX_BYTES, METADATA_BYTES};
use super::size::MAX_PIXELS;
use super::source::Source;
use super::{Picture, PictureErrorKind};
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, RgbImage};
use png::{BitDepth, DecodingError, Transformations};
use tiff::decoder::{ChunkType, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

/// Pixels of a PNG that are read at a time, at most, unless a row has more.
const STRIP_PIXELS: u32 = 1 << 20;

/// The strips of a picture, each some of its rows, from top to bottom.
pub enum Strips<'a> {
    /// Not interlaced.
    Png(Box<png::Reader<Source<'a>>>),
    /// In strips of whole rows, and with all channels of a pixel side by side.
    Tiff {
        /// Where the strips are.
        decoder: Box<tiff::decoder::Decoder<Source<'a>>>,
        /// 1 for gray, 3 for RGB, 4 with alpha.
        channels: usize,
        /// The number of the next one.
        next: u32,
        /// How many there are.
        count: u32,
    },
}

impl<'a> Strips<'a> {
    /// The strips of a file. `None` if its pixels are not stored from top to bottom, or in an unusual way.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn new(source: Source<'a>, format: ImageFormat) -> Result<Option<Self>, PictureErrorKind> {
        match format {
            ImageFormat::Png => Self::of_png(source).map_err(PictureErrorKind::of_png),
            ImageFormat::Tiff => Self::of_tiff(source).map_err(PictureErrorKind::of_tiff),
            _ => Ok(None),
        }
    }

    fn of_png(source: Source<'a>) -> Result<Option<Self>, DecodingError> {
        let limits = png::Limits {
            bytes: METADATA_BYTES as usize,
        };
        let mut decoder = png::Decoder::new_with_limits(source, limits);
        // Palettes to RGB, and fewer bits to 8; 16 stay.
        decoder.set_transformations(Transformations::EXPAND);
        let reader = decoder.read_info()?;
        Ok((!reader.info().interlaced).then(|| Self::Png(Box::new(reader))))
    }

    fn of_tiff(source: Source<'a>) -> Result<Option<Self>, TiffError> {
        /// The planar configuration that stores the channels of a pixel side by side.
        const CHUNKY: u16 = 1;
        let mut decoder = tiff::decoder::Decoder::new(source)?.with_limits(tiff_limits());
        let channels = match decoder.colortype()? {
            ColorType::Gray(8 | 16) => 1,
            ColorType::RGB(8 | 16) => 3,
            ColorType::RGBA(8 | 16) => 4,
            _ => return Ok(None),
        };
        let planar: Option<u16> = decoder.find_tag_unsigned(Tag::PlanarConfiguration)?;
        if decoder.get_chunk_type() != ChunkType::Strip || planar.is_some_and(|it| it != CHUNKY) {
            return Ok(None);
        }
        let (_, height) = decoder.dimensions()?;
        let (_, rows_per_strip) = decoder.chunk_dimensions();
        Ok(Some(Self::Tiff {
            channels,
            next: 0,
            count: height.div_ceil(rows_per_strip.max(1)),
            decoder: Box::new(decoder),
        }))
    }
}

impl Iterator for Strips<'_> {
    type Item = Result<DynamicImage, PictureErrorKind>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Png(reader) => {
                (next_of_png(reader).map_err(PictureErrorKind::of_png)).transpose()
            }
            Self::Tiff { next, count, .. } if next == count => None,
            Self::Tiff {
                decoder,
                channels,
                next,
                ..
            } => {
                let (width, height) = decoder.chunk_data_dimensions(*next);
                let strip = (decoder.read_chunk(*next)).map_err(PictureErrorKind::of_tiff);
                *next += 1;
                Some(strip.and_then(|samples| {
                    let strip = match samples {
                        DecodingResult::U8(samples) => of_8_bits(*channels, width, height, samples),
                        DecodingResult::U16(samples) => {
                            of_16_bits(*channels, width, height, samples)
                        }
                        _ => None,
                    };
                    strip.ok_or_else(|| PictureErrorKind::damaged("TIFF: a strip has other pixels"))
                }))
            }
        }
    }
}

/// What a TIFF with the largest accepted picture may take: 4 channels of 16 bits, in a strip that is the whole file.
pub(super) fn tiff_limits() -> Limits {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = 8 * MAX_PIXELS as usize;
    limits.intermediate_buffer_size = MAX_BYTES as usize;
    limits
}

fn next_of_png(reader: &mut png::Reader<Source>) -> Result<Option<DynamicImage>, DecodingError> {
    const SIZE: &str = "a row has the pixels of the width";
    let width = reader.info().width;
    let (color, depth) = reader.output_color_type();
    let (mut bytes, mut rows) = (Vec::new(), 0);
    while rows < (STRIP_PIXELS / width.max(1)).max(1) {
        let Some(row) = reader.next_row()? else { break };
        bytes.extend_from_slice(row.data());
        rows += 1;
    }
    if rows == 0 {
        return Ok(None);
    }
    let channels = color.samples();
    Ok(Some(if depth == BitDepth::Sixteen {
        let samples = bytes.as_chunks().0.iter().copied();
        let samples = samples.map(u16::from_be_bytes).collect();
        of_16_bits(channels, width, rows, samples).expect(SIZE)
    } else {
        of_8_bits(channels, width, rows, bytes).expect(SIZE)
    }))
}

/// `None` if there are too few samples.
fn of_8_bits(channels: usize, width: u32, height: u32, samples: Vec<u8>) -> Option<DynamicImage> {
    match channels {
        1 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma8),
        2 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA8),
        3 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb8),
        _ => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba8),
    }
}

/// `None` if there are too few samples.
fn of_16_bits(channels: usize, width: u32, height: u32, samples: Vec<u16>) -> Option<DynamicImage> {
    match channels {
        1 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma16),
        2 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA16),
        3 => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb16),
        _ => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba16),
    }
}

/// The pixels of a picture as far as they are read, row by row.
pub struct Rows {
    size: (u32, u32),
    rgb: Vec<u8>,
    /// Empty as long as all pixels are opaque.
    alpha: Vec<u8>,
}

impl Rows {
    /// None yet of a picture of this width and height.
    pub fn new((width, height): (u32, u32)) -> Self {
        Self {
            size: (width, height),
            rgb: Vec::with_capacity(3 * width as usize * height as usize),
            alpha: Vec::new(),
        }
    }

    /// Adds a strip.
    ///
    /// # Errors
    /// If the picture has fewer rows: then the file is not the one whose header was read.
    pub fn push(&mut self, strip: &Picture) -> Result<(), PictureErrorKind> {
        let pixels = self.size.0 as usize * self.size.1 as usize;
        let before = self.rgb.len() / 3;
        let after = before + strip.rgb.pixels().len();
        if after > pixels {
            return Err(PictureErrorKind::damaged("it has too many rows"));
        }
        self.rgb.extend_from_slice(strip.rgb.as_raw());
        if let Some(alpha) = &strip.alpha {
            self.alpha.reserve_exact(pixels - self.alpha.len());
            self.alpha.resize(before, u8::MAX);
            self.alpha.extend_from_slice(alpha.as_raw());
        } else if !self.alpha.is_empty() {
            self.alpha.resize(after, u8::MAX);
        }
        Ok(())
    }

    /// The picture, if all of its pixels are read.
    pub fn into_picture(self) -> Option<Picture> {
        let (width, height) = self.size;
        let rgb = RgbImage::from_raw(width, height, self.rgb)?;
        // `None` of no bytes.
        let alpha = GrayImage::from_raw(width, height, self.alpha);
        Some(Picture::new(rgb, alpha))
    }
}
