//! MATLAB files, level 5, as far as tests need them, in either byte order.

/// A writer of such files.
pub struct Mat {
    pub big_endian: bool,
}

impl Mat {
    fn word(&self, word: u32) -> [u8; 4] {
        if self.big_endian {
            word.to_be_bytes()
        } else {
            word.to_le_bytes()
        }
    }

    /// An element of this type.
    pub fn element(&self, kind: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = [self.word(kind), self.word(data.len() as u32)].concat();
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    /// A value: class, edges, name, and the elements of its contents.
    pub fn value(&self, class: u8, edges: &[u32], name: &str, contents: &[u8]) -> Vec<u8> {
        let flags = [self.word(class.into()), [0; 4]].concat();
        let edges: Vec<u8> = edges.iter().flat_map(|&edge| self.word(edge)).collect();
        let parts = [
            self.element(6, &flags),
            self.element(5, &edges),
            self.element(1, name.as_bytes()),
            contents.to_vec(),
        ];
        self.element(14, &parts.concat())
    }

    /// A double array, its numbers in `f64`.
    pub fn doubles(
        &self,
        name: &str,
        edges: &[u32],
        numbers: impl Iterator<Item = f64>,
    ) -> Vec<u8> {
        let bytes = |number: f64| {
            if self.big_endian {
                number.to_be_bytes()
            } else {
                number.to_le_bytes()
            }
        };
        let data: Vec<u8> = numbers.flat_map(bytes).collect();
        self.value(6, edges, name, &self.element(9, &data))
    }

    /// A struct of one field.
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
