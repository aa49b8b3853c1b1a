//! What `torch.save` writes: a pickle of a dictionary of tensors, and their numbers beside it.
//!
//! Since PyTorch 1.6 (2020) that is a zip archive with `data.pkl` and a file for each storage; before, five pickles in a row (a
//! number that marks the format, its version, the machine's facts, the dictionary, the storages' names) and the storages
//! behind them, each after the count of its elements. torchvision's VGG files are of the older kind.

use super::contents::Contents;
use super::pickle::{self, Object, Storage, StridedTensor, Value};
use super::tensor::{Lazy, Number, Tensor};
use super::zip_file;
use bytes::{Buf, Bytes};
use std::collections::HashMap;

/// The tensors in the bytes of a `.pth` file.
///
/// # Errors
/// What is wrong, as a sentence.
pub(super) fn read(bytes: &Bytes) -> Result<Contents, String> {
    match bytes.starts_with(b"PK") {
        true => zipped(bytes),
        false => in_a_row(bytes),
    }
}

fn zipped(bytes: &Bytes) -> Result<Contents, String> {
    let mut archive = zip_file::open(bytes)?;
    let dictionary = (archive.file_names())
        .filter_map(|name| Some(name.ok()?.into_owned()))
        .find(|name| name == "data.pkl" || name.ends_with("/data.pkl"))
        .ok_or("there is no data.pkl in the archive")?;
    let folder = dictionary.trim_end_matches("data.pkl").to_owned();
    let order = format!("{folder}byteorder");
    let big_endian = archive.index_for_name(&order).is_some()
        && zip_file::read(&mut archive, &order, 0, 8)?.starts_with(b"big");
    let pickle = pickle::read(&zip_file::read(
        &mut archive,
        &dictionary,
        0,
        pickle::LONGEST,
    )?)?;
    let tensors = pickle.tensors().into_iter().map(|(name, tensor)| {
        let mut archive = archive.clone();
        let file = format!("{folder}data/{}", tensor.storage.key);
        view(name, tensor, big_endian, |begin| {
            Lazy::Packed(Box::new(move |needed| {
                zip_file::read(&mut archive, &file, begin, needed)
            }))
        })
    });
    Ok(tensors.collect::<Vec<_>>().into())
}

fn in_a_row(bytes: &Bytes) -> Result<Contents, String> {
    let mut rest = bytes.clone();
    let mut next = || {
        let pickle = pickle::read(&rest)?;
        rest.advance(pickle.length);
        Ok::<_, String>(pickle)
    };
    next()?; // the number that Format::of knows
    let version = next()?.top;
    if version != Value::Int(1001) {
        return Err("this version of PyTorch's older format is not known".to_owned());
    }
    let machine = next()?;
    if let Some(Object::Dict(facts)) = machine.object(machine.top)
        && (facts.iter()).any(|&(key, value)| {
            machine.text(key) == Some("little_endian") && value == Value::Bool(false)
        })
    {
        return Err(
            "saved on a big-endian machine in PyTorch's older format, which is not read".to_owned(),
        );
    }
    let pickle = next()?;
    let keys = next()?;
    let Some(Object::List(list)) = keys.object(keys.top) else {
        return Err("damaged: there is no list of storages".to_owned());
    };
    let named: HashMap<&str, &Storage> = (pickle.storages())
        .map(|storage| (storage.key.as_str(), storage))
        .collect();
    let mut storages = HashMap::new();
    for &key in list {
        let key = keys
            .text(key)
            .ok_or("damaged: a storage's name is no text")?;
        let storage = named
            .get(key)
            .ok_or("damaged: a storage is not in the list")?;
        let length = (storage.count.checked_mul(element_size(storage.kind)))
            .filter(|&length| length <= rest.len().saturating_sub(8))
            .ok_or_else(|| format!("cut short: storage {key} is not all there"))?;
        let count = rest.get_u64_le();
        if count != storage.count as u64 {
            return Err(format!(
                "damaged: storage {key} has {count} elements and {} in the list",
                storage.count
            ));
        }
        storages.insert(key, rest.split_to(length));
    }
    let tensors = pickle.tensors().into_iter().filter_map(|(name, tensor)| {
        let storage = storages.get(tensor.storage.key.as_str())?;
        Some(view(name, tensor, false, |begin| {
            Lazy::Ready(storage.slice(begin.min(storage.len())..))
        }))
    });
    Ok(tensors.collect::<Vec<_>>().into())
}

/// A tensor; `bytes` gives those of its storage from a place on.
fn view(
    name: String,
    tensor: &StridedTensor,
    big_endian: bool,
    bytes: impl FnOnce(usize) -> Lazy,
) -> Tensor {
    // What begins beyond all memory will be found to be cut short.
    let begin = tensor
        .offset
        .saturating_mul(element_size(tensor.storage.kind));
    Tensor {
        name,
        shape: tensor.shape.clone(),
        strides: tensor.strides.clone(),
        number: number(tensor.storage.kind),
        big_endian,
        bytes: bytes(begin),
    }
}

/// How the elements of a storage are read, if they can be weights.
fn number(kind: &str) -> Result<Number, String> {
    match kind {
        "Float" => Ok(Number::F32),
        "Half" => Ok(Number::F16),
        "BFloat16" => Ok(Number::BF16),
        "Double" => Ok(Number::F64),
        other => Err(format!("{other}Storage")),
    }
}

/// Bytes of an element of any storage.
fn element_size(kind: &str) -> usize {
    match kind {
        "Byte" | "Char" | "Bool" => 1,
        "Half" | "BFloat16" | "Short" => 2,
        "Float" | "Int" => 4,
        "ComplexDouble" => 16,
        _ => 8, // Double, Long, ComplexFloat
    }
}
