//! NumPy's formats: `.npy`, an array behind a header that is a Python dictionary, and `.npz`, a zip archive of such arrays.
//!
//! Source: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. The header is parsed here: the crates for
//! it parse any Python literal with unlimited recursion, and allocate the length that the file claims.

use super::contents::Contents;
use super::names;
use super::tensor::{Data, ElementType, Tensor, UnsupportedElement, column_major, row_major};
use super::{ReadError, zip_file};
use bytes::Bytes;

/// The longest header that is parsed, in bytes. NumPy's own, of an array with four axes, has 128.
const MAX_HEADER: usize = 4096;

/// Lists the arrays in the bytes of an `.npz` file.
///
/// # Errors
/// If the file is damaged, or a layer's array has a header of an unknown version.
pub(super) fn read(bytes: &Bytes) -> Result<Contents, ReadError> {
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
            // Fully connected layers, lists of class names, and so on.
            tensors.push(Tensor::name_only(name));
            continue;
        }
        let start = zip_file::read(&mut archive, &file, 0, MAX_HEADER)?;
        let header = Header::parse(&start).map_err(|error| error.in_part(&file))?;
        let strides = if header.fortran_order {
            column_major
        } else {
            row_major
        };
        let mut archive = archive.clone();
        let begin = header.length;
        tensors.push(Tensor {
            name: name.to_owned(),
            strides: strides(&header.shape),
            shape: header.shape,
            element: element_type(header.descr),
            big_endian: header.descr.starts_with('>'),
            data: Data::Deferred(Box::new(move |needed| {
                zip_file::read(&mut archive, &file, begin, needed)
            })),
        });
    }
    Ok(tensors.into())
}

/// The header of an array.
struct Header<'a> {
    /// The element type, `<f4`; empty for a structured array.
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
    /// The length of the header with all that precedes it, in bytes.
    length: usize,
}

impl<'a> Header<'a> {
    /// Parses the start of an `.npy` file: six magic bytes, two bytes of version, two or four bytes of length, and the text
    /// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3, 3, 64), }` with the keys in any order.
    fn parse(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let (version, rest) = (bytes.strip_prefix(b"\x93NUMPY"))
            .and_then(<[u8]>::split_first_chunk::<2>)
            .ok_or_else(|| ReadError::damaged("not a NumPy array"))?;
        let cut_short = || ReadError::damaged("the header of the array is cut short or too long");
        let (length, rest) =
            match version[0] {
                1 => (rest.split_first_chunk())
                    .map(|(n, rest)| (u16::from_le_bytes(*n) as usize, rest)),
                2 | 3 => (rest.split_first_chunk())
                    .map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)),
                other => {
                    return Err(ReadError::Unsupported(format!(
                        "version {other} of NumPy's format is not known"
                    )));
                }
            }
            .ok_or_else(cut_short)?;
        let text = std::str::from_utf8(rest.get(..length).ok_or_else(cut_short)?)
            .map_err(|_| ReadError::damaged("the header of the array is not text"))?;
        let length = bytes.len() - rest.len() + length;
        Self::parse_text(text, length).ok_or_else(|| {
            ReadError::Damaged(format!(
                "the header of the array is damaged: {}",
                text.trim()
            ))
        })
    }

    fn parse_text(text: &'a str, length: usize) -> Option<Self> {
        let value = |key: &str| {
            let (_, after) = text.split_once(&format!("'{key}':"))?;
            Some(after.trim_start())
        };
        let descr = value("descr")?;
        let descr = match descr.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'')?.0,
            None => "", // the list of fields of a structured array
        };
        let fortran_order = match value("fortran_order")? {
            yes if yes.starts_with("True") => true,
            no if no.starts_with("False") => false,
            _ => return None,
        };
        let (axes, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
        let axes = axes.trim().trim_end_matches(',');
        let shape: Option<Vec<usize>> = match axes {
            "" => Some(Vec::new()),
            axes => axes
                .split(',')
                .map(|axis| axis.trim().trim_end_matches('L').parse().ok()) // Python 2 writes 3L
                .collect(),
        };
        Some(Self {
            descr,
            fortran_order,
            shape: shape?,
            length,
        })
    }
}

/// The type that `<f4` stands for.
fn element_type(descr: &str) -> Result<ElementType, UnsupportedElement> {
    match descr.trim_start_matches(['<', '>', '|', '=']) {
        "f2" => Ok(ElementType::F16),
        "f4" => Ok(ElementType::F32),
        "f8" => Ok(ElementType::F64),
        "" => Err(UnsupportedElement("a structure".to_owned())),
        other => Err(UnsupportedElement(format!("NumPy's {other}"))),
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
    fn keys_may_be_in_any_order() {
        let header = "{'shape': (3, 64,), 'fortran_order': True, 'descr': '>f8'}  \n";
        for version in [1, 2] {
            let bytes = npy(version, header);
            let header = Header::parse(&bytes).unwrap();
            assert_eq!((header.shape, header.fortran_order), (vec![3, 64], true));
            assert_eq!(element_type(header.descr), Ok(ElementType::F64));
            assert_eq!(header.length, bytes.len());
        }
        let bytes = npy(
            1,
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (), }",
        );
        let header = Header::parse(&bytes).unwrap();
        assert!(header.shape.is_empty() && element_type(header.descr).is_err());
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
