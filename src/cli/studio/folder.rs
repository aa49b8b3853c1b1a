//! The user's folder: paintings in it, and beside them, in a hidden folder, what the studio needs to go on after a crash.

use crate::files::atomic_file::AtomicFile;
use crate::files::checkpoint::previous;
use crate::painting::StylizeError;
use anyhow::{Context, anyhow};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write};
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
            &hidden.join("thumbs"),
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

    /// The small picture of the painting with this name, as it was written at this time.
    pub fn thumb(&self, painting: &str, time: u64) -> PathBuf {
        let thumbs = self.path.join(HIDDEN).join("thumbs");
        thumbs.join(format!("{painting}-{time}.jpg"))
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

    /// What was saved under this name; `None` if nothing was. What this version cannot read is kept under another name.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn load<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        load(&self.saved(name))
    }

    /// Removes the checkpoint of the run with this number.
    pub fn remove_checkpoint(&self, run: u64) {
        let path = self.checkpoint(run);
        let _ = std::fs::remove_file(previous(&path));
        let _ = std::fs::remove_file(path);
    }

    /// Removes the checkpoints of all runs but these.
    pub fn keep_checkpoints_of(&self, runs: &[u64]) {
        let checkpoints = runs.iter().map(|run| self.checkpoint(*run));
        let kept = checkpoints.flat_map(|path| [previous(&path), path]);
        self.keep_only("runs", &kept.collect());
    }

    /// Removes all small pictures of paintings but these.
    pub fn keep_thumbs(&self, kept: &BTreeSet<PathBuf>) {
        self.keep_only("thumbs", kept);
    }

    /// Removes all files of a folder but these.
    fn keep_only(&self, folder: &str, kept: &BTreeSet<PathBuf>) {
        let folder = self.path.join(HIDDEN).join(folder);
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if !kept.contains(&entry.path()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Keeps the checkpoint of a run that failed, unless it would fail again, where `impasto resume` finds it. Returns what to say about it.
    pub fn keep_checkpoint(&self, run: u64, error: &anyhow::Error) -> String {
        let diverged = matches!(error.downcast_ref(), Some(StylizeError::Diverged { .. }));
        let path = self.checkpoint(run);
        let mut folders =
            (1..).map(|number| self.path.join(HIDDEN).join(format!("failed-{number}")));
        let kept = folders
            .find(|path| !path.exists())
            .expect("there is always another number");
        if diverged || !path.exists() || std::fs::rename(&path, &kept).is_err() {
            return String::new();
        }
        format!("; impasto resume '{}' continues it", kept.display())
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

/// What a file has, as JSON; `None` if there is no such file. One that this version cannot read is kept under another name.
///
/// # Errors
/// If it cannot be read.
pub fn load<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| path.display().to_string())?,
    };
    let value = serde_json::from_slice(&text);
    if value.is_err() {
        let _ = std::fs::rename(path, path.with_extension("json.unreadable"));
    }
    let shown = path.display();
    Ok(Some(value.with_context(|| {
        format!("{shown}: not of this version of impasto")
    })?))
}

/// Writes a file: all of it, or nothing.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = AtomicFile::new(path).and_then(|file| file.write(|file| file.write_all(bytes)));
    written.with_context(|| path.display().to_string())
}
