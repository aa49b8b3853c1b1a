//! Reading a Python pickle without running it.
//!
//! A pickle is a program for a small stack machine, and one of its instructions calls any function of any module. This machine
//! knows the instructions that `torch.save` writes for a dictionary of tensors, and the few names that tensors need; whatever
//! else is asked for is refused by name. The instructions are those of Python's `pickletools`.
//!
//! Objects lie in one list and refer to each other by number, so that neither deep nesting nor a cycle costs anything.

use std::collections::HashMap;

/// The longest pickle that is read, in bytes: that of VGG-19 has 3000. With it grows the most memory that one can take.
pub(super) const LONGEST: usize = 1 << 18;

/// What is wrong with a pickle that ends too early.
const CUT_SHORT: &str = "cut short";

/// The most arguments of a call, and axes of a tensor.
const MOST_ARGUMENTS: usize = 16;

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

/// Reads the pickle at the start of `bytes`.
///
/// # Errors
/// If it is damaged, or asks for anything but tensors in dictionaries.
pub(super) fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine {
        rest: &bytes[..bytes.len().min(LONGEST)],
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        objects: Vec::new(),
    };
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

/// The stack machine.
struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    /// Heights of the stack that MARK has noted.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    objects: Vec<Object>,
}

impl<'a> Machine<'a> {
    /// Runs to the STOP.
    fn run(&mut self) -> Result<Value, String> {
        loop {
            match self.byte()? {
                b'.' => return self.pop(),                           // STOP
                0x80 => self.take(1).map(drop)?,                     // PROTO
                0x95 => self.take(8).map(drop)?,                     // FRAME
                b'(' => self.marks.push(self.stack.len()),           // MARK
                b'0' => self.pop().map(drop)?,                       // POP
                b'N' => self.stack.push(Value::None),                // NONE
                0x88 => self.stack.push(Value::Bool(true)),          // NEWTRUE
                0x89 => self.stack.push(Value::Bool(false)),         // NEWFALSE
                b'K' => self.unsigned(1).map(|n| self.push_int(n))?, // BININT1
                b'M' => self.unsigned(2).map(|n| self.push_int(n))?, // BININT2
                b'J' => {
                    let number = i32::from_le_bytes(*self.chunk()?); // BININT
                    self.stack.push(Value::Int(number.into()));
                }
                0x8a => self.long()?, // LONG1
                b'G' => {
                    self.take(8)?; // BINFLOAT
                    self.stack.push(Value::Number);
                }
                0x8c | b'U' => self.text(1)?, // SHORT_BINUNICODE, SHORT_BINSTRING
                b'X' | b'T' => self.text(4)?, // BINUNICODE, BINSTRING
                b'}' => self.push(Object::Dict(Vec::new())), // EMPTY_DICT
                b']' => self.push(Object::List(Vec::new())), // EMPTY_LIST
                b')' => self.push(Object::Tuple(Vec::new())), // EMPTY_TUPLE
                b't' => {
                    let items = self.since_mark()?; // TUPLE
                    self.push(Object::Tuple(items));
                }
                short @ 0x85..=0x87 => {
                    let count = usize::from(short - 0x84); // TUPLE1, TUPLE2, TUPLE3
                    let items = self.last(count)?;
                    self.push(Object::Tuple(items));
                }
                b's' => {
                    let pair = self.last(2)?; // SETITEM
                    self.set_items(&pair)?;
                }
                b'u' => {
                    let pairs = self.since_mark()?; // SETITEMS
                    self.set_items(&pairs)?;
                }
                b'a' => {
                    let item = self.last(1)?; // APPEND
                    self.append(&item)?;
                }
                b'e' => {
                    let items = self.since_mark()?; // APPENDS
                    self.append(&items)?;
                }
                b'q' => self.unsigned(1).and_then(|key| self.remember(key))?, // BINPUT
                b'r' => self.unsigned(4).and_then(|key| self.remember(key))?, // LONG_BINPUT
                0x94 => self.remember(self.memo.len() as u32)?,               // MEMOIZE
                b'h' => self.unsigned(1).and_then(|key| self.recall(key))?,   // BINGET
                b'j' => self.unsigned(4).and_then(|key| self.recall(key))?,   // LONG_BINGET
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?); // GLOBAL
                    self.name(module, name)?;
                }
                0x93 => self.stack_global()?,
                b'R' => self.reduce()?,
                b'b' => self.build()?,
                b'Q' => self.storage()?, // BINPERSID
                other => {
                    return Err(format!(
                        "the instruction {} is none that tensors need: refused",
                        instruction(other)
                    ));
                }
            }
        }
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.chunk::<1>().map(|&[byte]| byte)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CUT_SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], String> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(CUT_SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number of up to four bytes, the lowest first.
    fn unsigned(&mut self, bytes: usize) -> Result<u32, String> {
        let digits = self.take(bytes)?.iter().rev();
        Ok(digits.fold(0, |number, &digit| number << 8 | u32::from(digit)))
    }

    fn push_int(&mut self, number: u32) {
        self.stack.push(Value::Int(number.into()));
    }

    fn push(&mut self, object: Object) {
        self.stack.push(Value::Object(self.objects.len()));
        self.objects.push(object);
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack
            .pop()
            .ok_or_else(|| "the stack is empty".to_owned())
    }

    /// The last `count` values, taken from the stack.
    fn last(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let from = self
            .stack
            .len()
            .checked_sub(count)
            .ok_or("the stack is empty")?;
        Ok(self.stack.split_off(from))
    }

    /// The values since the last MARK, taken from the stack.
    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or("there is no mark")?))
    }

    /// The object that a value is.
    fn object(&mut self, value: Value) -> Option<&mut Object> {
        match value {
            Value::Object(place) => self.objects.get_mut(place),
            _ => None,
        }
    }

    fn long(&mut self) -> Result<(), String> {
        let length = usize::from(self.byte()?);
        let digits = self.take(length)?;
        self.stack.push(match digits.len() {
            0 => Value::Int(0),
            short @ 1..=8 => {
                let sign = if digits[short - 1] & 0x80 == 0 {
                    0
                } else {
                    0xff
                };
                let mut number = [sign; 8];
                number[..short].copy_from_slice(digits);
                Value::Int(i64::from_le_bytes(number))
            }
            _ => Value::Number,
        });
        Ok(())
    }

    fn text(&mut self, bytes_of_length: usize) -> Result<(), String> {
        let length = self.unsigned(bytes_of_length)? as usize;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Object::Text(text));
        Ok(())
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let end = self
            .rest
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or(CUT_SHORT)?;
        let line = self.take(end + 1)?;
        std::str::from_utf8(&line[..end]).map_err(|_| "a name is no text".to_owned())
    }

    fn remember(&mut self, key: u32) -> Result<(), String> {
        let value = *self.stack.last().ok_or("the stack is empty")?;
        self.memo.insert(key, value);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), String> {
        let value = self
            .memo
            .get(&key)
            .ok_or("nothing was remembered under this number")?;
        self.stack.push(*value);
        Ok(())
    }

    fn set_items(&mut self, items: &[Value]) -> Result<(), String> {
        let (pairs, odd) = items.as_chunks::<2>();
        let target = *self.stack.last().ok_or("the stack is empty")?;
        match self.object(target) {
            Some(Object::Dict(dict)) if odd.is_empty() => {
                dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            _ => Err("items are set of what is no dictionary".to_owned()),
        }
    }

    fn append(&mut self, items: &[Value]) -> Result<(), String> {
        let target = *self.stack.last().ok_or("the stack is empty")?;
        match self.object(target) {
            Some(Object::List(list)) => {
                list.extend(items);
                Ok(())
            }
            _ => Err("items are appended to what is no list".to_owned()),
        }
    }

    fn stack_global(&mut self) -> Result<(), String> {
        let names = self.last(2)?;
        let mut text = |value| match self.object(value) {
            Some(Object::Text(text)) => Ok(text.clone()),
            _ => Err("a name is no text"),
        };
        let (module, name) = (text(names[0])?, text(names[1])?);
        self.name(&module, &name)
    }

    /// GLOBAL: a name, if it is one that tensors need.
    fn name(&mut self, module: &str, name: &str) -> Result<(), String> {
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
    fn reduce(&mut self) -> Result<(), String> {
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
            _ => {
                return Err(format!(
                    "{name:?} is called with {} arguments",
                    arguments.len()
                ));
            }
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
    fn build(&mut self) -> Result<(), String> {
        self.pop()?;
        let target = *self.stack.last().ok_or("the stack is empty")?;
        match self.object(target) {
            Some(Object::Dict(_)) => Ok(()),
            _ => Err("it sets attributes of what is no dictionary".to_owned()),
        }
    }

    /// BINPERSID: the name of a storage, ('storage', type, key, place, count).
    fn storage(&mut self) -> Result<(), String> {
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

/// What `pickletools` calls an instruction that is refused.
fn instruction(code: u8) -> String {
    let name = match code {
        b'i' => "INST",
        b'o' => "OBJ",
        0x81 => "NEWOBJ",
        0x92 => "NEWOBJ_EX",
        0x82..=0x84 => "EXT",
        b'P' => "PERSID",
        b'I' => "INT",
        b'L' => "LONG",
        0x8b => "LONG4",
        b'F' => "FLOAT",
        b'S' => "STRING",
        b'V' => "UNICODE",
        0x8d => "BINUNICODE8",
        b'B' => "BINBYTES",
        b'C' => "SHORT_BINBYTES",
        0x8e => "BINBYTES8",
        0x96 => "BYTEARRAY8",
        b'd' => "DICT",
        b'l' => "LIST",
        b'p' => "PUT",
        b'g' => "GET",
        b'1' => "POP_MARK",
        b'2' => "DUP",
        0x8f..=0x91 => "of sets",
        0x97 | 0x98 => "of buffers",
        _ => return format!("{code:#04x}"),
    };
    name.to_owned()
}
