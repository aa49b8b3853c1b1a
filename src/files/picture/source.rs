//! What decoders read: a file, or bytes in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Seek};

/// A file or bytes. Decoders are generic; since they all read this, each is compiled once.
pub type Source<'a> = Box<dyn ReadAndSeek + 'a>;

/// All that decoders need.
pub trait ReadAndSeek: BufRead + Seek {}

impl<R: BufRead + Seek> ReadAndSeek for R {}

/// A file from its start. One source at a time: they share the position in the file.
///
/// # Errors
/// If the system cannot read the file.
pub fn from_start(mut file: &File) -> io::Result<Source<'_>> {
    file.rewind()?;
    Ok(Box::new(BufReader::new(file)))
}

/// These bytes.
pub fn of_bytes(bytes: &[u8]) -> Source<'_> {
    Box::new(Cursor::new(bytes))
}
