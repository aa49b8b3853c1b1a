//! The names that tensors need, and what it means to call them.

use super::machine::Machine;
use super::{LONGEST_NAME, Name, Object, Storage, StridedTensor, Value};

/// The most arguments of a call, and axes of a tensor.
const MOST_ARGUMENTS: usize = 16;

/// The types of storages, and of tensors that are let be.
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
    /// GLOBAL: a name, if it is one that tensors need.
    pub(super) fn name(&mut self, module: &str, name: &str) -> Result<(), String> {
        let storage = |name: &str| {
            let kind = name.strip_suffix("Storage")?;
            STORAGES.into_iter().find(|known| *known == kind)
        };
        let known = match (module, name) {
            ("collections", "OrderedDict") => Name::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Name::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Name::RebuildParameter,
            ("torch", name) if let Some(kind) = storage(name) => Name::Storage(kind),
            _ => {
                return Err(format!(
                    "it asks for {module}.{name}, which weights do not need: refused; if this is a checkpoint or a \
                     whole model, save its state_dict() alone"
                ));
            }
        };
        self.push(Object::Name(known));
        Ok(())
    }

    /// REDUCE: the call of a known name.
    pub(super) fn reduce(&mut self) -> Result<(), String> {
        let call = self.last(2)?;
        let Some(&mut Object::Name(name)) = self.object(call[0]) else {
            return Err("it calls what is no function".to_owned());
        };
        let arguments = match self.object(call[1]) {
            Some(Object::Tuple(arguments)) if arguments.len() <= MOST_ARGUMENTS => {
                arguments.clone()
            }
            _ => return Err("it calls a function without a tuple of a few arguments".to_owned()),
        };
        match (name, arguments.as_slice()) {
            (Name::OrderedDict, []) => self.push(Object::Dict(Vec::new())),
            (Name::OrderedDict, &[pairs]) => {
                let dict = self
                    .pairs(pairs)
                    .ok_or("a dictionary is made of what is no list of pairs")?;
                self.push(Object::Dict(dict));
            }
            (Name::RebuildTensor, &[storage, offset, shape, strides, ..]) => {
                let tensor = self
                    .tensor(storage, offset, shape, strides)
                    .ok_or("a tensor is made of other things than numbers")?;
                self.push(Object::Tensor(Box::new(tensor)));
            }
            (Name::RebuildParameter, &[tensor, ..]) => self.stack.push(tensor),
            _ => return Err("a function is called with other arguments than it has".to_owned()),
        }
        Ok(())
    }

    /// The pairs in a list, which is empty afterwards.
    fn pairs(&mut self, list: Value) -> Option<Vec<(Value, Value)>> {
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
            Some(Object::Tuple(values)) if values.len() <= MOST_ARGUMENTS => {
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

    /// BUILD: a dictionary's own attributes, which are let be.
    pub(super) fn build(&mut self) -> Result<(), String> {
        self.pop()?;
        let target = *self.stack.last().ok_or("the stack is empty")?;
        match self.object(target) {
            Some(Object::Dict(_)) => Ok(()),
            _ => Err("it sets attributes of what is no dictionary".to_owned()),
        }
    }

    /// BINPERSID: the name of a storage, ('storage', type, key, place, count).
    pub(super) fn storage(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let storage = self
            .storage_of(id)
            .ok_or("an object that lies elsewhere and is no whole storage")?;
        self.push(Object::Storage(Box::new(storage)));
        Ok(())
    }

    fn storage_of(&mut self, id: Value) -> Option<Storage> {
        let Some(Object::Tuple(id)) = self.object(id) else {
            return None;
        };
        // Older files have a sixth value: None, or which part of another storage this one is.
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
        let Some(&mut Object::Name(Name::Storage(kind))) = self.object(kind) else {
            return None;
        };
        let key = match self.object(key) {
            Some(Object::Text(key)) if key.len() <= LONGEST_NAME => key.clone(),
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
