//! What the readers of all formats return: the arrays of a file, none of them decoded yet.

use super::ReadError;
use super::convention::Convention;
use super::tensor::Tensor;

/// The contents of a file.
pub(super) struct Contents {
    pub tensors: Vec<Tensor>,
    /// What the file states about the pixels, or why that statement cannot be understood.
    pub pixels: Result<StatedPixels, ReadError>,
}

/// What a file states about the pixels that its network was trained on. Most files state nothing.
#[derive(Default)]
pub(super) struct StatedPixels {
    pub convention: Option<Convention>,
    /// In the network's order of channels.
    pub mean: Option<[f64; 3]>,
}

impl From<Vec<Tensor>> for Contents {
    fn from(tensors: Vec<Tensor>) -> Self {
        Self {
            tensors,
            pixels: Ok(StatedPixels::default()),
        }
    }
}
