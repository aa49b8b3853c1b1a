//! MATLAB's MAT-files of level 5: a header, then elements, each with its type and length, many of them inside others.
//!
//! The format is that of MathWorks' *MAT-File Format*. The crates for it read numeric arrays alone, or all of a file at once; here
//! cells and structs are read too, arrays that no convolution has are passed over, and what is not compressed is used where
//! it lies in the file.

use super::tensor::Number;
use bytes::{Buf, Bytes};
use flate2::bufread::ZlibDecoder;
use std::io::Read;

/// The most numbers of an array that is kept: a kernel of VGG's widest layers.
const LARGEST_ARRAY: usize = 3 * 3 * 512 * 512;

/// The most bytes that are kept of what is compressed: the convolutions of VGG-19 in double precision, and some.
const MOST_BYTES: usize = 200 << 20;

/// The most values in a file. MatConvNet's networks have some 1500, or 3500 with the names of ImageNet's classes.
const MOST_VALUES: usize = 50_000;

/// The most variables that are kept. A flat file of VGG-19 has 32.
const MOST_VARIABLES: usize = 2000;

/// How deep values may lie inside each other. MatConvNet's weights are at depth 4.
const DEEPEST: usize = 16;

/// The longest text and name that is kept.
const LONGEST_TEXT: usize = 1024;

/// A value of MATLAB's.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Numbers(Numbers),
    Text(String),
    /// A cell array, in column-major order.
    Cell(Vec<Value>),
    /// A struct, or the first of an array of them: its fields.
    Struct(Vec<(String, Value)>),
    /// Whatever else there is.
    Other,
}

/// A numeric array, in column-major order.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub shape: Vec<usize>,
    /// How its elements are stored: MATLAB stores whole numbers of any class as integers where that is shorter.
    pub number: Number,
    pub big_endian: bool,
    /// None, if there are more than a convolution has.
    pub bytes: Option<Bytes>,
}

impl Value {
    /// The field of a struct.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Struct(fields) => {
                (fields.iter().find(|(field, _)| field == name)).map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

/// The variables that are `wanted`, by name. A compressed one whose cells are `enough` is left at the first array that is larger
/// than a convolution's.
///
/// # Errors
/// What is wrong, as a sentence.
pub(super) fn read(
    bytes: &Bytes,
    wanted: &dyn Fn(&str) -> bool,
    enough: &dyn Fn(&[Value]) -> bool,
) -> Result<Vec<(String, Value)>, String> {
    let header: &[u8; 128] = bytes
        .first_chunk()
        .ok_or("cut short: the header has 128 bytes")?;
    let big_endian = header.ends_with(b"MI");
    let version = [header[124], header[125]];
    let version = if big_endian {
        u16::from_be_bytes(version)
    } else {
        u16::from_le_bytes(version)
    };
    if version != 0x0100 {
        return Err(format!(
            "version {version:#06x} of MATLAB's format is not known"
        ));
    }
    let mut reader = Reader {
        source: Source::Plain(bytes.slice(128..)),
        left: bytes.len() as u64 - 128,
        big_endian,
        values: 0,
        kept: 0,
        wanted,
        enough,
        has_enough: false,
        is_left: false,
    };
    let mut variables = Vec::new();
    while reader.left > 0 {
        let tag = reader.tag()?;
        match tag.kind {
            COMPRESSED => {
                let packed = reader.take(tag.length)?;
                let source = Source::Packed(Box::new(ZlibDecoder::new(packed.reader())));
                let rest = std::mem::replace(&mut reader.source, source);
                let left = std::mem::replace(&mut reader.left, u64::from(u32::MAX));
                let tag = reader.tag()?;
                if tag.kind != MATRIX {
                    return Err("damaged: something else than a variable is compressed".to_owned());
                }
                variables.extend(reader.variable(tag)?);
                (reader.source, reader.left) = (rest, left);
                (reader.has_enough, reader.is_left) = (false, false);
            }
            MATRIX => variables.extend(reader.variable(tag)?),
            0 => return Err("damaged: an element without a type".to_owned()),
            _ => reader.skip(tag.padded())?,
        }
        if variables.len() > MOST_VARIABLES {
            return Err(format!(
                "more than {MOST_VARIABLES} variables, which no network has"
            ));
        }
    }
    Ok(variables)
}

// Types of elements.
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

// Classes of matrices.
const CELL: u8 = 1;
const STRUCT: u8 = 2;
const TEXT: u8 = 4;
const NUMBERS: std::ops::RangeInclusive<u8> = 6..=15;

/// Flag of an array of complex numbers, which no weights are.
const COMPLEX: u32 = 0x0800;

/// The type and the length, in bytes, of an element.
struct Tag {
    kind: u32,
    length: usize,
    /// The bytes of an element of up to four that are in the tag itself.
    small: Option<Bytes>,
}

impl Tag {
    /// The length with the bytes behind the element, which ends at a multiple of 8.
    fn padded(&self) -> usize {
        if self.small.is_some() {
            0
        } else {
            self.length.next_multiple_of(8)
        }
    }

    /// How elements of this type are read.
    fn number(&self) -> Option<Number> {
        Some(match self.kind {
            1 => Number::I8,
            2 => Number::U8,
            3 => Number::I16,
            4 => Number::U16,
            5 => Number::I32,
            6 => Number::U32,
            7 => Number::F32,
            9 => Number::F64,
            12 => Number::I64,
            13 => Number::U64,
            _ => return None,
        })
    }
}

enum Source {
    Plain(Bytes),
    Packed(Box<ZlibDecoder<bytes::buf::Reader<Bytes>>>),
}

struct Reader<'a> {
    source: Source,
    /// How many bytes are left of the element that is being read.
    left: u64,
    big_endian: bool,
    /// How many values there have been.
    values: usize,
    /// How many bytes have been unpacked and kept.
    kept: usize,
    wanted: &'a dyn Fn(&str) -> bool,
    enough: &'a dyn Fn(&[Value]) -> bool,
    /// Whether the cells of the variable so far are enough.
    has_enough: bool,
    /// Whether the variable is left where it is.
    is_left: bool,
}

impl Reader<'_> {
    /// Notes that `count` bytes are used.
    fn use_up(&mut self, count: usize) -> Result<(), String> {
        self.left = (self.left.checked_sub(count as u64))
            .ok_or("cut short or damaged: an element is longer than what it lies in")?;
        Ok(())
    }

    /// The next `count` bytes.
    fn take(&mut self, count: usize) -> Result<Bytes, String> {
        self.use_up(count)?;
        let bytes = match &mut self.source {
            Source::Plain(rest) if rest.len() >= count => return Ok(rest.split_to(count)),
            Source::Plain(_) => Bytes::new(),
            Source::Packed(decoder) => {
                self.kept += count;
                if self.kept > MOST_BYTES {
                    return Err(format!(
                        "more than {} MB of arrays, which no VGG network has",
                        MOST_BYTES >> 20
                    ));
                }
                let mut bytes = Vec::new();
                (decoder.take(count as u64).read_to_end(&mut bytes)).map_err(unpacked)?;
                bytes.shrink_to_fit();
                bytes.into()
            }
        };
        if bytes.len() < count {
            Err(CUT_SHORT.to_owned())
        } else {
            Ok(bytes)
        }
    }

    /// Passes over `count` bytes.
    fn skip(&mut self, count: usize) -> Result<(), String> {
        // Some writers leave out what fills the last element up to a multiple of 8.
        let count = if count as u64 > self.left && count as u64 - self.left < 8 {
            self.left as usize
        } else {
            count
        };
        self.use_up(count)?;
        let passed = match &mut self.source {
            Source::Plain(rest) if rest.len() >= count => {
                rest.advance(count);
                count as u64
            }
            Source::Plain(_) => 0,
            Source::Packed(decoder) => {
                std::io::copy(&mut decoder.take(count as u64), &mut std::io::sink())
                    .map_err(unpacked)?
            }
        };
        if passed < count as u64 {
            Err(CUT_SHORT.to_owned())
        } else {
            Ok(())
        }
    }

    fn word(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    /// Two words: type and length; or, for up to four bytes, length and type in one, and then the bytes.
    fn tag(&mut self) -> Result<Tag, String> {
        let bytes = self.take(8)?;
        let (words, _) = bytes.as_chunks::<4>();
        let (first, second) = (self.word(words[0]), self.word(words[1]));
        Ok(match first >> 16 {
            0 => Tag {
                kind: first,
                length: second as usize,
                small: None,
            },
            length @ 1..=4 => Tag {
                kind: first & 0xffff,
                length: length as usize,
                small: Some(bytes.slice(4..4 + length as usize)),
            },
            _ => return Err("damaged: an element has neither a type nor a length".to_owned()),
        })
    }

    /// The bytes of the element behind a tag, if there are at most `most`.
    fn data(&mut self, tag: Tag, most: usize) -> Result<Option<Bytes>, String> {
        if tag.small.is_some() {
            return Ok(tag.small);
        }
        if tag.length > most {
            return self.skip(tag.padded()).map(|()| None);
        }
        let data = self.take(tag.length)?;
        self.skip(tag.padded() - tag.length)?;
        Ok(Some(data))
    }

    /// The next element, which is to be short.
    fn short(&mut self, what: &str) -> Result<Bytes, String> {
        let tag = self.tag()?;
        (self.data(tag, 64 * LONGEST_TEXT)?)
            .ok_or_else(|| format!("damaged: the {what} are too long"))
    }

    /// A variable of the file: its name and value, if it is wanted.
    fn variable(&mut self, tag: Tag) -> Result<Option<(String, Value)>, String> {
        let (name, value) = self.matrix(tag, 0)?;
        if !(self.wanted)(&name) {
            return Ok(None);
        }
        if let (Source::Packed(decoder), false) = (&mut self.source, self.is_left) {
            // At the end of what is packed is its checksum, which is looked at when more is asked for.
            match decoder.read(&mut [0]).map_err(unpacked)? {
                0 => {}
                _ => return Err("damaged: there is more behind a compressed variable".to_owned()),
            }
        }
        Ok(Some((name, value)))
    }

    /// A matrix: what MATLAB calls any value. One without bytes is an empty array.
    fn matrix(&mut self, tag: Tag, depth: usize) -> Result<(String, Value), String> {
        self.values += 1;
        if self.values > MOST_VALUES || depth > DEEPEST {
            return Err(
                "damaged: more values, or deeper inside each other, than any network has"
                    .to_owned(),
            );
        }
        if tag.kind != MATRIX || tag.small.is_some() {
            return Err("damaged: a value is none of MATLAB's".to_owned());
        }
        if tag.length == 0 {
            return Ok((String::new(), Value::Other));
        }
        let around = self.left;
        self.left = tag.length as u64;
        let behind = around
            .checked_sub(self.left)
            .ok_or("cut short or damaged: a value is longer than what it lies in")?;
        let value = self.parts(depth)?;
        // What is not read of a value. Nobody needs to pass over the rest of a compressed variable.
        let unwanted =
            depth == 0 && matches!(self.source, Source::Packed(_)) && !(self.wanted)(&value.0);
        if !self.is_left && !unwanted {
            self.skip(self.left as usize)?;
        }
        self.left = behind;
        Ok(value)
    }

    /// The parts of a matrix: flags, shape, name, contents.
    fn parts(&mut self, depth: usize) -> Result<(String, Value), String> {
        let flags = self.short("flags")?;
        let flags = self.word(
            *flags
                .first_chunk()
                .ok_or("damaged: a value without flags")?,
        );
        let class = flags as u8;
        if !(1..=5).contains(&class) && !NUMBERS.contains(&class) {
            return Ok((String::new(), Value::Other)); // function handles and the like
        }
        let shape = self.short("edges of an array")?;
        let shape: Option<Vec<usize>> = (shape.as_chunks::<4>().0.iter())
            .map(|&edge| i32::try_from(self.word(edge)).ok()?.try_into().ok())
            .collect();
        let shape = shape.ok_or("damaged: an array has an edge below 0")?;
        let count = (shape.iter()).try_fold(1_usize, |count, &edge| count.checked_mul(edge));
        let count = count.ok_or("damaged: the edges of an array are too large")?;
        let name = self.short("letters of a name")?;
        let name = String::from_utf8_lossy(&name[..name.len().min(LONGEST_TEXT)]).into_owned();
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

    fn cell(&mut self, count: usize, depth: usize) -> Result<Value, String> {
        let mut items = Vec::new();
        while items.len() < count && !self.is_left {
            let tag = self.tag()?;
            items.push(self.matrix(tag, depth + 1)?.1);
            self.has_enough |= depth == 0 && (self.enough)(&items);
        }
        Ok(Value::Cell(items))
    }

    /// Field names of one length, then the fields of each struct.
    fn structure(&mut self, count: usize, depth: usize) -> Result<Value, String> {
        let length = self.short("lengths of names")?;
        let length = self.word(
            *length
                .first_chunk()
                .ok_or("damaged: a struct without fields")?,
        ) as usize;
        let names = self.short("names of fields")?;
        if length == 0 || count == 0 {
            return Ok(Value::Struct(Vec::new()));
        }
        let mut fields = Vec::new();
        for name in names.chunks_exact(length) {
            let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
            if self.is_left {
                break;
            }
            let tag = self.tag()?;
            let (_, value) = self.matrix(tag, depth + 1)?;
            fields.push((String::from_utf8_lossy(name).into_owned(), value));
        }
        Ok(Value::Struct(fields))
    }

    /// Letters of one byte or of two. Those that are wanted here are ASCII.
    fn text(&mut self) -> Result<Value, String> {
        let tag = self.tag()?;
        let wide = matches!(tag.kind, 4 | 17);
        let big_endian = self.big_endian;
        Ok(match self.data(tag, LONGEST_TEXT)? {
            None => Value::Other,
            Some(text) if wide => {
                let order = if big_endian {
                    u16::from_be_bytes
                } else {
                    u16::from_le_bytes
                };
                let letters: Vec<u16> = text
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&letter| order(letter))
                    .collect();
                Value::Text(String::from_utf16_lossy(&letters))
            }
            Some(text) => Value::Text(String::from_utf8_lossy(&text).into_owned()),
        })
    }

    fn numbers(&mut self, shape: Vec<usize>, count: usize) -> Result<Value, String> {
        let tag = self.tag()?;
        let Some(number) = tag.number() else {
            return Ok(Value::Other);
        };
        let too_large = count > LARGEST_ARRAY;
        self.is_left = too_large && self.has_enough && matches!(self.source, Source::Packed(_));
        let bytes = match too_large {
            true if self.is_left => None,
            true => self.data(tag, 0)?,
            false => self.data(tag, count * number.size())?,
        };
        Ok(Value::Numbers(Numbers {
            shape,
            number,
            big_endian: self.big_endian,
            bytes,
        }))
    }
}

const CUT_SHORT: &str = "cut short: the file ends inside an element";

fn unpacked(error: std::io::Error) -> String {
    format!("damaged: it cannot be unpacked ({error})")
}
