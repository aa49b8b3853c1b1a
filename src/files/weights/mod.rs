//! The network's weights: read from a file, or from bytes built into the program.
//!
//! All formats give the same [`Weights`]: kernels 3 × 3 × Cin × Cout (HWIO) in `f32`, for RGB
//! pixels in 0..255 minus [`vgg::MEAN`](crate::vgg::MEAN).
//!
//! A file is read in these steps, each in the module of that name:
//!
//! 1. `format` detects the format.
//! 2. `safetensors`, `pytorch` (with `pickle`), `matconvnet` (with `matlab`), `keras` or `numpy` lists the arrays. `tensor`
//!    decodes an array when its values are needed.
//! 3. `names` assigns the arrays to layers.
//! 4. `convolutions` checks the shapes and builds kernels and biases; `batch_norm` folds batch normalization in.
//! 5. `read` finds out which pixels the network expects; `convention` converts the first convolution to those above.
//!
//! Files may come from anywhere. No reader trusts a length in a file, recurses without a limit, or allocates more memory than
//! a convolution needs.

mod batch_norm;
mod built_in;
mod contents;
mod convention;
mod convolutions;
mod digests;
mod error;
mod format;
mod keras;
mod load;
mod locate;
mod matconvnet;
mod matlab;
mod names;
mod numpy;
mod pickle;
mod published;
mod pytorch;
mod random;
mod read;
mod safetensors;
mod tensor;
mod write;
mod zip_file;

pub use built_in::built_in;
pub use bytes::Bytes;
pub use convention::Convention;
#[cfg(feature = "cli")]
pub(crate) use digests::Digests;
pub use error::{
    InvalidWeights, NoSuchConvolution, ReadError, UnknownConvention, WeightsError, WriteError,
};
pub use format::Format;
pub use load::load;
pub use locate::{ENVIRONMENT, Source, locate, places};
#[cfg(feature = "cli")]
pub(crate) use published::PUBLISHED;
pub use read::{Loaded, ReadOptions, read};
pub use write::Precision;

use crate::vgg::{Architecture, LayerKind, LayerSpec};
use ndarray::{Array1, Array4};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The convolutions of a VGG network: all from conv1_1 through some deepest one.
#[derive(Clone, Debug)]
pub struct Weights {
    architecture: Architecture,
    convs: BTreeMap<String, ConvWeights>,
}

/// The weights of one convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvWeights {
    /// 3 × 3 × Cin × Cout (HWIO).
    pub kernel: Array4<f32>,
    /// Cout.
    pub bias: Array1<f32>,
}

impl Weights {
    /// Reads the weights from the source that [`locate`] returned.
    ///
    /// # Errors
    /// If the source cannot be read, or does not contain the weights of VGG-16 or VGG-19.
    pub fn load(source: &Source) -> Result<Self, WeightsError> {
        load(source, None).map(|loaded| loaded.weights)
    }

    /// Checks `convs` (by layer name, `conv1_1`), and makes them the weights of the first of `candidates` that has all these
    /// layers.
    ///
    /// # Errors
    /// If no candidate has all these layers, if a layer is missing before the deepest one, or if a layer has the wrong shape
    /// or a value that is not finite.
    pub fn new(
        convs: BTreeMap<String, ConvWeights>,
        candidates: &[Architecture],
    ) -> Result<Self, InvalidWeights> {
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

    /// The first of `candidates` that has all these layers. They must be its first convolutions, without a gap.
    fn architecture_of<'a>(
        names: impl Iterator<Item = &'a str>,
        candidates: &[Architecture],
    ) -> Result<Architecture, InvalidWeights> {
        let names: Vec<&str> = names.collect();
        if names.is_empty() {
            return Err(InvalidWeights::NoConvolution);
        }
        let has_layer = |candidate: &Architecture, name: &str| candidate.find(name).is_ok();
        let architecture = (candidates.iter())
            .find(|candidate| names.iter().all(|name| has_layer(candidate, name)))
            .ok_or_else(|| {
                let known: Vec<_> = candidates.iter().map(|known| known.name).collect();
                let is_unknown =
                    |name: &&&str| !candidates.iter().any(|known| has_layer(known, name));
                let example = names.iter().find(is_unknown).or(names.last());
                InvalidWeights::NotVgg(format!(
                    "it has {} layers, among them {}, and is not {}",
                    names.len(),
                    example.unwrap_or(&"none"),
                    known.join(" or ")
                ))
            })?;
        let layers = architecture.layers();
        let convs = layers.iter().filter(|spec| spec.kind != LayerKind::Pool);
        let mut expected = convs.take(names.len());
        if let Some(missing) = expected.find(|spec| !names.contains(&spec.name.as_str())) {
            return Err(InvalidWeights::MissingLayer {
                layer: missing.name.clone(),
                architecture: architecture.name,
            });
        }
        Ok(*architecture)
    }

    /// The network that these weights are for.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The weights of all convolutions, by the names of their layers.
    #[cfg(feature = "cli")]
    pub(crate) fn convs(&self) -> &BTreeMap<String, ConvWeights> {
        &self.convs
    }

    /// The weights of the convolution `name`; `None` for a pooling layer or a missing convolution.
    pub fn conv(&self, name: &str) -> Option<&ConvWeights> {
        self.convs.get(name)
    }

    /// How many of [`Architecture::layers`] can be computed with these weights.
    ///
    /// If convolutions are missing, the last layer is the deepest convolution. The pooling layer behind it is not counted:
    /// VGG-16 and VGG-19 pool at different depths, and incomplete weights may be of either.
    pub fn depth(&self) -> usize {
        let layers = self.architecture.layers();
        let is_missing =
            |spec: &LayerSpec| spec.kind != LayerKind::Pool && !self.convs.contains_key(&spec.name);
        match layers.iter().position(is_missing) {
            None => layers.len(),
            Some(first) if layers[first - 1].kind == LayerKind::Pool => first - 1,
            Some(first) => first,
        }
    }
}

/// Checks that a convolution has the shape of its layer and only finite values.
fn check(
    layer: &str,
    conv: &ConvWeights,
    inputs: usize,
    outputs: usize,
) -> Result<(), InvalidWeights> {
    let check_shape = |part: &str, found: &[usize], expected: &[usize]| {
        if found == expected {
            return Ok(());
        }
        Err(InvalidWeights::WrongShape {
            array: format!("the {part} of layer {layer}"),
            found: found.to_vec(),
            expected: vec![expected.to_vec()],
        })
    };
    check_shape("kernel", conv.kernel.shape(), &[3, 3, inputs, outputs])?;
    check_shape("bias", conv.bias.shape(), &[outputs])?;
    if !conv.kernel.iter().chain(&conv.bias).all(|w| w.is_finite()) {
        return Err(InvalidWeights::NotFinite {
            layer: layer.to_owned(),
        });
    }
    Ok(())
}
