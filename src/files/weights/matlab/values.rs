//! Building MATLAB's values from elements: numeric arrays, text, cells and structs.

use super::elements::{Elements, MATRIX, Tag};
use super::{Numbers, Value};
use crate::files::weights::ReadError;
use bytes::Bytes;
use std::ops::RangeInclusive;

/// The most numbers of an array whose data is returned: VGG's largest kernel.
const MAX_NUMBERS: usize = 3 * 3 * 512 * 512;

/// The most values in a file. MatConvNet's networks have about 1500, or 3500 with the names of ImageNet's classes.
const MAX_VALUES: usize = 50_000;

/// How deep values may be nested. MatConvNet's weights have depth 4.
const MAX_DEPTH: usize = 16;

/// The longest text and the longest name that are returned, in bytes.
const MAX_TEXT: usize = 1024;

/// The longest flags, shape, name or list of field names, in bytes.
const MAX_SHORT_ELEMENT: usize = 64 * MAX_TEXT;

// Classes of values.
const CLASSES: RangeInclusive<u8> = 1..=15;
const CELL: u8 = 1;
const STRUCT: u8 = 2;
const TEXT: u8 = 4;
const NUMBERS: RangeInclusive<u8> = 6..=15;

/// The flag of an array of complex numbers. Weights are never complex.
const COMPLEX: u32 = 0x0800;

// Types of elements with text of two bytes per character.
const U16: u32 = 4;
const UTF16: u32 = 17;

/// A reader of values.
pub(super) struct Values<'a> {
    pub elements: Elements,
    wanted: &'a dyn Fn(&str) -> bool,
    is_enough: &'a dyn Fn(&[Value]) -> bool,
    /// The number of values so far.
    count: usize,
    /// Whether the items of the current variable are enough.
    has_enough: bool,
    /// Whether reading of the current variable has stopped inside it.
    has_stopped: bool,
}

impl<'a> Values<'a> {
    /// See [`read`](super::read).
    pub fn new(
        elements: Elements,
        wanted: &'a dyn Fn(&str) -> bool,
        is_enough: &'a dyn Fn(&[Value]) -> bool,
    ) -> Self {
        Self {
            elements,
            wanted,
            is_enough,
            count: 0,
            has_enough: false,
            has_stopped: false,
        }
    }

    /// Reads a compressed variable.
    pub fn compressed_variable(&mut self, tag: Tag) -> Result<Option<(String, Value)>, ReadError> {
        let outer = self.elements.enter(&tag)?;
        let tag = self.elements.tag()?;
        if tag.kind != MATRIX {
            return Err(ReadError::damaged(
                "damaged: a compressed element is not a variable",
            ));
        }
        let variable = self.variable(tag)?;
        self.elements.leave(outer);
        (self.has_enough, self.has_stopped) = (false, false);
        Ok(variable)
    }

    /// Reads a variable: its name and value, or `None` if it is not wanted.
    pub fn variable(&mut self, tag: Tag) -> Result<Option<(String, Value)>, ReadError> {
        let (name, value) = self.value(tag, 0)?;
        if !(self.wanted)(&name) {
            return Ok(None);
        }
        if !self.has_stopped {
            self.elements.check_end()?;
        }
        Ok(Some((name, value)))
    }

    /// Reads a value and its name. An element without data is an empty array.
    fn value(&mut self, tag: Tag, depth: usize) -> Result<(String, Value), ReadError> {
        self.count += 1;
        if self.count > MAX_VALUES || depth > MAX_DEPTH {
            return Err(ReadError::damaged(
                "damaged: more values than any network has, or nested deeper",
            ));
        }
        if tag.kind != MATRIX || tag.small.is_some() {
            return Err(ReadError::damaged(
                "damaged: an element that should be a value is not one",
            ));
        }
        if tag.length == 0 {
            return Ok((String::new(), Value::Other));
        }
        let length = tag.length as u64;
        let left_behind = (self.elements.left.checked_sub(length)).ok_or_else(|| {
            ReadError::damaged(
                "cut short or damaged: a value is longer than the one that contains it",
            )
        })?;
        self.elements.left = length;
        let (name, value) = self.parts(depth)?;
        // Skip what was not read of the value. The rest of a compressed variable need not be unpacked to reach the next one.
        let is_unwanted = depth == 0 && self.elements.is_compressed() && !(self.wanted)(&name);
        if !self.has_stopped && !is_unwanted {
            self.elements.skip(self.elements.left as usize)?;
        }
        self.elements.left = left_behind;
        Ok((name, value))
    }

    /// Reads the parts of a value: flags, shape, name, and contents by class.
    fn parts(&mut self, depth: usize) -> Result<(String, Value), ReadError> {
        let flags = self.first_word("the flags of a value")?;
        let class = flags as u8;
        if !CLASSES.contains(&class) {
            return Ok((String::new(), Value::Other)); // a function handle, for example
        }
        let shape = self.shape()?;
        let count = (shape.iter())
            .try_fold(1_usize, |count, &length| count.checked_mul(length))
            .ok_or_else(|| ReadError::damaged("damaged: the shape of an array is too large"))?;
        let name = self.short_element("the name of a value")?;
        let name = String::from_utf8_lossy(&name[..name.len().min(MAX_TEXT)]).into_owned();
        if depth == 0 && !(self.wanted)(&name) {
            return Ok((name, Value::Other));
        }
        let value = match class {
            CELL => self.cell(count, depth)?,
            STRUCT => self.structure(count, depth)?,
            TEXT => self.text()?,
            class if NUMBERS.contains(&class) && flags & COMPLEX == 0 => {
                self.numbers(shape, count)?
            }
            _ => Value::Other,
        };
        Ok((name, value))
    }

    /// The data of the next element, which must be short. `what` names it in messages.
    fn short_element(&mut self, what: &str) -> Result<Bytes, ReadError> {
        let tag = self.elements.tag()?;
        (self.elements.data(tag, MAX_SHORT_ELEMENT)?).ok_or_else(|| {
            ReadError::Damaged(format!("damaged: the element with {what} is too long"))
        })
    }

    /// The first word of the next element, which must be short.
    fn first_word(&mut self, what: &str) -> Result<u32, ReadError> {
        let data = self.short_element(what)?;
        let word = (data.first_chunk()).ok_or_else(|| {
            ReadError::Damaged(format!("damaged: the element with {what} is too short"))
        })?;
        Ok(self.elements.word(*word))
    }

    fn shape(&mut self) -> Result<Vec<usize>, ReadError> {
        let data = self.short_element("the shape of an array")?;
        (data.as_chunks::<4>().0.iter())
            .map(|&length| {
                let length = i32::try_from(self.elements.word(length)).ok()?;
                length.try_into().ok()
            })
            .collect::<Option<_>>()
            .ok_or_else(|| {
                ReadError::damaged("damaged: an array has a negative length along an axis")
            })
    }

    fn cell(&mut self, count: usize, depth: usize) -> Result<Value, ReadError> {
        let mut items = Vec::new();
        while items.len() < count && !self.has_stopped {
            let tag = self.elements.tag()?;
            items.push(self.value(tag, depth + 1)?.1);
            self.has_enough |= depth == 0 && (self.is_enough)(&items);
        }
        Ok(Value::Cell(items))
    }

    /// Reads a struct: the length of all field names, the names, then the fields of each struct.
    fn structure(&mut self, count: usize, depth: usize) -> Result<Value, ReadError> {
        let length = self.first_word("the length of field names")? as usize;
        let names = self.short_element("the field names of a struct")?;
        if length == 0 || count == 0 {
            return Ok(Value::Struct(Vec::new()));
        }
        let mut fields = Vec::new();
        for name in names.chunks_exact(length) {
            if self.has_stopped {
                break;
            }
            let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
            let tag = self.elements.tag()?;
            let (_, value) = self.value(tag, depth + 1)?;
            fields.push((String::from_utf8_lossy(name).into_owned(), value));
        }
        Ok(Value::Struct(fields))
    }

    fn text(&mut self) -> Result<Value, ReadError> {
        let tag = self.elements.tag()?;
        let is_wide = matches!(tag.kind, U16 | UTF16);
        let Some(text) = self.elements.data(tag, MAX_TEXT)? else {
            return Ok(Value::Other);
        };
        if !is_wide {
            return Ok(Value::Text(String::from_utf8_lossy(&text).into_owned()));
        }
        let decode = if self.elements.big_endian {
            u16::from_be_bytes
        } else {
            u16::from_le_bytes
        };
        let characters = text.as_chunks().0.iter().map(|&bytes| decode(bytes));
        let characters: Vec<u16> = characters.collect();
        Ok(Value::Text(String::from_utf16_lossy(&characters)))
    }

    fn numbers(&mut self, shape: Vec<usize>, count: usize) -> Result<Value, ReadError> {
        let tag = self.elements.tag()?;
        let Some(element) = tag.element_type() else {
            return Ok(Value::Other);
        };
        let is_too_large = count > MAX_NUMBERS;
        self.has_stopped = is_too_large && self.has_enough && self.elements.is_compressed();
        let bytes = if self.has_stopped {
            None
        } else if is_too_large {
            self.elements.data(tag, 0)?
        } else {
            self.elements.data(tag, count * element.size())?
        };
        Ok(Value::Numbers(Numbers {
            shape,
            element,
            big_endian: self.elements.big_endian,
            bytes,
        }))
    }
}
