//! Zip archives, which PyTorch and NumPy put their arrays into.

use bytes::Bytes;
use std::io::{Cursor, Read};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// The most bytes of a compressed file that are passed over to come to an array.
const MOST_IN_VAIN: usize = 1 << 20;

/// An archive whose files are read when they are wanted; a copy costs nothing.
pub(super) type Archive = ZipArchive<Cursor<Bytes>>;

/// The archive in these bytes.
///
/// # Errors
/// If it is damaged.
pub(super) fn open(bytes: &Bytes) -> Result<Archive, String> {
    ZipArchive::new(Cursor::new(bytes.clone()))
        .map_err(|error| format!("cut short or damaged zip archive ({})", explain(&error)))
}

/// Up to `most` bytes of the file called `name`, unpacked, behind the first `skipped`. No memory is taken for bytes that are not
/// there. If they are all of the rest of the file, its checksum has been checked.
///
/// # Errors
/// If there is no such file, or it is damaged, encrypted, or packed in another way than by deflate.
pub(super) fn read(
    archive: &mut Archive,
    name: &str,
    skipped: usize,
    most: usize,
) -> Result<Bytes, String> {
    let mut file =
        (archive.by_name(name)).map_err(|error| format!("{name}: {}", explain(&error)))?;
    // What is in front would be unpacked in vain, for each array anew.
    if skipped > MOST_IN_VAIN && file.compression() != CompressionMethod::Stored {
        return Err(format!(
            "{name}: arrays deep inside a compressed file are not read; write it uncompressed"
        ));
    }
    let mut bytes = Vec::new();
    // One byte more than wanted shows whether the file ends there, and makes the archive check its sum.
    std::io::copy(&mut (&mut file).take(skipped as u64), &mut std::io::sink())
        .and_then(|_| file.take(most as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{name}: it cannot be unpacked ({error})"))?;
    bytes.truncate(most);
    bytes.shrink_to_fit();
    Ok(bytes.into())
}

fn explain(error: &ZipError) -> String {
    match error {
        ZipError::FileNotFound => "it is missing from the archive".to_owned(),
        ZipError::CompressionMethodNotSupported(method) => {
            format!("packed in a way that is not read ({method}); only deflate is")
        }
        other => other.to_string(),
    }
}
