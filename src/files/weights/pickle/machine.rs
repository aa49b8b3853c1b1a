//! The stack machine: its instructions, but for those that name and call things.

use super::{CUT_SHORT, Object, Value};
use std::collections::HashMap;

/// The stack machine.
pub(super) struct Machine<'a> {
    /// What is still to be run.
    pub rest: &'a [u8],
    pub(super) stack: Vec<Value>,
    /// Heights of the stack that MARK has noted.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    pub objects: Vec<Object>,
}

impl<'a> Machine<'a> {
    /// A machine for this program.
    pub fn new(program: &'a [u8]) -> Self {
        Self {
            rest: program,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            objects: Vec::new(),
        }
    }

    /// Runs to the STOP.
    pub fn run(&mut self) -> Result<Value, String> {
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

    pub(super) fn push(&mut self, object: Object) {
        self.stack.push(Value::Object(self.objects.len()));
        self.objects.push(object);
    }

    pub(super) fn pop(&mut self) -> Result<Value, String> {
        self.stack
            .pop()
            .ok_or_else(|| "the stack is empty".to_owned())
    }

    /// The last `count` values, taken from the stack.
    pub(super) fn last(&mut self, count: usize) -> Result<Vec<Value>, String> {
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
    pub(super) fn object(&mut self, value: Value) -> Option<&mut Object> {
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
