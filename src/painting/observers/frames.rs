//! Numbered pictures of a run as it goes on.

use crate::files::picture::{OutputFile, PictureError};
use crate::painting::Iteration;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;

/// After which iterations a picture is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameSchedule {
    /// 1, 2, 3, 4, 5, 10, 20, then every 20th: most happens early.
    #[default]
    Classic,
    /// Every Nth.
    Every(usize),
}

impl FrameSchedule {
    /// Whether a picture is written after this iteration.
    pub fn includes(self, iteration: usize) -> bool {
        match self {
            Self::Classic => matches!(iteration, 1..=5 | 10) || iteration.is_multiple_of(20),
            Self::Every(n) => iteration.is_multiple_of(n),
        }
    }
}

/// A text that is not a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("write classic, or a number N for every Nth iteration")]
pub struct InvalidSchedule;

impl FromStr for FrameSchedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        match (text, text.parse()) {
            ("classic", _) => Ok(Self::Classic),
            (_, Ok(n @ 1..)) => Ok(Self::Every(n)),
            _ => Err(InvalidSchedule),
        }
    }
}

/// Writes frames to a folder: `00020.png` is the picture after iteration 20.
pub struct Frames {
    folder: PathBuf,
    schedule: FrameSchedule,
}

impl Frames {
    /// Frames in `folder`, which is created if it does not exist.
    ///
    /// # Errors
    /// If it cannot be created, or no file can be created in it.
    pub fn create(folder: PathBuf, schedule: FrameSchedule) -> Result<Self, PictureError> {
        // If it cannot be created, the file below cannot be either, and says so.
        let _ = std::fs::create_dir_all(&folder);
        let frames = Self { folder, schedule };
        OutputFile::new(&frames.place(1)).map(|_| frames)
    }

    fn place(&self, iteration: usize) -> PathBuf {
        self.folder.join(format!("{iteration:05}.png"))
    }

    /// Whether a file has the name of a frame, so that a frame may replace it.
    pub fn may_replace(file: &Path) -> bool {
        let stem = file
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or("");
        let number = stem.len() >= 5 && stem.bytes().all(|letter| letter.is_ascii_digit());
        number && file.extension().is_some_and(|ending| ending == "png")
    }

    /// Writes the picture of this iteration if the schedule includes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn observe(&mut self, iteration: &Iteration) -> Result<(), PictureError> {
        if !self.schedule.includes(iteration.iteration) {
            return Ok(());
        }
        OutputFile::new(&self.place(iteration.iteration))?.write(&iteration.sketch())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classic_schedule_is_dense_at_first() {
        let kept: Vec<_> = (1..=65)
            .filter(|&iteration| FrameSchedule::Classic.includes(iteration))
            .collect();
        assert_eq!(kept, [1, 2, 3, 4, 5, 10, 20, 40, 60]);
    }

    #[test]
    fn a_schedule_is_classic_or_a_number() {
        assert_eq!("classic".parse(), Ok(FrameSchedule::Classic));
        assert_eq!("7".parse(), Ok(FrameSchedule::Every(7)));
        for bad in ["", "0", "-1", "often"] {
            assert!(bad.parse::<FrameSchedule>().is_err(), "{bad:?}");
        }
    }
}
