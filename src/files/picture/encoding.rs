//! How a picture is encoded, and which formats support it.

use image::ImageFormat;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The most text in a picture file, in bytes of keys and texts.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 20;

/// The longest key of a text, in characters of Latin-1 (PNG, third edition, 11.3.3).
const MAX_KEY_CHARS: usize = 79;

/// How a picture is encoded. The default works for every format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// Bits per channel. Only PNG and TIFF store 16.
    pub depth: Depth,
    /// The quality of a JPEG, 1 to 100. `None` means 95. Other formats have no quality.
    pub quality: Option<u8>,
    /// Whether the alpha channel is written, if the picture has one. Only PNG, WebP, TIFF, TGA and QOI store it.
    pub alpha: bool,
    /// Texts to store with the picture: pairs of a key and a text, at most 1 MiB in total. Only PNG stores them; other
    /// formats omit them.
    pub text: Vec<(String, String)>,
}

/// Bits per channel, written `8` or `16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Depth {
    /// 8 bits, enough for display.
    #[default]
    Eight,
    /// 16 bits, for further editing.
    Sixteen,
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eight => "8",
            Self::Sixteen => "16",
        })
    }
}

/// The text is not a [`Depth`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("write 8 or 16 (bits per channel)")]
pub struct ParseDepthError;

impl FromStr for Depth {
    type Err = ParseDepthError;

    fn from_str(text: &str) -> Result<Self, ParseDepthError> {
        match text {
            "8" => Ok(Self::Eight),
            "16" => Ok(Self::Sixteen),
            _ => Err(ParseDepthError),
        }
    }
}

/// Why a format cannot store a picture with an [`Encoding`].
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodingError {
    /// 16 bits per channel, in a format with 8.
    #[error("this format stores 8 bits per channel; for 16 bits, write png or tif")]
    Depth,
    /// A quality, in a format other than JPEG.
    #[error("only jpg has a quality setting; this format has none")]
    NoQuality,
    /// A quality that is not from 1 to 100.
    #[error("quality {0} is not from 1 to 100")]
    QualityOutOfRange(u8),
    /// An alpha channel, in a format without one.
    #[error("this format cannot store transparency; write png, webp, tif, tga or qoi")]
    Alpha,
    /// More than 1 MiB of keys and texts.
    #[error("more than 1 MiB of text cannot be stored with a picture")]
    TooMuchText,
    /// A key that PNG does not allow.
    #[error("{0:?} cannot be the key of a text")]
    InvalidKey(String),
    /// A text with a zero byte. Holds its key.
    #[error("the text {0:?} contains a zero byte")]
    ZeroByte(String),
}

impl Encoding {
    /// Checks that `format` can store a picture with this encoding.
    pub(super) fn check(&self, format: ImageFormat) -> Result<(), EncodingError> {
        use ImageFormat::{Jpeg, Png, Qoi, Tga, Tiff, WebP};
        if self.depth == Depth::Sixteen && !matches!(format, Png | Tiff) {
            return Err(EncodingError::Depth);
        }
        if let Some(quality) = self.quality {
            if format != Jpeg {
                return Err(EncodingError::NoQuality);
            }
            if !(1..=100).contains(&quality) {
                return Err(EncodingError::QualityOutOfRange(quality));
            }
        }
        if self.alpha && !matches!(format, Png | WebP | Tiff | Tga | Qoi) {
            return Err(EncodingError::Alpha);
        }
        self.check_text()
    }

    fn check_text(&self) -> Result<(), EncodingError> {
        let bytes: usize = (self.text.iter())
            .map(|(key, text)| key.len() + text.len())
            .sum();
        if bytes > MAX_TEXT_BYTES {
            return Err(EncodingError::TooMuchText);
        }
        for (key, text) in &self.text {
            if !is_valid_key(key) {
                return Err(EncodingError::InvalidKey(key.clone()));
            }
            if text.contains('\0') {
                return Err(EncodingError::ZeroByte(key.clone()));
            }
        }
        Ok(())
    }
}

/// Whether a key consists of printable Latin-1 characters, with single spaces only inside (PNG, third edition, 11.3.3).
fn is_valid_key(key: &str) -> bool {
    let is_printable = |c: char| matches!(c, ' '..='~' | '¡'..='ÿ');
    (1..=MAX_KEY_CHARS).contains(&key.chars().count())
        && key.chars().all(is_printable)
        && key.trim() == key
        && !key.contains("  ")
}
