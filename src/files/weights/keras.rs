//! Keras' weights: an HDF5 file with a group per layer. Its kernel and bias are datasets in that group.

use super::ReadError;
use super::contents::Contents;
use super::tensor::{Data, ElementType, Tensor, UnsupportedElement, row_major};
use bytes::Bytes;
use hdf5_reader::group::Group;
use hdf5_reader::{ByteOrder, Dataset, Datatype, Hdf5File, OpenOptions};

/// The largest dataset or chunk that is read, in bytes: VGG's largest kernel in double precision.
const MAX_DATASET: usize = 3 * 3 * 512 * 512 * 8;

/// The largest object header, in bytes.
const MAX_HEADER: usize = 1 << 20;

/// How deep groups may be nested. Those of a whole model have depth 4.
const MAX_DEPTH: usize = 8;

/// The longest name of a dataset, including its groups, in bytes.
const MAX_NAME: usize = 300;

/// The most groups and datasets in a file. VGG-19 with an optimizer's momenta has about 200.
const MAX_MEMBERS: usize = 5000;

/// Lists the tensors in the bytes of an `.h5` file.
///
/// # Errors
/// If the file is damaged, or exceeds one of the limits above.
pub(super) fn read(bytes: &Bytes) -> Result<Contents, ReadError> {
    // By default, the crate does not follow links to other files.
    let options = OpenOptions::default()
        .with_chunk_cache_bytes(0)
        .with_max_chunk_bytes(MAX_DATASET)
        .with_max_read_bytes(MAX_DATASET)
        .with_max_object_header_bytes(MAX_HEADER);
    let file = Hdf5File::from_owner(bytes.clone(), options).map_err(damaged)?;
    let mut tensors = Vec::new();
    let mut members = 0;
    let mut pending = vec![(String::new(), 0, file.root_group().map_err(damaged)?)];
    while let Some((path, depth, group)) = pending.pop() {
        let (groups, datasets) = group.members().map_err(damaged)?;
        members += groups.len() + datasets.len();
        if members > MAX_MEMBERS || depth > MAX_DEPTH {
            return Err(ReadError::damaged(
                "damaged: more groups than any network has, or nested deeper",
            ));
        }
        let names = (groups.iter().map(Group::name)).chain(datasets.iter().map(Dataset::name));
        if path.len() + names.map(str::len).max().unwrap_or(0) > MAX_NAME {
            return Err(ReadError::Damaged(format!(
                "damaged: a name has more than {MAX_NAME} bytes"
            )));
        }
        let with_path = |group: Group| (format!("{path}{}/", group.name()), depth + 1, group);
        pending.extend(groups.into_iter().map(with_path));
        tensors.extend(
            datasets
                .into_iter()
                .filter_map(|dataset| tensor(&path, dataset)),
        );
    }
    Ok(tensors.into())
}

/// A dataset as a tensor; `None` if its shape does not fit into `usize`.
fn tensor(path: &str, dataset: Dataset) -> Option<Tensor> {
    let shape: Option<Vec<usize>> = dataset
        .shape()
        .iter()
        .map(|&length| length.try_into().ok())
        .collect();
    let shape = shape?;
    Some(Tensor {
        name: format!("{path}{}", dataset.name()),
        strides: row_major(&shape),
        shape,
        element: element_type(&dataset),
        big_endian: matches!(
            dataset.dtype(),
            Datatype::FloatingPoint {
                byte_order: ByteOrder::BigEndian,
                ..
            }
        ),
        data: Data::Deferred(Box::new(move |_| {
            Ok(dataset.read_raw_bytes().map_err(damaged)?.into())
        })),
    })
}

/// The type of a dataset's elements.
///
/// The crate reports only the size of a floating-point type. The widths of exponent and mantissa are bytes 13 and 15 of the
/// type's description (HDF5 File Format Specification, section IV.A.2.d).
fn element_type(dataset: &Dataset) -> Result<ElementType, UnsupportedElement> {
    let Datatype::FloatingPoint { size, .. } = dataset.dtype() else {
        return Err(UnsupportedElement("another type".to_owned()));
    };
    let description = dataset
        .raw_datatype()
        .map_err(|error| UnsupportedElement(damaged(error).to_string()))?;
    match (size, description.get(13), description.get(15)) {
        (2, Some(5), Some(10)) => Ok(ElementType::F16),
        (2, Some(8), Some(7)) => Ok(ElementType::BF16),
        (4, Some(8), Some(23)) => Ok(ElementType::F32),
        (8, Some(11), Some(52)) => Ok(ElementType::F64),
        _ => Err(UnsupportedElement(format!(
            "a floating-point type of {size} bytes"
        ))),
    }
}

fn damaged(error: hdf5_reader::error::Error) -> ReadError {
    ReadError::Damaged(format!("cut short or damaged HDF5 file ({error})"))
}
