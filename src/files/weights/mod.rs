//! The network's weights: read from a file, or from bytes built into the program.
//!
//! Whatever the file, the result is the same [`Weights`]: kernels 3 × 3 × Cin × Cout (HWIO) in `f32`, for RGB pixels
//! 0..255 less [`vgg::MEAN`](crate::vgg::MEAN).
//!
//! The way of a file, each step in the source file of its name: `format` tells what it is; one of `safetensors`, `pytorch` (with
//! `pickle`), `matconvnet` (with `matlab`), `keras` and `numpy` lists its tensors, which `tensor` decodes when they are
//! wanted; `names` finds the layers among them; `read` puts them together, with `batch_norm` and `convention` folded in. No
//! reader trusts a length, recurses without an end, or takes memory for more than a convolution needs.

mod batch_norm;
mod contents;
mod convention;
mod format;
mod keras;
mod known;
mod load;
mod locate;
mod matconvnet;
mod matlab;
mod names;
mod numpy;
mod pickle;
mod pytorch;
mod random;
mod read;
mod safetensors;
mod tensor;
mod write;
mod zip_file;

pub use bytes::Bytes;
pub use convention::Convention;
pub use format::Format;
pub use known::{Digests, Known, PUBLIC};
pub use load::load;
pub use locate::{ENVIRONMENT, Source, locate, places};
pub use read::{Loaded, ReadOptions, read};
pub use write::Precision;

use crate::vgg::{Architecture, LayerKind, LayerSpec};
use ndarray::{Array1, Array4};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tensor::edges;
use thiserror::Error;

/// The convolutions of a VGG network, from conv1_1 down to some layer without a gap.
#[derive(Clone, Debug)]
pub struct Weights {
    architecture: Architecture,
    convs: BTreeMap<String, ConvWeights>,
}

/// The weights of one convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvWeights {
    /// 3 × 3 × Cin × Cout (HWIO).
    pub kernel: Array4<f32>,
    /// Cout.
    pub bias: Array1<f32>,
}

/// Why weights cannot be used.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file is not there, or cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The contents are not weights of a VGG network.
    #[error("{name}: {trouble}")]
    Unusable {
        /// The file, or what else the weights were read from.
        name: String,
        /// What is wrong with it.
        trouble: String,
    },
    /// No weights anywhere.
    #[error("{0}")]
    NotFound(String),
}

impl Weights {
    /// Reads the weights from where [`locate`] found them.
    ///
    /// # Errors
    /// If they cannot be read, or are not those of VGG-16 or VGG-19.
    pub fn load(source: &Source) -> Result<Self, WeightsError> {
        load(source, None).map(|loaded| loaded.weights)
    }

    /// Checked weights: of the first of `candidates` that has a layer for each name in `convs`.
    ///
    /// # Errors
    /// What is wrong, as a sentence, if there is no such candidate, if a layer is missing before the deepest one, or if one
    /// has the wrong shape or a value that is not finite.
    pub fn new(
        convs: BTreeMap<String, ConvWeights>,
        candidates: &[Architecture],
    ) -> Result<Self, String> {
        let architecture = Self::architecture_of(convs.keys().map(String::as_str), candidates)?;
        for spec in architecture.layers() {
            if let (LayerKind::Conv { inputs, outputs }, Some(conv)) =
                (spec.kind, convs.get(&spec.name))
            {
                check(&spec.name, conv, inputs, outputs)?;
            }
        }
        Ok(Self {
            architecture,
            convs,
        })
    }

    /// The first of `candidates` that has all these layers, down to some depth without a gap.
    fn architecture_of<'a>(
        names: impl Iterator<Item = &'a str>,
        candidates: &[Architecture],
    ) -> Result<Architecture, String> {
        let names: Vec<&str> = names.collect();
        if names.is_empty() {
            return Err("there is no convolution in it".to_owned());
        }
        let has = |candidate: &Architecture, name: &str| candidate.find(name).is_ok();
        let architecture = (candidates.iter())
            .find(|candidate| names.iter().all(|name| has(candidate, name)))
            .ok_or_else(|| {
                let known: Vec<_> = candidates.iter().map(|known| known.name).collect();
                let unknown = |name: &&&str| !candidates.iter().any(|known| has(known, name));
                let stranger = names.iter().find(unknown).or(names.last());
                format!(
                    "it has {} layers, with {} among them, and is not {}",
                    names.len(),
                    stranger.unwrap_or(&"none"),
                    known.join(" or ")
                )
            })?;
        let layers = architecture.layers();
        let convs = layers.iter().filter(|spec| spec.kind != LayerKind::Pool);
        let mut deepest = convs.take(names.len());
        if let Some(missing) = deepest.find(|spec| !names.contains(&spec.name.as_str())) {
            let (missing, architecture) = (&missing.name, architecture.name);
            return Err(format!("layer {missing} of {architecture} is missing"));
        }
        Ok(*architecture)
    }

    /// The network that these weights are for.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The weights of the convolution called `name`; none for a pooling layer.
    pub fn conv(&self, name: &str) -> Option<&ConvWeights> {
        self.convs.get(name)
    }

    /// How many of [`Architecture::layers`] these weights serve: through the last convolution that they have.
    ///
    /// The pool behind it counts only if they have all: VGG-16 and VGG-19 pool at different depths, and weights that end
    /// early may be of either.
    pub fn depth(&self) -> usize {
        let layers = self.architecture.layers();
        let missing =
            |spec: &LayerSpec| spec.kind != LayerKind::Pool && !self.convs.contains_key(&spec.name);
        match layers.iter().position(missing) {
            None => layers.len(),
            Some(first) if layers[first - 1].kind == LayerKind::Pool => first - 1,
            Some(first) => first,
        }
    }
}

/// Holds one convolution against the shape that its place in the network asks for.
fn check(name: &str, conv: &ConvWeights, inputs: usize, outputs: usize) -> Result<(), String> {
    let expected = ((3, 3, inputs, outputs), outputs);
    if (conv.kernel.dim(), conv.bias.len()) != expected {
        let (found, bias) = (edges(conv.kernel.shape()), conv.bias.len());
        return Err(format!(
            "layer {name} has a kernel {found} and {bias} biases, not 3×3×{inputs}×{outputs} and {outputs}"
        ));
    }
    if !conv.kernel.iter().chain(&conv.bias).all(|w| w.is_finite()) {
        return Err(format!("layer {name} has values that are NaN or infinite"));
    }
    Ok(())
}
