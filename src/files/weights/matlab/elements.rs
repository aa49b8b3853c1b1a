//! The bytes of a MAT-file: its header, the elements' tags, and their data, compressed or not.

use crate::files::weights::ReadError;
use crate::files::weights::tensor::ElementType;
use bytes::{Buf, Bytes};
use flate2::bufread::ZlibDecoder;
use std::io::Read;

/// The most compressed data that is unpacked and returned, in bytes: the convolutions of VGG-19 in double precision take 160 MB.
const MAX_UNPACKED: usize = 200 << 20;

/// The type of an element with a value.
pub(super) const MATRIX: u32 = 14;

/// The type of an element with a compressed element.
pub(super) const COMPRESSED: u32 = 15;

/// The type and the length of an element.
pub(super) struct Tag {
    pub kind: u32,
    /// In bytes.
    pub length: usize,
    /// The data of an element of at most four bytes, which are in the tag itself.
    pub small: Option<Bytes>,
}

impl Tag {
    /// The number of bytes behind the tag, with the padding to a multiple of 8.
    pub fn padded_length(&self) -> usize {
        if self.small.is_some() {
            0
        } else {
            self.length.next_multiple_of(8)
        }
    }

    /// The type of the numbers in an element; `None` if it does not contain numbers.
    pub fn element_type(&self) -> Option<ElementType> {
        Some(match self.kind {
            1 => ElementType::I8,
            2 => ElementType::U8,
            3 => ElementType::I16,
            4 => ElementType::U16,
            5 => ElementType::I32,
            6 => ElementType::U32,
            7 => ElementType::F32,
            9 => ElementType::F64,
            12 => ElementType::I64,
            13 => ElementType::U64,
            _ => return None,
        })
    }
}

enum Source {
    Plain(Bytes),
    Compressed(Box<ZlibDecoder<bytes::buf::Reader<Bytes>>>),
}

/// Where to continue after a compressed element.
pub(super) struct Outer {
    source: Source,
    left: u64,
}

/// A reader of elements.
pub(super) struct Elements {
    source: Source,
    /// The number of bytes left in the element that is being read.
    pub left: u64,
    pub big_endian: bool,
    /// The number of bytes that were unpacked and returned so far.
    unpacked: usize,
}

impl Elements {
    /// Reads the header of a file with these bytes.
    pub fn new(bytes: &Bytes) -> Result<Self, ReadError> {
        let header: &[u8; 128] = (bytes.first_chunk())
            .ok_or_else(|| ReadError::damaged("cut short: the header has 128 bytes"))?;
        let big_endian = header.ends_with(b"MI");
        let version = [header[124], header[125]];
        let version = if big_endian {
            u16::from_be_bytes(version)
        } else {
            u16::from_le_bytes(version)
        };
        if version != 0x0100 {
            return Err(ReadError::Unsupported(format!(
                "version {version:#06x} of MATLAB's format is not known"
            )));
        }
        Ok(Self {
            source: Source::Plain(bytes.slice(128..)),
            left: bytes.len() as u64 - 128,
            big_endian,
            unpacked: 0,
        })
    }

    /// Continues inside a compressed element, until [`Self::leave`].
    pub fn enter(&mut self, tag: &Tag) -> Result<Outer, ReadError> {
        let compressed = self.take(tag.length)?;
        let source = Source::Compressed(Box::new(ZlibDecoder::new(compressed.reader())));
        Ok(Outer {
            source: std::mem::replace(&mut self.source, source),
            // The length is not known before the data is unpacked.
            left: std::mem::replace(&mut self.left, u64::from(u32::MAX)),
        })
    }

    /// Continues behind a compressed element.
    pub fn leave(&mut self, outer: Outer) {
        (self.source, self.left) = (outer.source, outer.left);
    }

    pub fn is_compressed(&self) -> bool {
        matches!(self.source, Source::Compressed(_))
    }

    /// Checks that a compressed element ends here. This verifies its checksum.
    pub fn check_end(&mut self) -> Result<(), ReadError> {
        let Source::Compressed(decoder) = &mut self.source else {
            return Ok(());
        };
        if decoder.read(&mut [0]).map_err(cannot_unpack)? != 0 {
            return Err(ReadError::damaged(
                "damaged: there is more data behind a compressed variable",
            ));
        }
        Ok(())
    }

    /// Counts `count` bytes of the element as read.
    fn use_up(&mut self, count: usize) -> Result<(), ReadError> {
        self.left = (self.left.checked_sub(count as u64)).ok_or_else(|| {
            ReadError::damaged(
                "cut short or damaged: an element is longer than the one that contains it",
            )
        })?;
        Ok(())
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<Bytes, ReadError> {
        self.use_up(count)?;
        match &mut self.source {
            Source::Plain(rest) if rest.len() >= count => Ok(rest.split_to(count)),
            Source::Plain(_) => Err(cut_short()),
            Source::Compressed(decoder) => {
                self.unpacked += count;
                if self.unpacked > MAX_UNPACKED {
                    return Err(ReadError::Damaged(format!(
                        "more than {} MB of arrays, which no VGG network has",
                        MAX_UNPACKED >> 20
                    )));
                }
                let mut bytes = Vec::new();
                (decoder.take(count as u64).read_to_end(&mut bytes)).map_err(cannot_unpack)?;
                if bytes.len() < count {
                    return Err(cut_short());
                }
                bytes.shrink_to_fit();
                Ok(bytes.into())
            }
        }
    }

    /// Skips `count` bytes.
    pub fn skip(&mut self, count: usize) -> Result<(), ReadError> {
        // Some writers omit the padding behind the last element.
        let count = if count as u64 > self.left && count as u64 - self.left < 8 {
            self.left as usize
        } else {
            count
        };
        self.use_up(count)?;
        let skipped = match &mut self.source {
            Source::Plain(rest) if rest.len() >= count => {
                rest.advance(count);
                count as u64
            }
            Source::Plain(_) => 0,
            Source::Compressed(decoder) => {
                std::io::copy(&mut decoder.take(count as u64), &mut std::io::sink())
                    .map_err(cannot_unpack)?
            }
        };
        if skipped < count as u64 {
            return Err(cut_short());
        }
        Ok(())
    }

    /// A number of four bytes in the byte order of the file.
    pub fn word(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    /// The next tag. It has two words: type and length; or, in the small form, length and type in one word, then the data.
    pub fn tag(&mut self) -> Result<Tag, ReadError> {
        let bytes = self.take(8)?;
        let (words, _) = bytes.as_chunks::<4>();
        let (first, second) = (self.word(words[0]), self.word(words[1]));
        match first >> 16 {
            0 => Ok(Tag {
                kind: first,
                length: second as usize,
                small: None,
            }),
            length @ 1..=4 => Ok(Tag {
                kind: first & 0xffff,
                length: length as usize,
                small: Some(bytes.slice(4..4 + length as usize)),
            }),
            _ => Err(ReadError::damaged(
                "damaged: an element has neither a type nor a length",
            )),
        }
    }

    /// The data of the element behind a tag. If it has more than `max_length` bytes, it is skipped and `None` is returned.
    pub fn data(&mut self, tag: Tag, max_length: usize) -> Result<Option<Bytes>, ReadError> {
        if tag.small.is_some() {
            return Ok(tag.small);
        }
        if tag.length > max_length {
            self.skip(tag.padded_length())?;
            return Ok(None);
        }
        let data = self.take(tag.length)?;
        self.skip(tag.padded_length() - tag.length)?;
        Ok(Some(data))
    }
}

fn cut_short() -> ReadError {
    ReadError::damaged("cut short: the file ends inside an element")
}

fn cannot_unpack(error: std::io::Error) -> ReadError {
    ReadError::Damaged(format!("damaged: it cannot be unpacked ({error})"))
}
