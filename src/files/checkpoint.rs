//! Checkpoints: a run's [`State`] in a file, from which the run can be taken up after it was killed.
//!
//! The file holds a mark and a version, what the run is about (text of whoever writes it), the state, all as postcard writes it, and
//! at last the SHA-256 of all that. It is written beside its place and renamed, and the checkpoint before it is kept under the same
//! name with `.previous` behind it: whatever moment the power fails at, one of the two is whole.

use crate::files::atomic_file::AtomicFile;
use crate::stylize::State;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What a checkpoint begins with; another number for each change of what it holds.
const MARK: &[u8; 24] = b"impasto checkpoint 0001\n";

/// Bytes of a SHA-256.
const DIGEST: usize = 32;

/// A run so far.
#[derive(Debug, Serialize, Deserialize)]
pub struct Checkpoint<S = State> {
    /// What the run is about: pictures, settings, whatever is needed to set it up again.
    pub about: String,
    /// Where to go on.
    pub state: S,
}

/// A place for the checkpoints of a run.
#[derive(Debug)]
pub struct CheckpointFile(AtomicFile);

impl CheckpointFile {
    /// Checks that a file can be made there. Leaves nothing behind.
    ///
    /// # Errors
    /// What is wrong with the place.
    pub fn new(path: &Path) -> Result<Self, String> {
        AtomicFile::new(path).map(Self)
    }

    /// Writes a checkpoint, and keeps the one before it.
    ///
    /// # Errors
    /// Why it cannot be written; then the one before is still there.
    pub fn write(&self, about: &str, state: &State) -> Result<(), String> {
        let path = self.0.path();
        self.0.write(|file| {
            write_to(file, about, state)?;
            if path.is_file() {
                let previous = previous(path);
                let _ = std::fs::remove_file(&previous); // it need not be there
                // Two names for one file, so that the first is never missing; where a file system knows no links, it is for a moment.
                std::fs::hard_link(path, &previous)
                    .or_else(|_| std::fs::rename(path, &previous))?;
            }
            Ok(())
        })
    }

    /// Removes what was written: the run has ended, and its picture is kept.
    pub fn remove(&self) {
        for path in [self.0.path(), &previous(self.0.path())] {
            let _ = std::fs::remove_file(path); // one that stays does no harm
        }
    }
}

impl Checkpoint {
    /// Reads the checkpoint at `path`, or the one before it if that one is missing or damaged; then with a remark that says so.
    ///
    /// # Errors
    /// One line: what is wrong with the file; or with both, if there are two.
    pub fn open(path: &Path) -> Result<(Self, Option<String>), String> {
        let error = |path: &Path, trouble| format!("{}: {trouble}", path.display());
        let trouble = match read(path) {
            Ok(checkpoint) => return Ok((checkpoint, None)),
            Err(trouble) => error(path, trouble),
        };
        let previous = previous(path);
        if !previous.exists() {
            return Err(trouble);
        }
        match read(&previous) {
            Ok(checkpoint) => {
                let iterations = checkpoint.state.iterations();
                let remark = format!(
                    "{trouble}; going on from the one before it, {}, after iteration {iterations}",
                    previous.display()
                );
                Ok((checkpoint, Some(remark)))
            }
            Err(second) => Err(format!(
                "{trouble}; nor can the one before be used: {}",
                error(&previous, second)
            )),
        }
    }
}

/// Where the checkpoint before the one at `path` is kept.
pub fn previous(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".previous");
    name.into()
}

fn write_to(file: &mut File, about: &str, state: &State) -> io::Result<()> {
    let mut hashing = Hashing {
        sha256: Sha256::new(),
        file: BufWriter::new(file),
    };
    hashing.write_all(MARK)?;
    let about = about.to_owned();
    postcard::to_io(&Checkpoint { about, state }, &mut hashing).map_err(io::Error::other)?;
    let digest = hashing.sha256.finalize();
    hashing.file.write_all(&digest)?;
    hashing.file.flush()
}

fn read(path: &Path) -> Result<Checkpoint, String> {
    let reason = |error: &io::Error| crate::os_reason(error);
    if !std::fs::metadata(path).map_err(|e| reason(&e))?.is_file() {
        return Err("not a file; name a checkpoint".to_owned());
    }
    let bytes = File::open(path)
        .and_then(|file| crate::kernels::map(&file))
        .map_err(|e| reason(&e))?;
    let rest = bytes
        .strip_prefix(MARK)
        .ok_or("not a checkpoint of this version of impasto, or the beginning of one is damaged")?;
    let (content, digest) =
        (rest.split_last_chunk::<DIGEST>()).ok_or("the checkpoint is cut short")?;
    let found = Sha256::new()
        .chain_update(MARK)
        .chain_update(content)
        .finalize();
    if found.as_slice() != digest {
        return Err("the checkpoint is damaged or cut short".to_owned());
    }
    postcard::from_bytes(content)
        .map_err(|_| "not a checkpoint of this version of impasto".to_owned())
}

/// Hashes what it writes.
struct Hashing<W> {
    sha256: Sha256,
    file: W,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
