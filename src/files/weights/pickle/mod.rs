//! Reading a Python pickle without executing it.
//!
//! A pickle is a program for a small stack machine; one of its instructions calls any function of any module. The machine here
//! knows only the instructions that `torch.save` writes for a dictionary of tensors, and the few functions that tensors need.
//! It refuses everything else and names it in the message. The instructions are documented in Python's `pickletools`.
//!
//! Objects are stored in one list and refer to each other by index, so deep nesting and cycles are harmless.

mod machine;
mod torch;

use super::ReadError;
use machine::Machine;
use thiserror::Error;

/// The longest pickle that is read, in bytes. That of VGG-19 has 3000. This also limits the memory that a pickle can take.
pub(super) const MAX_LENGTH: usize = 1 << 18;

/// The longest key of a storage, and the longest name of a tensor with the dictionaries around it, in bytes.
const MAX_NAME: usize = 200;

/// The most tensors in a pickle.
const MAX_TENSORS: usize = 10_000;

/// Why a pickle cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum PickleError {
    #[error("cut short")]
    CutShort,
    #[error("{0}")]
    Damaged(&'static str),
    /// An instruction or a name that tensors do not need.
    #[error("{0}")]
    Refused(String),
}

/// A value on the machine's stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// A number that no tensor needs: a float, or an integer of more than eight bytes.
    OtherNumber,
    /// The index of an object.
    Object(usize),
}

#[derive(Debug)]
pub(super) enum Object {
    Text(String),
    Tuple(Vec<Value>),
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Global(Global),
    Storage(Box<Storage>),
    Tensor(Box<StridedTensor>),
}

/// The classes and functions that are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    /// A class of storages; `Float` for `torch.FloatStorage`.
    Storage(&'static str),
}

/// Elements that are stored elsewhere in the file.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    /// The element type, `Float`.
    pub kind: &'static str,
    pub key: String,
    /// The number of elements.
    pub count: usize,
}

/// A view of a storage. Offset and strides are in elements.
#[derive(Clone, Debug)]
pub(super) struct StridedTensor {
    pub storage: Storage,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// The result of a pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    /// The value that the pickle returns.
    pub top: Value,
    objects: Vec<Object>,
    /// The number of bytes that were read.
    pub length: usize,
}

/// Reads the pickle at the start of `bytes`.
///
/// # Errors
/// If the pickle is damaged, or contains more than tensors in dictionaries.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, ReadError> {
    let mut machine = Machine::new(&bytes[..bytes.len().min(MAX_LENGTH)]);
    let available = machine.rest.len();
    let result = machine.run();
    let length = available - machine.rest.len();
    match result {
        Ok(top) => Ok(Pickle {
            top,
            objects: machine.objects,
            length,
        }),
        Err(PickleError::CutShort) if available == MAX_LENGTH && machine.rest.len() < 8 => {
            Err(ReadError::Unsupported(format!(
                "its pickle has more than {MAX_LENGTH} bytes; save only the state_dict()"
            )))
        }
        Err(error) => {
            let message = format!("pickle, at byte {length}: {error}");
            Err(match error {
                PickleError::CutShort | PickleError::Damaged(_) => ReadError::Damaged(message),
                PickleError::Refused(_) => ReadError::Unsupported(message),
            })
        }
    }
}

impl Pickle {
    /// The object that a value refers to.
    pub fn object(&self, value: Value) -> Option<&Object> {
        match value {
            Value::Object(index) => self.objects.get(index),
            _ => None,
        }
    }

    /// The text that a value refers to.
    pub fn text(&self, value: Value) -> Option<&str> {
        match self.object(value) {
            Some(Object::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// All storages, including those that no tensor uses.
    pub fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.objects.iter().filter_map(|object| match object {
            Object::Storage(storage) => Some(storage.as_ref()),
            _ => None,
        })
    }

    /// The tensors in the dictionary on top and in the dictionaries inside it. Their names are the keys, joined by dots.
    pub fn tensors(&self) -> Vec<(String, &StridedTensor)> {
        let mut found = Vec::new();
        let mut is_visited = vec![false; self.objects.len()];
        let mut pending = vec![(String::new(), self.top)];
        while let Some((prefix, dict)) = pending.pop() {
            let (Value::Object(index), Some(Object::Dict(pairs))) = (dict, self.object(dict))
            else {
                continue;
            };
            // A dictionary may contain itself.
            if std::mem::replace(&mut is_visited[index], true) {
                continue;
            }
            for &(key, value) in pairs {
                let Some(key) = self.text(key) else {
                    continue;
                };
                if prefix.len() + key.len() > MAX_NAME || found.len() + pending.len() >= MAX_TENSORS
                {
                    continue;
                }
                let name = || format!("{prefix}{key}");
                match self.object(value) {
                    Some(Object::Tensor(tensor)) => found.push((name(), tensor.as_ref())),
                    Some(Object::Dict(_)) => pending.push((name() + ".", value)),
                    _ => {}
                }
            }
        }
        found
    }
}
