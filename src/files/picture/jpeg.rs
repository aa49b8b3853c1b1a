//! Decodes JPEG files, and encodes small pictures.

#[cfg(feature = "cli")]
use super::Picture;
use super::PictureErrorKind;
#[cfg(feature = "cli")]
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, RgbImage};
use libjpeg_turbo_rs::{PixelFormat, decompress_to};

/// The largest accepted number of scans. A usual progressive JPEG has about ten.
const MAX_SCANS: usize = 500;

#[cfg(feature = "cli")]
impl Picture {
    /// A JPEG of this quality, 1 to 100, for a page to show. Transparent pixels are blended with white.
    ///
    /// # Panics
    /// If an edge has more than 65535 pixels.
    pub(crate) fn to_jpeg(&self, quality: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
        (self.rgb.write_with_encoder(encoder)).expect("a small picture can be a JPEG");
        bytes
    }
}

/// Decodes a JPEG to RGB. `size` is the width and height that the header declares.
///
/// The result has the same bits as that of libjpeg-turbo. The standard leaves the rounding and the upsampling of chroma
/// open, and style losses are sensitive enough to show the difference.
pub fn decode(bytes: &[u8], size: (u32, u32)) -> Result<DynamicImage, PictureErrorKind> {
    // The decoder would fill a missing end instead of failing, and would process any number of scans.
    let scans = count_scans(bytes).ok_or(PictureErrorKind::CutShort)?;
    if scans > MAX_SCANS {
        let max = MAX_SCANS;
        return Err(PictureErrorKind::TooManyScans { scans, max });
    }
    let jpeg = decompress_to(bytes, PixelFormat::Rgb)
        .map_err(|error| PictureErrorKind::damaged(format_args!("JPEG: {error}")))?;
    RgbImage::from_raw(jpeg.width as u32, jpeg.height as u32, jpeg.data)
        .filter(|image| image.dimensions() == size)
        .map(DynamicImage::from)
        .ok_or_else(|| PictureErrorKind::damaged("JPEG: it declares two sizes"))
}

/// The number of scans, or `None` if the end marker is missing (ITU-T T.81, annex B).
///
/// Skips each segment by its length. So the end marker of a thumbnail inside a segment is not taken for that of the picture.
fn count_scans(bytes: &[u8]) -> Option<usize> {
    const START_OF_IMAGE: u8 = 0xD8;
    const END_OF_IMAGE: u8 = 0xD9;
    const START_OF_SCAN: u8 = 0xDA;
    let (mut at, mut scans) = (0, 0);
    while let Some(&[prefix, code]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        if prefix != 0xFF {
            at += 1; // entropy-coded data
            continue;
        }
        match code {
            END_OF_IMAGE => return Some(scans),
            0xFF => at += 1, // padding
            // No length follows these: an escaped 0xFF in the data, TEM, the restart markers, and the start.
            0x00 | 0x01 | 0xD0..=0xD7 | START_OF_IMAGE => at += 2,
            _ => {
                scans += usize::from(code == START_OF_SCAN);
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

    #[test]
    fn the_end_marker_of_a_thumbnail_is_not_that_of_the_picture() {
        let end = [0xFF, 0xD9];
        let thumbnail = [&[0xFF, 0xE1, 0, 6, 0xFF, 0xD8][..], &end].concat();
        let scan = [
            0xFF, 0xDA, 0, 3, 1, 0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD3, 0x56,
        ];
        let cut = [&[0xFF, 0xD8][..], &thumbnail, &scan].concat();
        assert_eq!(count_scans(&cut), None);
        assert_eq!(count_scans(&[&cut[..], &end].concat()), Some(1));
        let trailer = [&cut[..], &scan, &end, b"trailer"].concat();
        assert_eq!(count_scans(&trailer), Some(2));
    }
}
