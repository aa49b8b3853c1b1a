//! Why a picture file cannot be read or written.

use super::encoding::EncodingError;
use super::png_text::TextError;
use super::size::MAX_PIXELS;
use super::{EXTENSIONS, Size};
use crate::files::atomic_file::AtomicFileError;
use image::{ImageError, ImageFormat};
use png::DecodingError;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use tiff::TiffError;

/// Why a picture file cannot be read or written. Displays as one line: the path, then the problem.
#[derive(Debug, Error)]
#[error("{}: {kind}", path.display())]
pub struct PictureError {
    path: PathBuf,
    kind: PictureErrorKind,
}

impl PictureError {
    pub(super) fn new(path: &Path, kind: impl Into<PictureErrorKind>) -> Self {
        Self {
            path: path.to_owned(),
            kind: kind.into(),
        }
    }

    /// The picture file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    pub fn kind(&self) -> &PictureErrorKind {
        &self.kind
    }
}

/// What to do about a picture that cannot be read.
const CONVERT: &str = "convert it to PNG or JPEG first";

/// What is wrong with a picture file, or with the place for one. Displays as one line without the path.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PictureErrorKind {
    // The file cannot be read.
    /// The file is missing, or the system cannot read it.
    #[error("{}", crate::files::os_reason(.0))]
    Unreadable(io::Error),
    /// The path names a folder, a device or a pipe.
    #[error("not a file; name a picture file")]
    NotAFile,

    // The file is not a complete picture.
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// The content has no known picture format.
    #[error("not a picture, or a picture in an unknown format; {CONVERT}")]
    NotAPicture,
    /// The file ends before the picture does.
    #[error("the picture is cut short")]
    CutShort,
    /// The decoder rejects the content. Holds the decoder's message on one line.
    #[error("damaged or unusual picture ({0})")]
    Damaged(String),
    /// The width or the height is 0.
    #[error("a picture of {width}x{height} has no pixels")]
    NoPixels {
        /// The declared width.
        width: u32,
        /// The declared height.
        height: u32,
    },

    // The picture is of an unsupported kind.
    /// The format is known, but cannot be read.
    #[error("{0:?} pictures cannot be read; {CONVERT}")]
    UnsupportedFormat(ImageFormat),
    /// The format can be read, but this variant of it cannot. Holds the decoder's message.
    #[error("this kind of picture cannot be read ({0}); {CONVERT}")]
    UnsupportedVariant(String),

    // The picture is too large.
    /// The file is larger than any picture file should be.
    #[error("{megabytes} MB is too large for a picture file")]
    TooManyBytes {
        /// The size of the file in MiB.
        megabytes: u64,
    },
    /// The file declares more than [`MAX_PIXELS`].
    #[error(
        "it declares {width}x{height} pixels; at most {} million are accepted",
        MAX_PIXELS / 1_000_000
    )]
    TooManyPixels {
        /// The declared width.
        width: u32,
        /// The declared height.
        height: u32,
    },
    /// A JPEG has more scans than is plausible.
    #[error("it has {scans} scans; at most {max} are accepted")]
    TooManyScans {
        /// The scans of the file.
        scans: usize,
        /// The largest accepted number.
        max: usize,
    },
    /// The decoder would need more memory than the limit.
    #[error(
        "it needs too much memory (at most {} million pixels are accepted)",
        MAX_PIXELS / 1_000_000
    )]
    TooMuchMemory,

    /// The text of a PNG file cannot be read.
    #[error(transparent)]
    Text(#[from] TextError),

    // The picture cannot be written.
    /// The extension of the file name is missing, or none of [`EXTENSIONS`].
    #[error(
        "the file extension decides the format; use one of {}",
        EXTENSIONS.join(", ")
    )]
    UnknownExtension,
    /// No file can be written at the path.
    #[error(transparent)]
    Place(#[from] AtomicFileError),
    /// The format cannot store the picture with this encoding.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    /// The format cannot store a picture of this size.
    #[error("this format stores at most {max} pixels in width and height, not {size}")]
    TooLargeForFormat {
        /// The longest edge that the format can store.
        max: u32,
        /// The size of the picture.
        size: Size,
    },
    /// The encoder fails.
    #[error("cannot be encoded: {0}")]
    CannotEncode(ImageError),
}

impl PictureErrorKind {
    /// [`Damaged`](Self::Damaged), with the message of a decoder put on one line.
    pub(super) fn damaged(message: impl Display) -> Self {
        Self::Damaged(message.to_string().trim().replace('\n', " "))
    }

    /// Classifies the error of a reader. Decoders also report damage in this way, and places in the file that cannot be.
    pub(super) fn of_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutShort,
            io::ErrorKind::InvalidInput => Self::damaged(error),
            _ if error.raw_os_error().is_some() => Self::Unreadable(error),
            _ => Self::damaged(error),
        }
    }

    /// Classifies the error of a decoder.
    pub(super) fn of_decoder(error: ImageError) -> Self {
        match error {
            ImageError::IoError(error) => Self::of_io(error),
            ImageError::Limits(_) => Self::TooMuchMemory,
            ImageError::Unsupported(error) => Self::UnsupportedVariant(error.to_string()),
            other => Self::damaged(other),
        }
    }

    /// Classifies the error of the decoder of PNG.
    pub(super) fn of_png(error: DecodingError) -> Self {
        match error {
            DecodingError::IoError(error) => Self::of_io(error),
            DecodingError::LimitsExceeded => Self::TooMuchMemory,
            other => Self::damaged(format_args!("PNG: {other}")),
        }
    }

    /// Classifies the error of the decoder of TIFF.
    pub(super) fn of_tiff(error: TiffError) -> Self {
        match error {
            TiffError::IoError(error) => Self::of_io(error),
            TiffError::LimitsExceeded => Self::TooMuchMemory,
            TiffError::UnsupportedError(error) => Self::UnsupportedVariant(error.to_string()),
            other => Self::damaged(format_args!("TIFF: {other}")),
        }
    }
}
