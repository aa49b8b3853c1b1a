//! Keras' weights: an HDF5 file with a group for each layer, and the kernel and the bias in it as datasets.
//!
//! The file itself is read by a library.

use super::contents::Contents;
use super::tensor::{Lazy, Number, Tensor, row_major};
use bytes::Bytes;
use hdf5_reader::group::Group;
use hdf5_reader::{ByteOrder, Dataset, Datatype, Hdf5File, OpenOptions};

/// The most bytes of an array, or of a piece of one: a kernel of VGG's widest layers in double precision.
const LARGEST: usize = 3 * 3 * 512 * 512 * 8;

/// The most bytes of facts about one array.
const LARGEST_HEADER: usize = 1 << 20;

/// How deep groups may lie in each other. Those of a whole model are at depth 4.
const DEEPEST: usize = 8;

/// The longest name of an array, with the groups around it.
const LONGEST_NAME: usize = 300;

/// The most groups and arrays in a file. VGG-19 with an optimiser's momenta has some 200.
const MOST_MEMBERS: usize = 5000;

/// The tensors in the bytes of an `.h5` file.
///
/// # Errors
/// What is wrong, as a sentence.
pub(super) fn read(bytes: &Bytes) -> Result<Contents, String> {
    // Neither links to other files nor data in them are followed: that is off unless asked for.
    let options = OpenOptions::default()
        .with_chunk_cache_bytes(0)
        .with_max_chunk_bytes(LARGEST)
        .with_max_read_bytes(LARGEST)
        .with_max_object_header_bytes(LARGEST_HEADER);
    let file = Hdf5File::from_owner(bytes.clone(), options).map_err(damaged)?;
    let mut tensors = Vec::new();
    let mut members = 0;
    let mut open = vec![(String::new(), 0, file.root_group().map_err(damaged)?)];
    while let Some((path, depth, group)) = open.pop() {
        let (groups, datasets) = group.members().map_err(damaged)?;
        members += groups.len() + datasets.len();
        if members > MOST_MEMBERS || depth > DEEPEST {
            return Err(
                "damaged: more groups, or deeper in each other, than any network has".to_owned(),
            );
        }
        let names = (groups.iter().map(Group::name)).chain(datasets.iter().map(Dataset::name));
        if path.len() + names.map(str::len).max().unwrap_or(0) > LONGEST_NAME {
            return Err(format!(
                "a name has more than {LONGEST_NAME} letters, which no layer's has"
            ));
        }
        let below = |group: Group| (format!("{path}{}/", group.name()), depth + 1, group);
        open.extend(groups.into_iter().map(below));
        tensors.extend(
            datasets
                .into_iter()
                .filter_map(|dataset| tensor(&path, dataset)),
        );
    }
    Ok(tensors.into())
}

/// An array, unless its edges are too large for any.
fn tensor(path: &str, dataset: Dataset) -> Option<Tensor> {
    let shape: Option<Vec<usize>> = dataset
        .shape()
        .iter()
        .map(|&edge| edge.try_into().ok())
        .collect();
    let shape = shape?;
    Some(Tensor {
        name: format!("{path}{}", dataset.name()),
        strides: row_major(&shape),
        shape,
        number: number(&dataset),
        big_endian: matches!(
            dataset.dtype(),
            Datatype::FloatingPoint {
                byte_order: ByteOrder::BigEndian,
                ..
            }
        ),
        bytes: Lazy::Packed(Box::new(move |_| {
            Ok(dataset.read_raw_bytes().map_err(damaged)?.into())
        })),
    })
}

/// How the elements of an array are read, if they can be weights: by the bits of exponent and mantissa, which follow the eight
/// bytes of class, flags and size in the description of a floating-point type, behind offset, precision and place.
fn number(dataset: &Dataset) -> Result<Number, String> {
    let Datatype::FloatingPoint { size, .. } = dataset.dtype() else {
        return Err("another type".to_owned());
    };
    let description = dataset.raw_datatype().map_err(damaged)?;
    match (size, description.get(13), description.get(15)) {
        (2, Some(5), Some(10)) => Ok(Number::F16),
        (2, Some(8), Some(7)) => Ok(Number::BF16),
        (4, Some(8), Some(23)) => Ok(Number::F32),
        (8, Some(11), Some(52)) => Ok(Number::F64),
        _ => Err(format!("a floating-point type of {size} bytes")),
    }
}

fn damaged(error: hdf5_reader::error::Error) -> String {
    format!("cut short or damaged HDF5 file ({error})")
}
