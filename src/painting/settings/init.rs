//! The first picture of a run.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The first picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Init {
    /// The photograph.
    Content,
    /// Noise, uniform in −20..20 about the mean color, mixed with the photograph.
    Noise,
    /// Noise alone, uniform over all values of a pixel.
    Random,
    /// A picture file. Whoever runs the settings reads it, into [`Inputs::initial`](crate::painting::Inputs::initial).
    File(PathBuf),
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content => f.write_str("content"),
            Self::Noise => f.write_str("noise"),
            Self::Random => f.write_str("random"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for Init {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "content" => Self::Content,
            "noise" => Self::Noise,
            "random" => Self::Random,
            file => Self::File(file.into()),
        })
    }
}
