//! Reading the texts that a PNG file keeps beside its pixels.

use super::PictureError;
use super::encode::MOST_TEXT;
use png::{DecodeOptions, Decoder, DecodingError, Limits};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;

/// How a PNG file begins.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The memory that reading them may take: a text is doubled into place, and then copied.
const MOST_BYTES: usize = 4 * MOST_TEXT;

/// The text that a PNG file keeps under this key, as [`Encoding`](super::Encoding) writes it: before the pixels, in UTF-8.
///
/// # Errors
/// If the file cannot be read, is no PNG, is damaged, keeps more than 1 MiB of text, or none under this key.
pub fn read_text(path: &Path, key: &str) -> Result<String, PictureError> {
    let error = |trouble: &str| PictureError::new(path, trouble);
    let file = File::open(path).map_err(|e| error(&crate::os_reason(&e)))?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(error("not a file; name a PNG file"));
    }
    let mut file = BufReader::new(file);
    let start = file.fill_buf().map_err(|e| error(&crate::os_reason(&e)))?;
    if !start.starts_with(SIGNATURE) {
        return Err(error("not a PNG file; only those keep texts"));
    }
    let mut options = DecodeOptions::default();
    options.set_ignore_iccp_chunk(true);
    options.set_skip_ancillary_crc_failures(false);
    let mut decoder = Decoder::new_with_options(file, options);
    decoder.set_limits(Limits { bytes: MOST_BYTES });
    let explain = |e| error(explain(&e));
    let reader = decoder.read_info().map_err(explain)?;
    let mut found = (reader.info().utf8_text.iter())
        .find(|text| text.keyword == key)
        .cloned()
        .ok_or_else(|| error(&format!("it keeps no text {key:?}")))?;
    found
        .decompress_text_with_limit(MOST_TEXT)
        .and_then(|()| found.get_text())
        .map_err(explain)
}

/// The decoder's error in words for a person.
fn explain(error: &DecodingError) -> &'static str {
    match error {
        DecodingError::LimitsExceeded => "it keeps more than 1 MiB of text",
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            "the picture is cut short"
        }
        _ => "damaged PNG file; its texts cannot be read",
    }
}
