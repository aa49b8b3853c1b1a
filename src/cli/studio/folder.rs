//! The user's folder: paintings in it, and beside them, in a hidden folder, what the studio needs to go on after a crash.

use crate::files::atomic_file::AtomicFile;
use anyhow::{Context, anyhow};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The hidden folder.
const HIDDEN: &str = ".studio";

/// The user's folder.
pub struct Folder {
    path: PathBuf,
    /// Held while the studio runs.
    _lock: File,
}

impl Folder {
    /// Creates it, unless it exists, and locks it: only one studio at a time uses a folder.
    ///
    /// # Errors
    /// If it cannot be created or written, or another studio uses it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let hidden = path.join(HIDDEN);
        for folder in [
            path,
            &hidden,
            &hidden.join("pictures"),
            &hidden.join("runs"),
        ] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{}: this folder cannot be created", folder.display()))?;
        }
        let lock = hidden.join("lock");
        let lock = File::create(&lock)
            .with_context(|| format!("{}: cannot be written", lock.display()))?;
        match lock.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                return Err(anyhow!(
                    "{shown}: another studio uses this folder; end it, or name another folder with --folder"
                ));
            }
            Err(TryLockError::Error(error)) => {
                return Err(anyhow!("{shown}: this folder cannot be locked: {error}"));
            }
        }
        let path = path.canonicalize();
        Ok(Self {
            path: path.with_context(|| format!("{shown}: cannot be read"))?,
            _lock: lock,
        })
    }

    /// Where the paintings are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the pictures are that paintings are made from.
    pub fn pictures(&self) -> PathBuf {
        self.path.join(HIDDEN).join("pictures")
    }

    /// The checkpoint of the run with this number.
    pub fn checkpoint(&self, run: u64) -> PathBuf {
        let runs = self.path.join(HIDDEN).join("runs");
        runs.join(format!("{run}.checkpoint"))
    }

    /// A file for a painting that does not exist yet: `TITLE.png`, or with a number.
    pub fn new_painting(&self, title: &str, taken: impl Fn(&Path) -> bool) -> PathBuf {
        let numbered = (2..).map(|number| format!("{title} {number}.png"));
        let mut paths = std::iter::once(format!("{title}.png"))
            .chain(numbered)
            .map(|name| self.path.join(name));
        let new = paths.find(|path| !path.exists() && !taken(path));
        new.expect("there is always another number")
    }

    /// What was saved under this name; `None` if nothing was, or it cannot be read by this version.
    pub fn load<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let text = std::fs::read(self.saved(name)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Saves something under this name: all of it, or nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_vec(value).context("the state of the studio")?;
        write(&self.saved(name), &text)
    }

    fn saved(&self, name: &str) -> PathBuf {
        self.path.join(HIDDEN).join(format!("{name}.json"))
    }
}

/// Writes a file: all of it, or nothing.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = AtomicFile::new(path).and_then(|file| file.write(|file| file.write_all(bytes)));
    written.with_context(|| path.display().to_string())
}
