//! Checkpoints of a run: when they are written, and what they say about the run.

use crate::cli::args::{CheckpointOptions, Interval};
use crate::cli::request::RunRequest;
use crate::cli::terminal::say;
use crate::engine::{Cpu, EngineKind};
use crate::files::AtomicFileError;
use crate::files::checkpoint::CheckpointFile;
use crate::files::weights::Digests;
use crate::painting::State;
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a checkpoint says about its run, as JSON.
#[derive(Serialize, Deserialize)]
pub struct RunDescription {
    /// The folder in which the program was started: names of files are relative to it.
    pub folder: PathBuf,
    pub request: RunRequest,
    /// The instruction set of the fast engine; `None` for the reference engine.
    cpu: Option<String>,
    /// The SHA-256 of each file that is read.
    digests: BTreeMap<PathBuf, String>,
}

impl RunDescription {
    /// Describes a run that reads these files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn new(request: &RunRequest, engine: EngineKind, files: &[&Path]) -> anyhow::Result<Self> {
        let digests = files
            .iter()
            .map(|file| Ok((file.to_path_buf(), digest(file)?)));
        Ok(Self {
            folder: std::env::current_dir().context("the current folder cannot be found")?,
            request: request.clone(),
            cpu: match engine {
                EngineKind::Fast(cpu) => Some(cpu.name().to_owned()),
                EngineKind::Reference => None,
            },
            digests: digests.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The files whose contents have changed, or which are missing.
    pub fn changed(&self) -> Vec<&Path> {
        let changed =
            |(file, before): &(&PathBuf, &String)| digest(file).map_or(true, |now| now != **before);
        let files = self.digests.iter().filter(changed);
        files.map(|(file, _)| file.as_path()).collect()
    }

    /// The engine that the run was begun with. If this CPU does not have its instruction set, the widest that it has, and a warning
    /// is printed.
    pub fn engine(&self) -> EngineKind {
        let Some(name) = &self.cpu else {
            return EngineKind::Reference;
        };
        EngineKind::Fast(Cpu::named(name).unwrap_or_else(|_| {
            let widest = Cpu::widest();
            say(format_args!(
                "warning: the run was begun on a CPU with {name}, and continues with {widest}: the last digits will differ"
            ));
            widest
        }))
    }
}

/// The SHA-256 of a file.
///
/// # Errors
/// If it cannot be read.
pub fn digest(file: &Path) -> anyhow::Result<String> {
    let digests = File::open(file).and_then(Digests::of);
    let digests = digests.with_context(|| format!("{}: cannot be read", file.display()))?;
    Ok(digests.sha256)
}

/// Writes checkpoints of a run when they are due.
pub struct Checkpoints {
    file: CheckpointFile,
    interval: Interval,
    description: String,
    last: Instant,
    /// Whether the last one could not be written.
    failed: bool,
}

impl Checkpoints {
    /// Checkpoints as the options ask for them; `None` if they do not.
    ///
    /// # Errors
    /// If they cannot be written, or the name of a file is not text.
    pub fn create(
        options: &CheckpointOptions,
        describe: impl FnOnce() -> anyhow::Result<RunDescription>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(path) = &options.checkpoint else {
            return Ok(None);
        };
        let shown = path.display();
        let description = serde_json::to_string(&describe()?)
            .map_err(|_| anyhow!("{shown}: --checkpoint: it needs files whose names are text"))?;
        Ok(Some(Self {
            file: CheckpointFile::new(path)
                .map_err(|error| anyhow!("{shown}: --checkpoint: {error}"))?,
            interval: options.checkpoint_every,
            description,
            last: Instant::now(),
            failed: false,
        }))
    }

    /// Writes a checkpoint if it is due, or if it `must` be written.
    ///
    /// # Errors
    /// Why it cannot be written, unless the last one could not be written either.
    pub fn observe(&mut self, state: &State, must: bool) -> Result<(), AtomicFileError> {
        let due = match self.interval {
            Interval::Iterations(number) => state.iterations().is_multiple_of(number),
            Interval::Time(time) => self.last.elapsed() >= time,
        };
        if !(due || must) {
            return Ok(());
        }
        let written = self.file.write(&self.description, state);
        self.last = Instant::now();
        let failed_before = std::mem::replace(&mut self.failed, written.is_err());
        match written {
            Err(error) if !failed_before => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes them: the picture is written.
    pub fn remove(&self) {
        self.file.remove();
    }
}
