//! The functions and classes that tensors need, and what calling them does.

use super::PickleError::{self, Damaged, Refused};
use super::machine::Machine;
use super::{Global, MAX_NAME, Object, Storage, StridedTensor, Value};

/// The most arguments of a call, and the most axes of a tensor.
const MAX_ARGUMENTS: usize = 16;

/// The types of storages. Tensors of types that weights do not have are listed and then ignored.
const STORAGES: [&str; 12] = [
    "Float",
    "Half",
    "BFloat16",
    "Double",
    "Long",
    "Int",
    "Short",
    "Char",
    "Byte",
    "Bool",
    "ComplexFloat",
    "ComplexDouble",
];

impl Machine<'_> {
    /// GLOBAL: pushes a function or class, if it is one that tensors need.
    pub(super) fn push_global(&mut self, module: &str, name: &str) -> Result<(), PickleError> {
        let storage = |name: &str| {
            let kind = name.strip_suffix("Storage")?;
            STORAGES.into_iter().find(|known| *known == kind)
        };
        let global = match (module, name) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
            ("torch", name) if let Some(kind) = storage(name) => Global::Storage(kind),
            _ => {
                return Err(Refused(format!(
                    "it asks for {module}.{name}, which weights do not need, and is refused; if this is a checkpoint or a \
                     whole model, save only its state_dict()"
                )));
            }
        };
        self.push(Object::Global(global));
        Ok(())
    }

    /// REDUCE: calls a function.
    pub(super) fn reduce(&mut self) -> Result<(), PickleError> {
        let call = self.pop_last(2)?;
        let Some(&mut Object::Global(function)) = self.object(call[0]) else {
            return Err(Damaged("it calls something that is not a function"));
        };
        let arguments = match self.object(call[1]) {
            Some(Object::Tuple(arguments)) if arguments.len() <= MAX_ARGUMENTS => arguments.clone(),
            _ => return Err(Damaged("the arguments of a call are not a short tuple")),
        };
        match (function, arguments.as_slice()) {
            (Global::OrderedDict, []) => self.push(Object::Dict(Vec::new())),
            (Global::OrderedDict, &[pairs]) => {
                let dict = (self.take_pairs(pairs))
                    .ok_or(Damaged("a dictionary is not made of a list of pairs"))?;
                self.push(Object::Dict(dict));
            }
            (Global::RebuildTensor, &[storage, offset, shape, strides, ..]) => {
                let tensor = (self.tensor(storage, offset, shape, strides))
                    .ok_or(Damaged("a tensor is not made of a storage and numbers"))?;
                self.push(Object::Tensor(Box::new(tensor)));
            }
            (Global::RebuildParameter, &[tensor, ..]) => self.stack.push(tensor),
            _ => return Err(Damaged("a function is called with wrong arguments")),
        }
        Ok(())
    }

    /// Moves the pairs out of a list.
    fn take_pairs(&mut self, list: Value) -> Option<Vec<(Value, Value)>> {
        let Some(Object::List(list)) = self.object(list) else {
            return None;
        };
        let pairs = std::mem::take(list);
        (pairs.into_iter())
            .map(|pair| match self.object(pair) {
                Some(Object::Tuple(pair) | Object::List(pair)) => match pair[..] {
                    [key, value] => Some((key, value)),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    fn tensor(
        &mut self,
        storage: Value,
        offset: Value,
        shape: Value,
        strides: Value,
    ) -> Option<StridedTensor> {
        let Some(Object::Storage(storage)) = self.object(storage) else {
            return None;
        };
        let storage = Storage::clone(storage);
        let mut lengths = |value| match self.object(value) {
            Some(Object::Tuple(values)) if values.len() <= MAX_ARGUMENTS => {
                values.iter().copied().map(length).collect()
            }
            _ => None,
        };
        let (shape, strides): (Vec<_>, Vec<_>) = (lengths(shape)?, lengths(strides)?);
        (shape.len() == strides.len()).then_some(StridedTensor {
            storage,
            offset: length(offset)?,
            shape,
            strides,
        })
    }

    /// BUILD: sets attributes of an object. Those of a dictionary are ignored.
    pub(super) fn build(&mut self) -> Result<(), PickleError> {
        self.pop()?;
        let target = self.top()?;
        match self.object(target) {
            Some(Object::Dict(_)) => Ok(()),
            _ => Err(Damaged("attributes are set, but not of a dictionary")),
        }
    }

    /// BINPERSID: a reference to a storage, ('storage', type, key, device, number of elements).
    pub(super) fn persistent_id(&mut self) -> Result<(), PickleError> {
        let id = self.pop()?;
        let storage = self
            .storage(id)
            .ok_or(Damaged("a persistent id is not that of a whole storage"))?;
        self.push(Object::Storage(Box::new(storage)));
        Ok(())
    }

    fn storage(&mut self, id: Value) -> Option<Storage> {
        let Some(Object::Tuple(id)) = self.object(id) else {
            return None;
        };
        // Older files have a sixth value: None, or which part of another storage this is.
        let (tag, kind, key, count) = match id[..] {
            [tag, kind, key, _, count] | [tag, kind, key, _, count, Value::None] => {
                (tag, kind, key, count)
            }
            _ => return None,
        };
        let Some(Object::Text(tag)) = self.object(tag) else {
            return None;
        };
        if tag != "storage" {
            return None;
        }
        let Some(&mut Object::Global(Global::Storage(kind))) = self.object(kind) else {
            return None;
        };
        let key = match self.object(key) {
            Some(Object::Text(key)) if key.len() <= MAX_NAME => key.clone(),
            _ => return None,
        };
        Some(Storage {
            kind,
            key,
            count: length(count)?,
        })
    }
}

/// A length or an offset.
fn length(value: Value) -> Option<usize> {
    match value {
        Value::Int(number) => number.try_into().ok(),
        _ => None,
    }
}
