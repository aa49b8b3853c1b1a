//! Scratch files: arrays on disk, for as long as they are used.

use crate::method::Scalar;
use fs4::FileExt;
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where big arrays are kept.
#[derive(Clone, Debug, Default)]
pub enum Storage {
    /// In memory.
    #[default]
    Memory,
    /// In files of a folder. Such a file has no name, so that the system removes it when the program ends, however it ends.
    Scratch(Arc<Scratch>),
}

/// A folder for scratch files.
///
/// Computations with arrays cannot return errors, so that the first error of a file is kept here. After it the arrays hold garbage, often
/// zeros: the caller asks for [`trouble`](Self::trouble) before it uses them.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    trouble: Mutex<Option<io::Error>>,
}

impl Scratch {
    /// Checks that files can be created in this folder.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn new(folder: &Path) -> io::Result<Self> {
        tempfile::tempfile_in(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            trouble: Mutex::new(None),
        })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many bytes there is space for.
    ///
    /// # Errors
    /// If the system does not say.
    pub(crate) fn available(&self) -> io::Result<u64> {
        fs4::available_space(&self.folder)
    }

    /// The first error of any of its files.
    pub fn trouble(&self) -> Option<io::Error> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(|error| match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        })
    }

    fn note<R>(&self, result: io::Result<R>) -> Option<R> {
        result
            .map_err(|error| {
                let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
                trouble.get_or_insert(error);
            })
            .ok()
    }
}

/// Elements in a scratch file. A clone is a copy.
#[derive(Debug)]
pub(super) struct DiskArray<T> {
    /// `None` if it could not be created.
    file: Option<File>,
    length: usize,
    scratch: Arc<Scratch>,
    element: PhantomData<T>,
}

impl<T: Scalar> DiskArray<T> {
    /// Zeros. The space that they take is reserved at once, so that a full disk is found before the work.
    pub fn new(shape: (usize, usize, usize), scratch: &Arc<Scratch>) -> Self {
        let length = shape.0 * shape.1 * shape.2;
        let file = tempfile::tempfile_in(&scratch.folder).and_then(|file| {
            let bytes = (length * size_of::<T>()) as u64;
            match file.allocate(bytes.max(1)) {
                // Some file systems cannot reserve space.
                Err(error) if error.kind() == io::ErrorKind::Unsupported => file.set_len(bytes)?,
                reserved => reserved?,
            }
            Ok(file)
        });
        Self {
            file: scratch.note(file),
            length,
            scratch: scratch.clone(),
            element: PhantomData,
        }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn scratch(&self) -> &Arc<Scratch> {
        &self.scratch
    }

    /// Fills `elements` with those from this offset on.
    pub fn read(&self, offset: usize, elements: &mut [T]) {
        if let Some(file) = &self.file {
            let bytes = bytemuck::cast_slice_mut(elements);
            self.scratch
                .note(read_at(file, bytes, (offset * size_of::<T>()) as u64));
        }
    }

    /// Overwrites the elements from this offset on.
    pub fn write(&self, offset: usize, elements: &[T]) {
        if let Some(file) = &self.file {
            let bytes = bytemuck::cast_slice(elements);
            self.scratch
                .note(write_at(file, bytes, (offset * size_of::<T>()) as u64));
        }
    }
}

impl<T: Scalar> Clone for DiskArray<T> {
    fn clone(&self) -> Self {
        let copy = Self::new((1, 1, self.length), &self.scratch);
        let mut block = vec![T::zero(); super::blocks::BLOCK.min(self.length)];
        for offset in (0..self.length).step_by(super::blocks::BLOCK) {
            let length = block.len().min(self.length - offset);
            self.read(offset, &mut block[..length]);
            copy.write(offset, &block[..length]);
        }
        copy
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        offset += read as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}
