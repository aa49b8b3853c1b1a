//! What `torch.save` writes: a pickle of a dictionary of tensors, and their elements in storages beside it.
//!
//! Since PyTorch 1.6 (2020) the file is a zip archive with `data.pkl` and a file per storage. Before, it was a sequence of five
//! pickles (a magic number, the version, facts about the machine, the dictionary, the keys of the storages), followed by the
//! storages, each after its number of elements. Torchvision's VGG files have the older format.

use super::contents::Contents;
use super::pickle::{self, Object, Pickle, Storage, StridedTensor, Value};
use super::tensor::{Data, ElementType, Tensor, UnsupportedElement};
use super::{ReadError, zip_file};
use bytes::{Buf, Bytes};
use std::collections::HashMap;

/// The version of the older format.
const LEGACY_VERSION: i64 = 1001;

/// Lists the tensors in the bytes of a `.pth` file.
///
/// # Errors
/// If the file is damaged, or its pickle contains more than tensors in dictionaries.
pub(super) fn read(bytes: &Bytes) -> Result<Contents, ReadError> {
    if bytes.starts_with(b"PK") {
        read_zip(bytes)
    } else {
        read_legacy(bytes)
    }
}

fn read_zip(bytes: &Bytes) -> Result<Contents, ReadError> {
    let mut archive = zip_file::open(bytes)?;
    let dictionary = (archive.file_names())
        .filter_map(|name| Some(name.ok()?.into_owned()))
        .find(|name| name == "data.pkl" || name.ends_with("/data.pkl"))
        .ok_or_else(|| ReadError::damaged("there is no data.pkl in the archive"))?;
    let folder = dictionary.trim_end_matches("data.pkl").to_owned();
    let order = format!("{folder}byteorder");
    let big_endian = archive.index_for_name(&order).is_some()
        && zip_file::read(&mut archive, &order, 0, 8)?.starts_with(b"big");
    let program = zip_file::read(&mut archive, &dictionary, 0, pickle::MAX_LENGTH)?;
    let pickle = pickle::read(&program)?;
    let tensors = pickle.tensors().into_iter().map(|(name, tensor)| {
        let mut archive = archive.clone();
        let file = format!("{folder}data/{}", tensor.storage.key);
        view(name, tensor, big_endian, |begin| {
            Data::Deferred(Box::new(move |needed| {
                zip_file::read(&mut archive, &file, begin, needed)
            }))
        })
    });
    Ok(tensors.collect::<Vec<_>>().into())
}

fn read_legacy(bytes: &Bytes) -> Result<Contents, ReadError> {
    let mut rest = bytes.clone();
    let mut next_pickle = || -> Result<Pickle, ReadError> {
        let pickle = pickle::read(&rest)?;
        rest.advance(pickle.length);
        Ok(pickle)
    };
    next_pickle()?; // the magic number, by which the format was detected
    if next_pickle()?.top != Value::Int(LEGACY_VERSION) {
        return Err(ReadError::unsupported(
            "this version of PyTorch's older format is not known",
        ));
    }
    if is_big_endian(&next_pickle()?) {
        return Err(ReadError::unsupported(
            "saved on a big-endian machine in PyTorch's older format, which cannot be read",
        ));
    }
    let pickle = next_pickle()?;
    let keys = next_pickle()?;
    let storages = legacy_storages(rest, &pickle, &keys)?;
    let tensors = pickle.tensors().into_iter().filter_map(|(name, tensor)| {
        let storage = storages.get(tensor.storage.key.as_str())?;
        Some(view(name, tensor, false, |begin| {
            Data::Ready(storage.slice(begin.min(storage.len())..))
        }))
    });
    Ok(tensors.collect::<Vec<_>>().into())
}

/// Whether a file of the older format was written on a big-endian machine. `machine` is its third pickle.
fn is_big_endian(machine: &Pickle) -> bool {
    match machine.object(machine.top) {
        Some(Object::Dict(facts)) => facts.iter().any(|&(key, value)| {
            machine.text(key) == Some("little_endian") && value == Value::Bool(false)
        }),
        _ => false,
    }
}

/// The bytes of each storage, by its key. They are in `bytes` in the order of the list `keys`; the `pickle` of the dictionary
/// says how long each one is.
fn legacy_storages<'a>(
    mut bytes: Bytes,
    pickle: &Pickle,
    keys: &'a Pickle,
) -> Result<HashMap<&'a str, Bytes>, ReadError> {
    let Some(Object::List(list)) = keys.object(keys.top) else {
        return Err(ReadError::damaged("damaged: there is no list of storages"));
    };
    let known: HashMap<&str, &Storage> = (pickle.storages())
        .map(|storage| (storage.key.as_str(), storage))
        .collect();
    let mut storages = HashMap::new();
    for &key in list {
        let key = (keys.text(key))
            .ok_or_else(|| ReadError::damaged("damaged: the key of a storage is not text"))?;
        let storage = (known.get(key)).ok_or_else(|| {
            ReadError::damaged("damaged: the list of storages has an unknown key")
        })?;
        let length = (storage.count.checked_mul(element_size(storage.kind)))
            .filter(|&length| length <= bytes.len().saturating_sub(8))
            .ok_or_else(|| ReadError::Damaged(format!("cut short: storage {key} is incomplete")))?;
        let count = bytes.get_u64_le();
        if count != storage.count as u64 {
            return Err(ReadError::Damaged(format!(
                "damaged: storage {key} has {count} elements, but the pickle says {}",
                storage.count
            )));
        }
        storages.insert(key, bytes.split_to(length));
    }
    Ok(storages)
}

/// A tensor. `data` returns the bytes of its storage from a position on.
fn view(
    name: String,
    tensor: &StridedTensor,
    big_endian: bool,
    data: impl FnOnce(usize) -> Data,
) -> Tensor {
    // A position that is too large is found later, when the bytes are counted.
    let begin = (tensor.offset).saturating_mul(element_size(tensor.storage.kind));
    Tensor {
        name,
        shape: tensor.shape.clone(),
        strides: tensor.strides.clone(),
        element: element_type(tensor.storage.kind),
        big_endian,
        data: data(begin),
    }
}

/// The type of a storage's elements.
fn element_type(kind: &str) -> Result<ElementType, UnsupportedElement> {
    match kind {
        "Float" => Ok(ElementType::F32),
        "Half" => Ok(ElementType::F16),
        "BFloat16" => Ok(ElementType::BF16),
        "Double" => Ok(ElementType::F64),
        other => Err(UnsupportedElement(format!("{other}Storage"))),
    }
}

/// The size of an element of any storage, in bytes.
fn element_size(kind: &str) -> usize {
    match kind {
        "Byte" | "Char" | "Bool" => 1,
        "Half" | "BFloat16" | "Short" => 2,
        "Float" | "Int" => 4,
        "ComplexDouble" => 16,
        _ => 8, // Double, Long, ComplexFloat
    }
}
