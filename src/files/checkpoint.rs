//! Checkpoints: the state of a run in a file, so that an interrupted run can continue.
//!
//! Layout of the file: 24 bytes with the version, the [`Checkpoint`] as `postcard` encodes it, and the SHA-256 of everything
//! before.
//!
//! A new checkpoint is written to a temporary file and renamed. The previous checkpoint stays under the same name with
//! `.previous` appended. If the power fails, at least one of the two is complete.

use crate::engine::fast::simd::map_file;
use crate::files::atomic_file::{AtomicFile, AtomicFileError};
use memmap2::Mmap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The first bytes of a checkpoint. The number changes whenever the content does.
const MAGIC: &[u8; 24] = b"impasto checkpoint 0003\n";

/// The length of a SHA-256, in bytes.
const DIGEST_BYTES: usize = 32;

/// The progress of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Checkpoint<S> {
    /// A description of the run: pictures, settings, and whatever else the caller needs to set it up again.
    pub about: String,
    /// The state to continue from.
    pub state: S,
}

/// Why no checkpoint can be read. Displays as one line that starts with the path.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The checkpoint cannot be used, and there is no previous one.
    #[error("{}: {problem}", path.display())]
    Unusable {
        /// The path of the checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        problem: CheckpointProblem,
    },
    /// Neither the checkpoint nor the previous one can be used.
    #[error("{newest}; the previous checkpoint cannot be used either: {previous}")]
    BothUnusable {
        /// What is wrong with the checkpoint.
        newest: Box<CheckpointError>,
        /// What is wrong with the previous one.
        previous: Box<CheckpointError>,
    },
}

/// What is wrong with one checkpoint file.
#[derive(Debug, Error)]
pub enum CheckpointProblem {
    /// The file is missing, or the system cannot read it.
    #[error("{}", crate::files::os_reason(.0))]
    Unreadable(io::Error),
    /// The path names a folder, a device or a pipe.
    #[error("not a file; name a checkpoint")]
    NotAFile,
    /// The file does not start with the magic bytes of this version.
    #[error("not a checkpoint of this version of impasto, or its beginning is damaged")]
    NotACheckpoint,
    /// The content is intact, but this version cannot decode it.
    #[error("not a checkpoint of this version of impasto")]
    OtherVersion,
    /// The file is shorter than its digest.
    #[error("the checkpoint is cut short")]
    CutShort,
    /// The content does not match its digest.
    #[error("the checkpoint is damaged or cut short")]
    Damaged,
}

/// A note that the newest checkpoint is unusable and that the previous one was read instead. Displays as one line.
#[derive(Debug)]
pub struct Fallback {
    newest: CheckpointError,
    previous: PathBuf,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; continuing from the previous checkpoint, {}",
            self.newest,
            self.previous.display()
        )
    }
}

/// A path where the checkpoints of a run are written.
#[derive(Debug)]
pub struct CheckpointFile(AtomicFile);

impl CheckpointFile {
    /// Checks that a file can be created at `path`. Leaves nothing behind.
    ///
    /// # Errors
    /// If no file can be created there.
    pub fn new(path: &Path) -> Result<Self, AtomicFileError> {
        AtomicFile::new(path).map(Self)
    }

    /// Writes a checkpoint, and retains the previous one. Just before it takes its place, `agree` is asked: it may have to wait for other
    /// processes to write theirs.
    ///
    /// # Errors
    /// If the file cannot be written, or `agree` returns an error. The previous checkpoint is still there then.
    pub fn write<S: Serialize>(
        &self,
        about: &str,
        state: &S,
        agree: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), AtomicFileError> {
        let path = self.0.path();
        self.0.write(|file| {
            encode(file, about, state)?;
            file.sync_all()?;
            agree()?;
            if path.is_file() {
                let previous = previous(path);
                let _ = std::fs::remove_file(&previous); // it may not exist
                // A hard link means that `path` always exists. Without links, `path` is missing until the new file is renamed.
                std::fs::hard_link(path, &previous)
                    .or_else(|_| std::fs::rename(path, &previous))?;
            }
            Ok(())
        })
    }

    /// Deletes the checkpoint and the previous one. Call it when the result of the run is saved.
    pub fn remove(&self) {
        for path in [self.0.path(), &previous(self.0.path())] {
            let _ = std::fs::remove_file(path); // a leftover file does no harm
        }
    }
}

impl<S: DeserializeOwned> Checkpoint<S> {
    /// Reads the checkpoint at `path`. If it is missing or damaged, reads the previous one and returns a [`Fallback`] that
    /// says so.
    ///
    /// # Errors
    /// If neither file can be used.
    pub fn open(path: &Path) -> Result<(Self, Option<Fallback>), CheckpointError> {
        let newest = match read(path) {
            Ok(checkpoint) => return Ok((checkpoint, None)),
            Err(error) => error,
        };
        let previous = previous(path);
        if !previous.exists() {
            return Err(newest);
        }
        match read(&previous) {
            Ok(checkpoint) => {
                let fallback = Fallback { newest, previous };
                Ok((checkpoint, Some(fallback)))
            }
            Err(error) => Err(CheckpointError::BothUnusable {
                newest: Box::new(newest),
                previous: Box::new(error),
            }),
        }
    }
}

/// The path of the checkpoint before the one at `path`.
pub fn previous(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".previous");
    name.into()
}

fn encode<S: Serialize>(file: &mut File, about: &str, state: &S) -> io::Result<()> {
    let mut writer = HashingWriter {
        sha256: Sha256::new(),
        inner: BufWriter::new(file),
    };
    writer.write_all(MAGIC)?;
    let about = about.to_owned();
    postcard::to_io(&Checkpoint { about, state }, &mut writer).map_err(io::Error::other)?;
    let digest = writer.sha256.finalize();
    writer.inner.write_all(&digest)?;
    writer.inner.flush()
}

fn read<S: DeserializeOwned>(path: &Path) -> Result<Checkpoint<S>, CheckpointError> {
    let checkpoint = map(path).and_then(|bytes| decode(&bytes));
    checkpoint.map_err(|problem| CheckpointError::Unusable {
        path: path.to_owned(),
        problem,
    })
}

/// The bytes of the file, memory-mapped.
fn map(path: &Path) -> Result<Mmap, CheckpointProblem> {
    let metadata = std::fs::metadata(path).map_err(CheckpointProblem::Unreadable)?;
    if !metadata.is_file() {
        return Err(CheckpointProblem::NotAFile);
    }
    File::open(path)
        .and_then(|file| map_file(&file))
        .map_err(CheckpointProblem::Unreadable)
}

fn decode<S: DeserializeOwned>(bytes: &[u8]) -> Result<Checkpoint<S>, CheckpointProblem> {
    let rest = (bytes.strip_prefix(MAGIC)).ok_or(CheckpointProblem::NotACheckpoint)?;
    let (content, digest) =
        (rest.split_last_chunk::<DIGEST_BYTES>()).ok_or(CheckpointProblem::CutShort)?;
    let found = Sha256::new()
        .chain_update(MAGIC)
        .chain_update(content)
        .finalize();
    if found.as_slice() != digest {
        return Err(CheckpointProblem::Damaged);
    }
    postcard::from_bytes(content).map_err(|_| CheckpointProblem::OtherVersion)
}

/// Hashes the bytes that it writes.
struct HashingWriter<W> {
    sha256: Sha256,
    inner: W,
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
