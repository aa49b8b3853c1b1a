//! NumPy's formats: `.npy`, an array behind a header that is a Python dictionary, and `.npz`, a zip archive of them.
//!
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. The header is read here: the crates for it read
//! any Python literal, by recursion without an end, and reserve the length that the file claims for it.

use super::contents::Contents;
use super::names;
use super::tensor::{Lazy, Number, Tensor, column_major, row_major};
use super::zip_file;
use bytes::Bytes;

/// The longest header that is read. NumPy's own, of an array with four axes, is 128 bytes long.
const LONGEST_HEADER: usize = 4096;

/// The arrays in the bytes of an `.npz` file.
///
/// # Errors
/// What is wrong, as a sentence.
pub(super) fn read(bytes: &Bytes) -> Result<Contents, String> {
    let mut archive = zip_file::open(bytes)?;
    let names: Vec<String> = archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.into_owned()))
        .collect();
    let mut tensors = Vec::new();
    for file in names {
        let Some(name) = file.strip_suffix(".npy") else {
            continue;
        };
        if !names::names_a_layer(name) {
            // Whatever it is: lists of class names, fully connected layers.
            tensors.push(Tensor::unread(name));
            continue;
        }
        let start = zip_file::read(&mut archive, &file, 0, LONGEST_HEADER)?;
        let header = Header::parse(&start).map_err(|trouble| format!("{file}: {trouble}"))?;
        let order = if header.fortran {
            column_major
        } else {
            row_major
        };
        let mut archive = archive.clone();
        let begin = header.length;
        tensors.push(Tensor {
            name: name.to_owned(),
            strides: order(&header.shape),
            shape: header.shape,
            number: number(header.descr),
            big_endian: header.descr.starts_with('>'),
            bytes: Lazy::Packed(Box::new(move |needed| {
                zip_file::read(&mut archive, &file, begin, needed)
            })),
        });
    }
    Ok(tensors.into())
}

/// What the header of an array says.
struct Header<'a> {
    /// `<f4`
    descr: &'a str,
    /// Whether the first axis is the one of neighbours.
    fortran: bool,
    shape: Vec<usize>,
    /// Where the elements begin.
    length: usize,
}

impl<'a> Header<'a> {
    /// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3, 3, 64), }`, in whatever order, behind the magic bytes,
    /// two of version and two or four of length.
    fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let (version, rest) = (bytes.strip_prefix(b"\x93NUMPY"))
            .and_then(<[u8]>::split_first_chunk::<2>)
            .ok_or("not a NumPy array")?;
        let cut = "the header of the array is cut short or too long";
        let (length, rest) =
            match version[0] {
                1 => (rest.split_first_chunk())
                    .map(|(n, rest)| (u16::from_le_bytes(*n) as usize, rest)),
                2 | 3 => (rest.split_first_chunk())
                    .map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)),
                other => return Err(format!("version {other} of NumPy's format is not known")),
            }
            .ok_or(cut)?;
        let text = std::str::from_utf8(rest.get(..length).ok_or(cut)?)
            .map_err(|_| "the header of the array is no text")?;
        let value = |key: &str| {
            let (_, after) = text.split_once(&format!("'{key}':"))?;
            Some(after.trim_start())
        };
        let damaged = || format!("the header of the array is damaged: {}", text.trim());
        let parsed = || {
            // A structured array has a list here, and no quotation mark.
            let descr = value("descr")?;
            let descr = descr
                .strip_prefix('\'')
                .map_or(Some(""), |d| Some(d.split_once('\'')?.0))?;
            let fortran = value("fortran_order")?;
            let (edges, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
            let edges = edges.trim().trim_end_matches(',');
            let shape: Option<Vec<usize>> = match edges {
                "" => Some(Vec::new()),
                edges => edges
                    .split(',')
                    .map(|edge| edge.trim().trim_end_matches('L').parse().ok()) // Python 2's long
                    .collect(),
            };
            Some(Self {
                descr,
                fortran: match fortran {
                    yes if yes.starts_with("True") => true,
                    no if no.starts_with("False") => false,
                    _ => return None,
                },
                shape: shape?,
                length: bytes.len() - rest.len() + length,
            })
        };
        parsed().ok_or_else(damaged)
    }
}

/// The type that `<f4` stands for.
fn number(descr: &str) -> Result<Number, String> {
    match descr.trim_start_matches(['<', '>', '|', '=']) {
        "f2" => Ok(Number::F16),
        "f4" => Ok(Number::F32),
        "f8" => Ok(Number::F64),
        "" => Err("a structure".to_owned()),
        other => Err(format!("NumPy's {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(version: u8, header: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((header.len() as u16).to_le_bytes()),
            _ => bytes.extend((header.len() as u32).to_le_bytes()),
        }
        bytes.extend(header.bytes());
        bytes
    }

    #[test]
    fn headers_are_read_in_whatever_order() {
        let header = "{'shape': (3, 64,), 'fortran_order': True, 'descr': '>f8'}  \n";
        for version in [1, 2] {
            let bytes = npy(version, header);
            let header = Header::parse(&bytes).unwrap();
            assert_eq!((header.shape, header.fortran), (vec![3, 64], true));
            assert_eq!(number(header.descr), Ok(Number::F64));
            assert_eq!(header.length, bytes.len());
        }
        let bytes = npy(
            1,
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (), }",
        );
        let header = Header::parse(&bytes).unwrap();
        assert!(header.shape.is_empty() && number(header.descr).is_err());
    }

    #[test]
    fn damaged_headers_are_refused() {
        for header in [
            "",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, -1)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 99999999999999999999)}",
            "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,)}",
            "{'descr': '<f4, 'fortran_order': False, 'shape': (3",
        ] {
            assert!(Header::parse(&npy(1, header)).is_err(), "{header}");
        }
        let mut short = npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': ()}");
        short.pop();
        assert!(Header::parse(&short).is_err());
        assert!(Header::parse(b"\x93NUMPY").is_err());
    }
}
