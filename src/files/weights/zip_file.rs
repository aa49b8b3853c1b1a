//! Zip archives, in which PyTorch and NumPy store their arrays.

use super::ReadError;
use bytes::Bytes;
use std::io::{Cursor, Read};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// The most bytes of a compressed file that are unpacked and discarded to reach an array behind them.
const MAX_DISCARDED: usize = 1 << 20;

/// An open archive. Cloning it is cheap.
pub(super) type Archive = ZipArchive<Cursor<Bytes>>;

/// Opens the archive with these bytes.
///
/// # Errors
/// If it is damaged.
pub(super) fn open(bytes: &Bytes) -> Result<Archive, ReadError> {
    ZipArchive::new(Cursor::new(bytes.clone()))
        .map_err(|error| ReadError::Damaged(format!("cut short or damaged zip archive ({error})")))
}

/// Unpacks up to `max_length` bytes of the file `name`, after the first `skipped` bytes. Memory is allocated only for bytes
/// that exist. If the result includes the end of the file, its checksum has been verified.
///
/// # Errors
/// If there is no such file, or it is damaged, encrypted, or compressed with another method than deflate.
pub(super) fn read(
    archive: &mut Archive,
    name: &str,
    skipped: usize,
    max_length: usize,
) -> Result<Bytes, ReadError> {
    let mut file = (archive.by_name(name)).map_err(|error| describe(&error).in_part(name))?;
    // Without this limit, the bytes in front of an array would be unpacked again for each array.
    if skipped > MAX_DISCARDED && file.compression() != CompressionMethod::Stored {
        return Err(ReadError::Unsupported(format!(
            "{name}: arrays deep inside a compressed file cannot be read; write it uncompressed"
        )));
    }
    let mut bytes = Vec::new();
    // The crate verifies the checksum when it reaches the end of the file, so one more byte is requested.
    std::io::copy(&mut (&mut file).take(skipped as u64), &mut std::io::sink())
        .and_then(|_| file.take(max_length as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| ReadError::Damaged(format!("{name}: it cannot be unpacked ({error})")))?;
    bytes.truncate(max_length);
    bytes.shrink_to_fit();
    Ok(bytes.into())
}

/// Why a file of an archive cannot be opened.
fn describe(error: &ZipError) -> ReadError {
    match error {
        ZipError::FileNotFound => ReadError::damaged("it is missing from the archive"),
        ZipError::CompressionMethodNotSupported(method) => ReadError::Unsupported(format!(
            "compressed with {method}; only deflate can be read"
        )),
        ZipError::UnsupportedArchive(_) => ReadError::Unsupported(error.to_string()),
        other => ReadError::Damaged(other.to_string()),
    }
}
