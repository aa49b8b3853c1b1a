//! Checkpoints of a run: when they are written, and what they say about the run.

use crate::cli::args::{CheckpointOptions, Interval};
use crate::cli::request::RunRequest;
use crate::engine::{Cpu, EngineKind};
use crate::files::AtomicFileError;
use crate::files::checkpoint::CheckpointFile;
use crate::files::weights::Digests;
use crate::painting::Iteration;
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a checkpoint says about its run, as JSON.
#[derive(Clone, Serialize, Deserialize)]
pub struct RunDescription {
    /// The folder in which the program was started: names of files are relative to it.
    pub folder: PathBuf,
    pub request: RunRequest,
    /// The instruction set of the fast engine; `None` for the reference engine.
    cpu: Option<String>,
    /// The SHA-256 of each file that is read.
    digests: BTreeMap<PathBuf, String>,
    /// How many processes paint it. Each has a checkpoint of its own.
    pub processes: usize,
}

impl RunDescription {
    /// Describes a run of this many `processes` that reads these files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn new(
        request: &RunRequest,
        engine: EngineKind,
        files: &[&Path],
        processes: usize,
    ) -> anyhow::Result<Self> {
        let digests = files
            .iter()
            .map(|file| Ok((file.to_path_buf(), digest(file)?)));
        Ok(Self {
            folder: std::env::current_dir().context("the current folder cannot be found")?,
            request: request.clone(),
            cpu: cpu_name(engine),
            digests: digests.collect::<anyhow::Result<_>>()?,
            processes,
        })
    }

    /// A description in JSON with another engine: that of another process.
    pub fn computed_by(json: &str, engine: EngineKind) -> String {
        let Ok(mut description) = serde_json::from_str::<Self>(json) else {
            return json.to_owned(); // there is none, as there are no checkpoints
        };
        description.cpu = cpu_name(engine);
        serde_json::to_string(&description).expect("it was text before")
    }

    /// What all processes of a run say of it.
    pub fn in_common(self) -> String {
        let description = Self { cpu: None, ..self };
        serde_json::to_string(&description).expect("it was text before")
    }

    /// The files whose contents have changed, or which are missing.
    pub fn changed(&self) -> Vec<&Path> {
        let changed =
            |(file, before): &(&PathBuf, &String)| digest(file).map_or(true, |now| now != **before);
        let files = self.digests.iter().filter(changed);
        files.map(|(file, _)| file.as_path()).collect()
    }

    /// The engine that the run was begun with. If this CPU does not have its instruction set, the widest that it has, after a warning.
    pub fn engine(&self, warn: impl FnOnce(String)) -> EngineKind {
        let Some(name) = &self.cpu else {
            return EngineKind::Reference;
        };
        EngineKind::Fast(Cpu::named(name).unwrap_or_else(|_| {
            let widest = Cpu::widest();
            warn(format!(
                "the run was begun on a CPU with {name}, and continues with {widest}: the last digits will differ"
            ));
            widest
        }))
    }
}

/// The name of the checkpoint of the process of this rank: that of the first is the one that the user named.
pub fn of_process(checkpoint: &Path, rank: usize) -> PathBuf {
    let mut name = checkpoint.as_os_str().to_owned();
    if rank > 0 {
        name.push(format!(".{rank}"));
    }
    name.into()
}

/// What a checkpoint of this run is to say about it, in JSON.
///
/// # Errors
/// If the name of a file is not text.
pub fn to_json(description: &RunDescription, checkpoint: &Path) -> anyhow::Result<String> {
    let shown = checkpoint.display();
    serde_json::to_string(description)
        .map_err(|_| anyhow!("{shown}: --checkpoint: it needs files whose names are text"))
}

fn cpu_name(engine: EngineKind) -> Option<String> {
    match engine {
        EngineKind::Fast(cpu) => Some(cpu.name().to_owned()),
        EngineKind::Reference => None,
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
    /// Those of the process of this rank, as the options ask for them; `None` if they do not. They are of a run with this
    /// `description`.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn create(
        options: &CheckpointOptions,
        rank: usize,
        description: String,
    ) -> anyhow::Result<Option<Self>> {
        let Some(path) = &options.checkpoint else {
            return Ok(None);
        };
        let path = of_process(path, rank);
        let shown = path.display();
        Ok(Some(Self {
            file: CheckpointFile::new(&path)
                .map_err(|error| anyhow!("{shown}: --checkpoint: {error}"))?,
            interval: options.checkpoint_every,
            description,
            last: Instant::now(),
            failed: false,
        }))
    }

    /// Writes a checkpoint if it is due, or if it `must` be written. All other processes write theirs then.
    ///
    /// # Errors
    /// Why it cannot be written, unless the last one could not be written either.
    pub fn observe(&mut self, iteration: &Iteration, must: bool) -> Result<(), AtomicFileError> {
        let due = match self.interval {
            Interval::Iterations(number) => iteration.iteration.is_multiple_of(number),
            Interval::Time(time) => self.last.elapsed() >= time,
        };
        if !(due || must) {
            return Ok(());
        }
        iteration.call_others();
        let written = self.write(iteration);
        self.last = Instant::now();
        let failed_before = std::mem::replace(&mut self.failed, written.is_err());
        match written {
            Err(error) if !failed_before => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes a checkpoint if all processes can write theirs.
    ///
    /// # Errors
    /// Why it cannot be written here, or by another process.
    pub fn write(&self, iteration: &Iteration) -> Result<(), AtomicFileError> {
        let world = iteration.world();
        let hear = |own: Option<String>| match world.first_trouble(own) {
            None => Ok(()),
            Some((rank, trouble)) => Err(io::Error::other(format!("process {rank}: {trouble}"))),
        };
        let mut heard = None;
        let agree = || {
            let all = hear(None);
            heard = Some(all.is_ok());
            all
        };
        let written = self.file.write(&self.description, iteration.state, agree);
        let own = written.as_ref().err().map(ToString::to_string);
        match heard {
            // The others wait to hear whether its content is on the disk.
            None => drop(hear(own)),
            Some(false) => (),
            // All have it; but did it take its place everywhere?
            Some(true) => {
                let all = hear(own).map_err(AtomicFileError::CannotWrite);
                return written.and(all);
            }
        }
        written
    }

    /// Removes them: the picture is written.
    pub fn remove(&self) {
        self.file.remove();
    }
}
