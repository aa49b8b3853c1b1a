//! Which format a file is in, told by its first bytes and never by its name.

use bytes::Bytes;
use std::fmt;

/// A format that weights are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `safetensors`, the format of model hubs.
    Safetensors,
    /// What `torch.save` writes: a zip archive with a pickle, or, before 2020, pickles in a row.
    PyTorch,
    /// MATLAB's MAT-file, level 5: MatConvNet's networks, or arrays by themselves.
    Matlab,
    /// HDF5: what Keras writes.
    Hdf5,
    /// A zip archive of NumPy's arrays.
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

/// What begins every HDF5 file, or stands in it at 512, 1024, … bytes.
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The first pickle of the older PyTorch format, from its protocol on: the number 0x1950a86a20f9469cfc6c.
pub(super) const LEGACY_PYTORCH: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

impl Format {
    /// The format of a file with these bytes.
    ///
    /// # Errors
    /// What the file is instead, as far as that can be told, as a sentence.
    pub fn of(bytes: &Bytes) -> Result<Self, String> {
        let begins = |start: &[u8]| bytes.starts_with(start);
        let at =
            |place: usize, what: &[u8]| bytes.get(place..).is_some_and(|b| b.starts_with(what));
        if begins(b"PK") {
            return zip_format(bytes);
        }
        if begins(HDF5) {
            return Ok(Self::Hdf5);
        }
        let header = (bytes.first_chunk()).map(|&length| u64::from_le_bytes(length));
        // A header may begin with blanks, and may be cut short.
        let json = (bytes.iter().skip(8).find(|b| !b.is_ascii_whitespace())) == Some(&b'{');
        if json && header.is_some_and(|length| length <= 100_000_000) {
            return Ok(Self::Safetensors);
        }
        if at(126, b"IM") || at(126, b"MI") {
            return match at(512, HDF5) {
                true => Err("MATLAB 7.3; save it again with: save -v7".to_owned()),
                false => Ok(Self::Matlab),
            };
        }
        // From protocol 4 on, what follows is in a frame, whose length has nine bytes.
        if begins(b"\x80") && (at(2, LEGACY_PYTORCH) || at(11, LEGACY_PYTORCH)) {
            return Ok(Self::PyTorch);
        }
        Err(stranger(bytes))
    }
}

/// The format of a zip archive, by the files in it.
fn zip_format(bytes: &Bytes) -> Result<Format, String> {
    let archive = super::zip_file::open(bytes)?;
    let has = |ending: &str| {
        archive
            .file_names_raw()
            .any(|name| name.ends_with(ending.as_bytes()))
    };
    if has("/constants.pkl") || has("/code/__torch__.py") {
        Err("a TorchScript program, not weights alone; save its state_dict()".to_owned())
    } else if has("model.weights.h5") {
        Err(
            "a model in Keras' own format; model.save('x.h5') writes one that can be read"
                .to_owned(),
        )
    } else if has("data.pkl") {
        Ok(Format::PyTorch)
    } else if has(".npy") {
        Ok(Format::Npz)
    } else {
        Err("a zip archive with neither PyTorch's nor NumPy's arrays in it".to_owned())
    }
}

/// What a file that holds no weights is, as far as its beginning tells.
fn stranger(bytes: &[u8]) -> String {
    let start = bytes[..bytes.len().min(1024)].trim_ascii_start();
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    let begins = |what: &str| text.starts_with(what);
    let starts = |what: &[u8]| bytes.starts_with(what);
    let what = if bytes.is_empty() {
        "the file is empty"
    } else if begins("<!doctype html")
        || begins("<html")
        || begins("<head")
        || text.contains("<html")
    {
        "this is a web page, not weights; the download gave an error page, or the page around the file"
    } else if begins("<?xml") || begins("<error") {
        "this is an XML page, not weights; such is often the answer of a server that does not give the file"
    } else if begins("version https://git-lfs") {
        "this is a Git LFS pointer, not the weights themselves; fetch them with: git lfs pull"
    } else if starts(b"\x93NUMPY") {
        "a single NumPy array, or a pickled object; weights are several arrays, as numpy.savez writes them to an .npz file"
    } else if starts(b"\x80") {
        "a Python pickle that torch.save did not write"
    } else if starts(b"\x1f\x8b") {
        "compressed with gzip; unpack it first"
    } else if starts(b"7z\xbc\xaf") || starts(b"Rar!") || starts(b"BZh") || starts(b"\xfd7zXZ") {
        "a compressed archive; unpack it first"
    } else if bytes.get(257..262) == Some(b"ustar") {
        "a tar archive; unpack it first"
    } else if starts(b"\x89PNG") || starts(b"\xff\xd8\xff") || starts(b"GIF8") || starts(b"RIFF") {
        "this is a picture, not weights"
    } else {
        "not a file of weights, or one whose beginning is damaged; safetensors, PyTorch's .pth, MATLAB's .mat, Keras' .h5 and \
         NumPy's .npz can be read"
    };
    what.to_owned()
}
