//! Writing MATLAB files of level 5, in either byte order.

use std::io::Write;

/// A writer of such files.
pub struct Mat {
    pub big_endian: bool,
}

/// How the numbers of an array are stored. MATLAB stores whole numbers as integers where that is shorter, even in an array of
/// class double.
#[derive(Clone, Copy, Debug)]
pub enum Storage {
    U8,
    I16,
    U16,
    I32,
    F32,
    F64,
}

impl Mat {
    fn word(&self, word: u32) -> [u8; 4] {
        self.ordered(word.to_le_bytes())
    }

    /// The bytes of a number in the byte order of the file.
    fn ordered<const N: usize>(&self, mut little_endian: [u8; N]) -> [u8; N] {
        if self.big_endian {
            little_endian.reverse();
        }
        little_endian
    }

    /// An element of this type.
    pub fn element(&self, kind: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = [self.word(kind), self.word(data.len() as u32)].concat();
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    /// A value: class, shape, name, and the elements of its contents.
    pub fn value(&self, class: u8, shape: &[u32], name: &str, contents: &[u8]) -> Vec<u8> {
        let flags = [self.word(class.into()), [0; 4]].concat();
        let shape: Vec<u8> = shape.iter().flat_map(|&length| self.word(length)).collect();
        let parts = [
            self.element(6, &flags),
            self.element(5, &shape),
            self.element(1, name.as_bytes()),
            contents.to_vec(),
        ];
        self.element(14, &parts.concat())
    }

    /// A numeric array: of class single for `F32`, else of class double. `numbers` are in column-major order.
    pub fn array(
        &self,
        name: &str,
        shape: &[u32],
        storage: Storage,
        numbers: impl Iterator<Item = f64>,
    ) -> Vec<u8> {
        let mut data = Vec::new();
        for x in numbers {
            match storage {
                Storage::U8 => data.push(x as u8),
                Storage::I16 => data.extend(self.ordered((x as i16).to_le_bytes())),
                Storage::U16 => data.extend(self.ordered((x as u16).to_le_bytes())),
                Storage::I32 => data.extend(self.ordered((x as i32).to_le_bytes())),
                Storage::F32 => data.extend(self.ordered((x as f32).to_le_bytes())),
                Storage::F64 => data.extend(self.ordered(x.to_le_bytes())),
            }
        }
        let (class, kind) = match storage {
            Storage::U8 => (6, 2),
            Storage::I16 => (6, 3),
            Storage::U16 => (6, 4),
            Storage::I32 => (6, 5),
            Storage::F32 => (7, 7),
            Storage::F64 => (6, 9),
        };
        self.value(class, shape, name, &self.element(kind, &data))
    }

    /// A struct with one field.
    pub fn structure(&self, name: &str, field: &str, value: &[u8]) -> Vec<u8> {
        let mut names = field.as_bytes().to_vec();
        names.resize(32, 0);
        let parts = [
            self.element(5, &self.word(32)),
            self.element(1, &names),
            value.to_vec(),
        ];
        self.value(2, &[1, 1], name, &parts.concat())
    }

    /// A variable, compressed.
    pub fn compressed(&self, variable: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::best();
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
        encoder.write_all(variable).unwrap();
        let data = encoder.finish().unwrap();
        // Compressed elements have no padding.
        let tag = [self.word(15), self.word(data.len() as u32)].concat();
        [tag, data].concat()
    }

    /// A file with these variables.
    pub fn file(&self, variables: &[u8]) -> Vec<u8> {
        let end: &[u8] = if self.big_endian {
            &[1, 0, b'M', b'I']
        } else {
            &[0, 1, b'I', b'M']
        };
        [&[b' '; 124], end, variables].concat()
    }
}
