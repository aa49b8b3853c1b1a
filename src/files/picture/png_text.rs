//! Reads the text that a PNG file stores next to its pixels.

use super::encoding::MAX_TEXT_BYTES;
use super::{PictureError, PictureErrorKind, source};
use png::{DecodeOptions, Decoder, DecodingError, Limits};
use std::fs::File;
use std::io::{BufRead, ErrorKind};
use std::path::Path;
use thiserror::Error;

/// The first bytes of a PNG file.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The memory that the decoder may use, in bytes. It doubles its buffer as a text grows, then copies the text.
const MAX_BYTES: usize = 4 * MAX_TEXT_BYTES;

/// Why the text of a PNG file cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// The path names a folder, a device or a pipe.
    #[error("not a file; name a PNG file")]
    NotAFile,
    /// The file does not have the signature of PNG.
    #[error("not a PNG file; only PNG files store text")]
    NotPng,
    /// The texts are longer than 1 MiB.
    #[error("it stores more than 1 MiB of text")]
    TooLong,
    /// The file has no text with this key.
    #[error("it stores no text {0:?}")]
    Missing(String),
    /// The decoder rejects the file.
    #[error("damaged PNG file; its text cannot be read")]
    Damaged,
}

/// Reads the text with this key from a PNG file. The text is UTF-8 and stands before the pixels, as
/// [`Encoding`](super::Encoding) writes it.
///
/// # Errors
/// If the file cannot be read, is not a PNG, is damaged or cut short, stores more than 1 MiB of text, or has no text with
/// this key.
pub fn read_text(path: &Path, key: &str) -> Result<String, PictureError> {
    find_text(path, key).map_err(|kind| PictureError::new(path, kind))
}

fn find_text(path: &Path, key: &str) -> Result<String, PictureErrorKind> {
    let file = File::open(path).map_err(PictureErrorKind::Unreadable)?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(TextError::NotAFile.into());
    }
    let mut file = source::from_start(&file).map_err(PictureErrorKind::Unreadable)?;
    let start = file.fill_buf().map_err(PictureErrorKind::Unreadable)?;
    if !start.starts_with(SIGNATURE) {
        return Err(TextError::NotPng.into());
    }
    let mut options = DecodeOptions::default();
    options.set_ignore_iccp_chunk(true);
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = Decoder::new_with_options(file, options);
    decoder.set_limits(Limits { bytes: MAX_BYTES });
    let reader = decoder.read_info().map_err(classify)?;
    let texts = &reader.info().utf8_text;
    let mut text = (texts.iter().find(|text| text.keyword == key).cloned())
        .ok_or_else(|| TextError::Missing(key.to_owned()))?;
    text.decompress_text_with_limit(MAX_TEXT_BYTES)
        .map_err(classify)?;
    text.get_text().map_err(classify)
}

fn classify(error: DecodingError) -> PictureErrorKind {
    match error {
        DecodingError::LimitsExceeded => TextError::TooLong.into(),
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PictureErrorKind::CutShort
        }
        _ => TextError::Damaged.into(),
    }
}
