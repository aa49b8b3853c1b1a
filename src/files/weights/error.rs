//! Why weights cannot be found, read, used or written.

use super::locate::{ENVIRONMENT, FILE_NAME};
use super::tensor::format_shape;
use crate::files::atomic_file::AtomicFileError;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why weights cannot be loaded.
///
/// Each message is one line that a user can act on. The messages of causes are part of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// No file was named, no weights are built in, and no file is in the default places.
    #[error(
        "no weights: this program was built without them, neither --weights nor {ENVIRONMENT} names a file, \
         and there is no {}; copy {FILE_NAME} from the project's data/ folder to one of these places, \
         or name a file with --weights",
        places.iter().map(|place| place.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotFound {
        /// The files that were looked for.
        places: Vec<PathBuf>,
    },
    /// The file does not exist or cannot be read.
    #[error("{}: {}", path.display(), crate::files::os_reason(error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system reports.
        error: io::Error,
    },
    /// The path is a folder, a pipe or a device.
    #[error("{}: not a file but {kind}; name a weights file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// `a folder`, or `a pipe or a device`.
        kind: &'static str,
    },
    /// The file is larger than that of any VGG network.
    #[error("{}: {megabytes} MB is too large for the weights of a VGG network", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in units of 2²⁰ bytes.
        megabytes: u64,
    },
    /// The file can be read, but its contents cannot be used.
    #[error("{name}: {problem}")]
    Unusable {
        /// The path of the file, or `the built-in weights`.
        name: String,
        /// What is wrong with the contents.
        problem: ReadError,
    },
}

/// Why the bytes of a file cannot be used as weights.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes are something else than a weights file; the message says what they seem to be.
    #[error("{0}")]
    NotWeights(String),
    /// The file is cut short or damaged.
    #[error("{0}")]
    Damaged(String),
    /// The file is intact, but uses a version, a type or a feature that is not supported.
    #[error("{0}")]
    Unsupported(String),
    /// The arrays were found, but are not the weights of a VGG network.
    #[error(transparent)]
    Invalid(#[from] InvalidWeights),
}

impl ReadError {
    pub(super) fn not_weights(message: impl Into<String>) -> Self {
        Self::NotWeights(message.into())
    }

    pub(super) fn damaged(message: impl Into<String>) -> Self {
        Self::Damaged(message.into())
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::Unsupported(message.into())
    }

    /// The same error, with the name of the array or file that it is about in front.
    pub(super) fn in_part(self, name: &str) -> Self {
        match self {
            Self::NotWeights(message) => Self::NotWeights(format!("{name}: {message}")),
            Self::Damaged(message) => Self::Damaged(format!("{name}: {message}")),
            Self::Unsupported(message) => Self::Unsupported(format!("{name}: {message}")),
            Self::Invalid(error) => Self::Invalid(error),
        }
    }
}

/// Why arrays are not the weights of a VGG network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidWeights {
    /// There is not one convolution.
    #[error("there is no convolution in it")]
    NoConvolution,
    /// The layers or the names of the arrays are not those of any network that was allowed.
    #[error("{0}")]
    NotVgg(String),
    /// A convolution is missing before the deepest one.
    #[error("layer {layer} of {architecture} is missing")]
    MissingLayer {
        /// The missing convolution.
        layer: String,
        /// The network that the other layers belong to.
        architecture: &'static str,
    },
    /// A convolution lacks one of its arrays.
    #[error("the {part} of layer {layer} is missing")]
    MissingPart {
        /// The convolution.
        layer: String,
        /// `kernel`, `bias`, or an array of batch normalization.
        part: &'static str,
    },
    /// Two arrays have the same role in one layer.
    #[error("{first} and {second} are both the {part} of layer {layer}")]
    Duplicate {
        /// The layer.
        layer: String,
        /// The role.
        part: &'static str,
        /// The name of one array.
        first: String,
        /// The name of the other.
        second: String,
    },
    /// An array has another shape than its layer has.
    #[error(
        "{array} has the shape {}, not {}",
        format_shape(found),
        list_shapes(expected)
    )]
    WrongShape {
        /// The array.
        array: String,
        /// The shape that it has.
        found: Vec<usize>,
        /// The shapes that can be used.
        expected: Vec<Vec<usize>>,
    },
    /// A layer contains NaN or an infinite value.
    #[error("layer {layer} has values that are NaN or infinite")]
    NotFinite {
        /// The layer.
        layer: String,
    },
}

/// `64×3×3×3 or 3×3×3×64`
fn list_shapes(shapes: &[Vec<usize>]) -> String {
    let shapes: Vec<_> = shapes.iter().map(|shape| format_shape(shape)).collect();
    shapes.join(" or ")
}

/// The weights do not contain a convolution that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the weights have no convolution {layer:?}; they have {}", available.join(", "))]
pub struct NoSuchConvolution {
    /// The name that was asked for.
    pub layer: String,
    /// The convolutions that the weights contain, from the pixels on.
    pub available: Vec<String>,
}

/// Why weights cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A value is too large for half precision.
    #[error("there are weights above 65504, too large for f16; write f32")]
    TooLargeForF16,
    /// The arrays cannot be encoded.
    #[error("cannot be encoded: {0}")]
    Encode(safetensors::SafeTensorError),
    /// The file cannot be written.
    #[error("{0}")]
    File(AtomicFileError),
}

/// A name that is none of [`Convention::NAMES`](super::Convention::NAMES).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("write one of {}", super::Convention::NAMES.join(", "))]
pub struct UnknownConvention;
