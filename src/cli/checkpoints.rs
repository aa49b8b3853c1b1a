//! Checkpoints of a run: how often, and what they tell of it.

use super::order::Order;
use super::places::Places;
use anyhow::{Context, anyhow};
use clap::Args;
use impasto::checkpoint::{CheckpointFile, previous};
use impasto::stylize::State;
use impasto::weights::Digests;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// Options of checkpoints.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Runs that survive")]
pub struct CheckpointOptions {
    /// Keep what is needed to go on after a crash in this file, for impasto resume; it is removed when the picture is written
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// How often: after each Nth iteration, or after so many seconds, minutes or hours: 30s, 5m, 1h
    #[arg(
        long,
        value_name = "N|TIME",
        default_value = "30s",
        requires = "checkpoint"
    )]
    checkpoint_every: Every,
}

/// How often a checkpoint is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Every {
    Iterations(usize),
    Time(Duration),
}

impl Default for Every {
    fn default() -> Self {
        Self::Time(Duration::from_secs(30))
    }
}

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, seconds) = match text.char_indices().last() {
            Some((at, 's')) => (&text[..at], Some(1)),
            Some((at, 'm')) => (&text[..at], Some(60)),
            Some((at, 'h')) => (&text[..at], Some(3600)),
            _ => (text, None),
        };
        match (number.parse::<u32>(), seconds) {
            (Ok(number @ 1..), None) => Ok(Self::Iterations(number as usize)),
            (Ok(number @ 1..), Some(seconds)) => {
                Ok(Self::Time(Duration::from_secs(u64::from(number) * seconds)))
            }
            _ => Err("write a number of iterations, or a time: 20, 30s, 5m, 1h".to_owned()),
        }
    }
}

/// What a checkpoint tells of its run.
#[derive(Serialize, Deserialize)]
pub struct About {
    /// Where the program was started: what names of files are relative to.
    pub folder: PathBuf,
    pub order: Order,
    /// The instruction set of the fast engine; none for the reference engine.
    pub cpu: Option<String>,
    /// The SHA-256 of each file that is read.
    pub digests: BTreeMap<PathBuf, String>,
}

impl About {
    /// What there is to tell of a run that reads these files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn new(order: &Order, cpu: Option<String>, files: &[&Path]) -> anyhow::Result<Self> {
        let digests = files
            .iter()
            .map(|file| Ok((file.to_path_buf(), digest(file)?)));
        Ok(Self {
            folder: std::env::current_dir().context("the current folder cannot be found")?,
            order: order.clone(),
            cpu,
            digests: digests.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The files that are no longer what they were, or no longer there.
    pub fn changed(&self) -> Vec<&Path> {
        let changed =
            |(file, before): &(&PathBuf, &String)| digest(file).map_or(true, |now| now != **before);
        let files = self.digests.iter().filter(changed);
        files.map(|(file, _)| file.as_path()).collect()
    }
}

/// The SHA-256 of a file.
///
/// # Errors
/// If it cannot be read.
pub fn digest(file: &Path) -> anyhow::Result<String> {
    let digests = File::open(file).and_then(Digests::of);
    Ok(digests
        .with_context(|| format!("{}: cannot be read", file.display()))?
        .sha256)
}

impl CheckpointOptions {
    /// Checkpoints in this file, so often.
    pub fn new(checkpoint: PathBuf, every: Every) -> Self {
        Self {
            checkpoint: Some(checkpoint),
            checkpoint_every: every,
        }
    }

    /// Checks that the checkpoints can be written where they are to be. A file that is there already is `ours` if the run was
    /// taken up from it.
    ///
    /// # Errors
    /// If they cannot, or another run's are there.
    pub fn check(&self, places: &mut Places, ours: bool) -> anyhow::Result<()> {
        let Some(path) = &self.checkpoint else {
            return Ok(());
        };
        for path in [path, &previous(path)] {
            places.writes("--checkpoint", path)?;
            if path.exists() && !ours {
                let shown = path.display();
                return Err(anyhow!(
                    "{shown}: --checkpoint would replace this file; if it is a checkpoint, impasto resume goes on from it; \
                     else name another, or remove it"
                ));
            }
        }
        let trouble = |trouble| anyhow!("{}: --checkpoint: {trouble}", path.display());
        CheckpointFile::new(path).map(drop).map_err(trouble)
    }
}

/// Writes checkpoints of a run when they are due.
pub struct Checkpoints {
    file: CheckpointFile,
    every: Every,
    about: String,
    last: Instant,
    /// Whether the last one could be written.
    well: bool,
}

impl Checkpoints {
    /// Where the options ask for them.
    ///
    /// # Errors
    /// If they cannot be written, or a file's name is no text.
    pub fn create(
        options: &CheckpointOptions,
        about: impl FnOnce() -> anyhow::Result<About>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(path) = &options.checkpoint else {
            return Ok(None);
        };
        let trouble = |trouble| anyhow!("{}: --checkpoint: {trouble}", path.display());
        Ok(Some(Self {
            file: CheckpointFile::new(path).map_err(|error| trouble(error.to_string()))?,
            every: options.checkpoint_every,
            about: serde_json::to_string(&about()?)
                .map_err(|_| trouble("it needs files with names that are text".to_owned()))?,
            last: Instant::now(),
            well: true,
        }))
    }

    /// Writes one if it is due.
    ///
    /// # Errors
    /// Why it cannot be written, if the one before could.
    pub fn observe(&mut self, state: &State) -> Result<(), String> {
        let due = match self.every {
            Every::Iterations(number) => state.iterations().is_multiple_of(number),
            Every::Time(time) => self.last.elapsed() >= time,
        };
        if due { self.write(state) } else { Ok(()) }
    }

    /// Writes one now.
    ///
    /// # Errors
    /// As [`observe`](Self::observe).
    pub fn write(&mut self, state: &State) -> Result<(), String> {
        let written = (self.file.write(&self.about, state)).map_err(|error| error.to_string());
        self.last = Instant::now();
        let news = std::mem::replace(&mut self.well, written.is_ok());
        written.or_else(|trouble| if news { Err(trouble) } else { Ok(()) })
    }

    /// Removes them: the picture is there.
    pub fn remove(&self) {
        self.file.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        let seconds = |seconds| Ok(Every::Time(Duration::from_secs(seconds)));
        assert_eq!("20".parse(), Ok(Every::Iterations(20)));
        assert_eq!("30s".parse(), seconds(30));
        assert_eq!("5m".parse(), seconds(300));
        assert_eq!("1h".parse(), seconds(3600));
        for bad in ["", "0", "0s", "s", "-1", "1.5s", "1d", "99999999999", "5µ"] {
            assert!(bad.parse::<Every>().is_err(), "{bad:?}");
        }
    }
}
