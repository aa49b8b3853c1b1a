//! Reading a Python pickle without running it.
//!
//! A pickle is a program for a small stack machine, and one of its instructions calls any function of any module. This machine
//! knows the instructions that `torch.save` writes for a dictionary of tensors, and the few names that tensors need; whatever
//! else is asked for is refused by name. The instructions are those of Python's `pickletools`.
//!
//! Objects lie in one list and refer to each other by number, so that neither deep nesting nor a cycle costs anything.

mod machine;
mod torch;

use machine::Machine;

/// The longest pickle that is read, in bytes: that of VGG-19 has 3000. With it grows the most memory that one can take.
pub(super) const LONGEST: usize = 1 << 18;

/// What is wrong with a pickle that ends too early.
const CUT_SHORT: &str = "cut short";

/// The longest name of a storage, and of a tensor with the dictionaries around it.
const LONGEST_NAME: usize = 200;

/// The most tensors in a pickle.
const MOST_TENSORS: usize = 10_000;

/// A value on the machine's stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// A number that no tensor needs.
    Number,
    Object(usize),
}

/// What a value refers to.
#[derive(Debug)]
pub(super) enum Object {
    Text(String),
    Tuple(Vec<Value>),
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Name(Name),
    Storage(Box<Storage>),
    Tensor(Box<StridedTensor>),
}

/// The names that are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Name {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    /// `torch.FloatStorage`, with the name of the type.
    Storage(&'static str),
}

/// Numbers that lie elsewhere in the file.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    /// `Float`
    pub kind: &'static str,
    pub key: String,
    /// How many there are.
    pub count: usize,
}

/// A view of a storage; lengths in elements.
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
    pub top: Value,
    objects: Vec<Object>,
    /// How many bytes it had.
    pub length: usize,
}

/// Reads the pickle at the start of `bytes`.
///
/// # Errors
/// If it is damaged, or asks for anything but tensors in dictionaries.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine::new(&bytes[..bytes.len().min(LONGEST)]);
    let whole = machine.rest.len();
    let top = machine.run().map_err(|trouble| {
        let at = whole - machine.rest.len();
        if whole == LONGEST && machine.rest.len() < 8 && trouble == CUT_SHORT {
            return format!(
                "its pickle has more than {LONGEST} bytes; save the state_dict() alone"
            );
        }
        format!("pickle, at byte {at}: {trouble}")
    })?;
    Ok(Pickle {
        top,
        length: whole - machine.rest.len(),
        objects: machine.objects,
    })
}

impl Pickle {
    /// What a value refers to.
    pub fn object(&self, value: Value) -> Option<&Object> {
        match value {
            Value::Object(place) => self.objects.get(place),
            _ => None,
        }
    }

    /// The text that a value is.
    pub fn text(&self, value: Value) -> Option<&str> {
        match self.object(value) {
            Some(Object::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The storages that it names, whoever needs them.
    pub fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.objects.iter().filter_map(|object| match object {
            Object::Storage(storage) => Some(storage.as_ref()),
            _ => None,
        })
    }

    /// The tensors in the dictionary on top and in dictionaries in it, their names joined by dots.
    pub fn tensors(&self) -> Vec<(String, &StridedTensor)> {
        let mut found = Vec::new();
        let mut seen = vec![false; self.objects.len()];
        let mut open = vec![(String::new(), self.top)];
        while let Some((prefix, dict)) = open.pop() {
            let (Value::Object(place), Some(Object::Dict(pairs))) = (dict, self.object(dict))
            else {
                continue;
            };
            // A dictionary may be in itself.
            if std::mem::replace(&mut seen[place], true) {
                continue;
            }
            for &(key, value) in pairs {
                let Some(key) = self.text(key) else {
                    continue;
                };
                let name = || format!("{prefix}{key}");
                if prefix.len() + key.len() > LONGEST_NAME
                    || found.len() + open.len() >= MOST_TENSORS
                {
                    continue;
                }
                match self.object(value) {
                    Some(Object::Tensor(tensor)) => found.push((name(), tensor.as_ref())),
                    Some(Object::Dict(_)) => open.push((name() + ".", value)),
                    _ => {}
                }
            }
        }
        found
    }
}
