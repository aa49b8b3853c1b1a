//! Options for checkpoints.

use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use thiserror::Error;

/// Options for checkpoints.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Checkpoints")]
pub struct CheckpointOptions {
    /// Store the state of the run in this file, for impasto resume after a crash. It is removed when the picture is written
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,

    /// How often: after every Nth iteration, or after a time in seconds, minutes or hours: 30s, 5m, 1h
    #[arg(
        long,
        value_name = "N|TIME",
        default_value = "30s",
        requires = "checkpoint"
    )]
    pub checkpoint_every: Interval,
}

/// How often a checkpoint is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Interval {
    Iterations(usize),
    Time(Duration),
}

impl Default for Interval {
    fn default() -> Self {
        Self::Time(Duration::from_secs(30))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("write a number of iterations, or a time: 20, 30s, 5m, 1h")]
pub struct InvalidInterval;

impl FromStr for Interval {
    type Err = InvalidInterval;

    fn from_str(text: &str) -> Result<Self, InvalidInterval> {
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
            _ => Err(InvalidInterval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_written_as_people_write_them() {
        let seconds = |seconds| Ok(Interval::Time(Duration::from_secs(seconds)));
        assert_eq!("20".parse(), Ok(Interval::Iterations(20)));
        assert_eq!("30s".parse(), seconds(30));
        assert_eq!("5m".parse(), seconds(300));
        assert_eq!("1h".parse(), seconds(3600));
        for bad in ["", "0", "0s", "s", "-1", "1.5s", "1d", "99999999999", "5µ"] {
            assert!(bad.parse::<Interval>().is_err(), "{bad:?}");
        }
    }
}
