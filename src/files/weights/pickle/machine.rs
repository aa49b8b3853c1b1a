//! The stack machine and its instructions, except those that look up and call functions.

use super::PickleError::{self, CutShort, Damaged, Refused};
use super::{Object, Value};
use std::collections::HashMap;

const EMPTY_STACK: PickleError = Damaged("the stack is empty");

/// The stack machine.
pub(super) struct Machine<'a> {
    /// The bytes that were not read yet.
    pub rest: &'a [u8],
    pub(super) stack: Vec<Value>,
    /// The heights of the stack at each MARK.
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

    /// Executes the program up to STOP; returns the value on top of the stack.
    pub fn run(&mut self) -> Result<Value, PickleError> {
        loop {
            match self.byte()? {
                b'.' => return self.pop(), // STOP
                opcode => self.execute(opcode)?,
            }
        }
    }

    /// Executes one instruction.
    fn execute(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            0x80 => self.take(1).map(drop)?,              // PROTO
            0x95 => self.take(8).map(drop)?,              // FRAME
            b'(' => self.marks.push(self.stack.len()),    // MARK
            b'0' => self.pop().map(drop)?,                // POP
            b'N' => self.stack.push(Value::None),         // NONE
            0x88 => self.stack.push(Value::Bool(true)),   // NEWTRUE
            0x89 => self.stack.push(Value::Bool(false)),  // NEWFALSE
            b'K' => self.unsigned_int(1)?,                // BININT1
            b'M' => self.unsigned_int(2)?,                // BININT2
            b'J' => self.signed_int()?,                   // BININT
            0x8a => self.long()?,                         // LONG1
            b'G' => self.float()?,                        // BINFLOAT
            0x8c | b'U' => self.text(1)?,                 // SHORT_BINUNICODE, SHORT_BINSTRING
            b'X' | b'T' => self.text(4)?,                 // BINUNICODE, BINSTRING
            b'}' => self.push(Object::Dict(Vec::new())),  // EMPTY_DICT
            b']' => self.push(Object::List(Vec::new())),  // EMPTY_LIST
            b')' => self.push(Object::Tuple(Vec::new())), // EMPTY_TUPLE
            b't' => self
                .pop_mark()
                .map(|items| self.push(Object::Tuple(items)))?, // TUPLE
            0x85 => self.short_tuple(1)?,                 // TUPLE1
            0x86 => self.short_tuple(2)?,                 // TUPLE2
            0x87 => self.short_tuple(3)?,                 // TUPLE3
            b's' => self.pop_last(2).and_then(|pair| self.set_items(&pair))?, // SETITEM
            b'u' => self.pop_mark().and_then(|pairs| self.set_items(&pairs))?, // SETITEMS
            b'a' => self.pop_last(1).and_then(|item| self.append(&item))?, // APPEND
            b'e' => self.pop_mark().and_then(|items| self.append(&items))?, // APPENDS
            b'q' => self.unsigned(1).and_then(|key| self.memoize(key))?, // BINPUT
            b'r' => self.unsigned(4).and_then(|key| self.memoize(key))?, // LONG_BINPUT
            0x94 => self.memoize(self.memo.len() as u32)?, // MEMOIZE
            b'h' => self.unsigned(1).and_then(|key| self.recall(key))?, // BINGET
            b'j' => self.unsigned(4).and_then(|key| self.recall(key))?, // LONG_BINGET
            b'c' => self.global()?,                       // GLOBAL
            0x93 => self.stack_global()?,                 // STACK_GLOBAL
            b'R' => self.reduce()?,                       // REDUCE
            b'b' => self.build()?,                        // BUILD
            b'Q' => self.persistent_id()?,                // BINPERSID
            other => {
                return Err(Refused(format!(
                    "the instruction {} is not one that tensors need, and is refused",
                    instruction_name(other)
                )));
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, PickleError> {
        self.chunk::<1>().map(|&[byte]| byte)
    }

    /// The next `count` bytes of the program.
    fn take(&mut self, count: usize) -> Result<&'a [u8], PickleError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CutShort)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes of the program.
    fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], PickleError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(CutShort)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A little-endian number of up to four bytes.
    fn unsigned(&mut self, size: usize) -> Result<u32, PickleError> {
        let digits = self.take(size)?.iter().rev();
        Ok(digits.fold(0, |number, &digit| number << 8 | u32::from(digit)))
    }

    /// The text up to the next newline.
    fn line(&mut self) -> Result<&'a str, PickleError> {
        let end = (self.rest.iter().position(|&byte| byte == b'\n')).ok_or(CutShort)?;
        let line = self.take(end + 1)?;
        std::str::from_utf8(&line[..end]).map_err(|_| Damaged("a name is not text"))
    }

    /// Stores an object and pushes a reference to it.
    pub(super) fn push(&mut self, object: Object) {
        self.stack.push(Value::Object(self.objects.len()));
        self.objects.push(object);
    }

    pub(super) fn pop(&mut self) -> Result<Value, PickleError> {
        self.stack.pop().ok_or(EMPTY_STACK)
    }

    /// Pops the last `count` values.
    pub(super) fn pop_last(&mut self, count: usize) -> Result<Vec<Value>, PickleError> {
        let from = self.stack.len().checked_sub(count).ok_or(EMPTY_STACK)?;
        Ok(self.stack.split_off(from))
    }

    /// Pops the values since the last MARK.
    fn pop_mark(&mut self) -> Result<Vec<Value>, PickleError> {
        let mark = self.marks.pop().filter(|&mark| mark <= self.stack.len());
        Ok(self
            .stack
            .split_off(mark.ok_or(Damaged("there is no mark"))?))
    }

    /// The value on top of the stack.
    pub(super) fn top(&self) -> Result<Value, PickleError> {
        self.stack.last().copied().ok_or(EMPTY_STACK)
    }

    /// The object that a value refers to.
    pub(super) fn object(&mut self, value: Value) -> Option<&mut Object> {
        match value {
            Value::Object(index) => self.objects.get_mut(index),
            _ => None,
        }
    }

    fn unsigned_int(&mut self, size: usize) -> Result<(), PickleError> {
        let number = self.unsigned(size)?;
        self.stack.push(Value::Int(number.into()));
        Ok(())
    }

    fn signed_int(&mut self) -> Result<(), PickleError> {
        let number = i32::from_le_bytes(*self.chunk()?);
        self.stack.push(Value::Int(number.into()));
        Ok(())
    }

    /// A little-endian number in two's complement, after its length.
    fn long(&mut self) -> Result<(), PickleError> {
        let length = usize::from(self.byte()?);
        let digits = self.take(length)?;
        self.stack.push(match digits.len() {
            0 => Value::Int(0),
            short @ 1..=8 => {
                let is_negative = digits[short - 1] & 0x80 != 0;
                let mut number = [if is_negative { 0xff } else { 0 }; 8];
                number[..short].copy_from_slice(digits);
                Value::Int(i64::from_le_bytes(number))
            }
            _ => Value::OtherNumber,
        });
        Ok(())
    }

    fn float(&mut self) -> Result<(), PickleError> {
        self.take(8)?;
        self.stack.push(Value::OtherNumber);
        Ok(())
    }

    /// Text after its length, which has `length_size` bytes.
    fn text(&mut self, length_size: usize) -> Result<(), PickleError> {
        let length = self.unsigned(length_size)? as usize;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Object::Text(text));
        Ok(())
    }

    fn short_tuple(&mut self, count: usize) -> Result<(), PickleError> {
        let items = self.pop_last(count)?;
        self.push(Object::Tuple(items));
        Ok(())
    }

    fn memoize(&mut self, key: u32) -> Result<(), PickleError> {
        let value = self.top()?;
        self.memo.insert(key, value);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), PickleError> {
        let value = (self.memo.get(&key)).ok_or(Damaged("nothing was stored under this number"))?;
        self.stack.push(*value);
        Ok(())
    }

    fn set_items(&mut self, items: &[Value]) -> Result<(), PickleError> {
        let (pairs, rest) = items.as_chunks::<2>();
        let target = self.top()?;
        match self.object(target) {
            Some(Object::Dict(dict)) if rest.is_empty() => {
                dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            _ => Err(Damaged("items are set, but not of a dictionary")),
        }
    }

    fn append(&mut self, items: &[Value]) -> Result<(), PickleError> {
        let target = self.top()?;
        match self.object(target) {
            Some(Object::List(list)) => {
                list.extend(items);
                Ok(())
            }
            _ => Err(Damaged("items are appended, but not to a list")),
        }
    }

    /// Pushes a function or class that is named by two lines.
    fn global(&mut self) -> Result<(), PickleError> {
        let (module, name) = (self.line()?, self.line()?);
        self.push_global(module, name)
    }

    /// Pushes a function or class that is named by two texts on the stack.
    fn stack_global(&mut self) -> Result<(), PickleError> {
        let names = self.pop_last(2)?;
        let mut text = |value| match self.object(value) {
            Some(Object::Text(text)) => Ok(text.clone()),
            _ => Err(Damaged("a name is not text")),
        };
        let (module, name) = (text(names[0])?, text(names[1])?);
        self.push_global(&module, &name)
    }
}

/// The name of a refused instruction in `pickletools`.
fn instruction_name(opcode: u8) -> String {
    let name = match opcode {
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
        _ => return format!("{opcode:#04x}"),
    };
    name.to_owned()
}
