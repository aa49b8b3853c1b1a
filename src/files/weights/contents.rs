//! What a file has, before any of its numbers are read: what every format's reader returns.

use super::convention::Convention;
use super::tensor::Tensor;

/// The tensors of a file.
pub(super) struct Contents {
    pub tensors: Vec<Tensor>,
    /// What it says of the pixels, or why that cannot be understood.
    pub stated: Result<Stated, String>,
}

/// What a file says of the pixels that its network was trained on.
#[derive(Default)]
pub(super) struct Stated {
    pub convention: Option<Convention>,
    /// In the network's order of channels.
    pub mean: Option<[f64; 3]>,
}

impl From<Vec<Tensor>> for Contents {
    fn from(tensors: Vec<Tensor>) -> Self {
        let stated = Ok(Stated::default());
        Self { tensors, stated }
    }
}
