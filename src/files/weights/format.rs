//! Detection of a file's format by its bytes. The file name does not matter.

use super::{ReadError, zip_file};
use bytes::Bytes;
use std::fmt;

/// A file format from which weights are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `safetensors`, the usual format of model hubs.
    Safetensors,
    /// What `torch.save` writes: a zip archive with a pickle, or, before 2020, several pickles one after the other.
    PyTorch,
    /// MATLAB's MAT-file, level 5: MatConvNet's networks, or plain arrays.
    Matlab,
    /// HDF5, which Keras writes.
    Hdf5,
    /// A zip archive of NumPy arrays.
    Npz,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::PyTorch => "PyTorch (.pth)",
            Self::Matlab => "MATLAB level 5 (.mat)",
            Self::Hdf5 => "HDF5 (.h5)",
            Self::Npz => "NumPy (.npz)",
        })
    }
}

/// The signature of HDF5, at byte 0, 512, 1024, … of a file.
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The start of PyTorch's older format, without the two bytes of the pickle protocol: the number 0x1950a86a20f9469cfc6c.
const LEGACY_PYTORCH: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// The longest header of a file that is taken for safetensors, in bytes. The format itself has this limit.
const MAX_SAFETENSORS_HEADER: u64 = 100_000_000;

impl Format {
    /// Detects the format of a file with these bytes.
    ///
    /// # Errors
    /// If the file is of another kind, or of a variant that is not supported. The message says what the file seems to be.
    pub fn detect(bytes: &Bytes) -> Result<Self, ReadError> {
        let has_at = |position: usize, signature: &[u8]| {
            (bytes.get(position..)).is_some_and(|rest| rest.starts_with(signature))
        };
        if has_at(0, b"PK") {
            return zip_format(bytes);
        }
        if has_at(0, HDF5) {
            return Ok(Self::Hdf5);
        }
        let header = (bytes.first_chunk()).map(|&length| u64::from_le_bytes(length));
        // White space may precede the JSON. A file that is cut short is still safetensors.
        let has_json = (bytes.iter().skip(8).find(|b| !b.is_ascii_whitespace())) == Some(&b'{');
        if has_json && header.is_some_and(|length| length <= MAX_SAFETENSORS_HEADER) {
            return Ok(Self::Safetensors);
        }
        if has_at(126, b"IM") || has_at(126, b"MI") {
            return if has_at(512, HDF5) {
                Err(ReadError::unsupported(
                    "MATLAB 7.3; save it again with: save -v7",
                ))
            } else {
                Ok(Self::Matlab)
            };
        }
        // From pickle protocol 4 on, a frame header of nine bytes comes first.
        if has_at(0, b"\x80") && (has_at(2, LEGACY_PYTORCH) || has_at(11, LEGACY_PYTORCH)) {
            return Ok(Self::PyTorch);
        }
        Err(ReadError::not_weights(describe_unknown(bytes)))
    }
}

/// Detects the format of a zip archive by the files in it.
fn zip_format(bytes: &Bytes) -> Result<Format, ReadError> {
    let archive = zip_file::open(bytes)?;
    let has = |ending: &str| {
        archive
            .file_names_raw()
            .any(|name| name.ends_with(ending.as_bytes()))
    };
    if has("/constants.pkl") || has("/code/__torch__.py") {
        Err(ReadError::unsupported(
            "a TorchScript program, which contains more than weights; save its state_dict()",
        ))
    } else if has("model.weights.h5") {
        Err(ReadError::unsupported(
            "a model in Keras' own format; model.save('x.h5') writes a file that can be read",
        ))
    } else if has("data.pkl") {
        Ok(Format::PyTorch)
    } else if has(".npy") {
        Ok(Format::Npz)
    } else {
        Err(ReadError::not_weights(
            "a zip archive with neither PyTorch's nor NumPy's arrays in it",
        ))
    }
}

/// Describes a file of none of the formats, as far as its first bytes tell what it is.
fn describe_unknown(bytes: &[u8]) -> &'static str {
    let start = bytes[..bytes.len().min(1024)].trim_ascii_start();
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    let is_text = |beginnings: &[&str]| beginnings.iter().any(|&start| text.starts_with(start));
    let is_binary = |signatures: &[&[u8]]| signatures.iter().any(|start| bytes.starts_with(start));
    if bytes.is_empty() {
        "the file is empty"
    } else if is_text(&["<!doctype html", "<html", "<head"]) || text.contains("<html") {
        "this is a web page, not weights; the download returned an error page, or the page that links to the file"
    } else if is_text(&["<?xml", "<error"]) {
        "this is an XML page, not weights; servers often send one when they refuse a download"
    } else if is_text(&["version https://git-lfs"]) {
        "this is a Git LFS pointer, not the weights themselves; fetch them with: git lfs pull"
    } else if is_binary(&[b"\x93NUMPY"]) {
        "a single NumPy array, or a pickled object; weights are several arrays, which numpy.savez writes to an .npz file"
    } else if is_binary(&[b"\x80"]) {
        "a Python pickle that torch.save did not write"
    } else if is_binary(&[b"\x1f\x8b"]) {
        "compressed with gzip; unpack it first"
    } else if is_binary(&[b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ"]) {
        "a compressed archive; unpack it first"
    } else if bytes.get(257..262) == Some(b"ustar") {
        "a tar archive; unpack it first"
    } else if is_binary(&[b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF"]) {
        "this is a picture, not weights"
    } else {
        "not a weights file, or its beginning is damaged; safetensors, PyTorch's .pth, MATLAB's .mat, Keras' .h5 and NumPy's \
         .npz can be read"
    }
}
