//! Assigning the arrays of a file to the layers of a network, by their names.
//!
//! | naming scheme | kernel of conv4_2 in VGG-16 | batch normalization |
//! |---|---|---|
//! | Caffe and its conversions | `conv4_2.weight`, `conv4_2_W`, `conv4_2/filters`, … | |
//! | Keras | `block4_conv2/block4_conv2_W_1:0`, `block4_conv2/kernel:0` | |
//! | torchvision, timm | `features.19.weight`: its index among convolutions, ReLUs and pools | `features.20.running_mean` |
//!
//! Prefixes (`module.`, `state_dict.`, `model_weights/`) are ignored.

mod parse;
mod torchvision;

use super::tensor::Tensor;
use super::{InvalidWeights, ReadError};
use crate::vgg::Architecture;
use parse::{Location, parse};
use std::collections::BTreeMap;
use torchvision::Modules;

/// A scheme by which layers are named. If a file contains several, the first one here is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scheme {
    /// `conv4_2`
    Caffe,
    /// `block4_conv2`
    Keras,
    /// `features.19`
    Torchvision,
}

/// The role of an array in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Kernel,
    Bias,
    /// Batch normalization: γ.
    Scale,
    /// Batch normalization: β.
    Shift,
    /// Batch normalization: μ.
    Mean,
    /// Batch normalization: σ².
    Variance,
}

impl Part {
    /// What messages call it. For batch normalization these are PyTorch's names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Bias => "bias",
            Self::Scale => "weight of the batch normalization",
            Self::Shift => "bias of the batch normalization",
            Self::Mean => "running_mean of the batch normalization",
            Self::Variance => "running_var of the batch normalization",
        }
    }
}

/// The arrays of each layer, by the layer's name.
pub(super) type Layers = BTreeMap<String, BTreeMap<Part, Tensor>>;

/// The arrays of a file, sorted by layer.
pub(super) struct Sorted {
    pub layers: Layers,
    pub scheme: Scheme,
    /// The names of the arrays that belong to no convolution.
    pub unused: Vec<String>,
}

/// Sorts arrays by the layers that they belong to.
///
/// # Errors
/// If no name is that of a kernel, if torchvision's indices fit none of the `candidates`, or if two arrays have the same role
/// in one layer.
pub(super) fn sort(
    mut tensors: Vec<Tensor>,
    candidates: &[Architecture],
) -> Result<Sorted, ReadError> {
    // Messages must not depend on the order in which a reader lists the arrays.
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    let scheme = (tensors.iter().filter_map(|tensor| parse(&tensor.name)))
        .filter(|(_, part)| *part == Part::Kernel)
        .map(|(location, _)| location.scheme())
        .min()
        .ok_or_else(|| no_kernel(&tensors))?;
    let modules = if scheme == Scheme::Torchvision {
        Modules::detect(&tensors, candidates)?
    } else {
        Modules::default()
    };
    let mut sorted = Sorted {
        layers: Layers::new(),
        scheme,
        unused: Vec::new(),
    };
    for tensor in tensors {
        let found = match parse(&tensor.name) {
            Some((location, _)) if location.scheme() != scheme => None,
            Some((Location::Module(index), part)) => modules.layer(index, part),
            Some((Location::Layer(layer, _), part)) => Some((layer, part)),
            None => None,
        };
        let Some((layer, part)) = found else {
            sorted.unused.push(tensor.name);
            continue;
        };
        let parts = sorted.layers.entry(layer.clone()).or_default();
        if let Some(first) = parts.get(&part) {
            return Err(InvalidWeights::Duplicate {
                layer,
                part: part.name(),
                first: first.name.clone(),
                second: tensor.name,
            }
            .into());
        }
        parts.insert(part, tensor);
    }
    Ok(sorted)
}

/// Whether an array of this name belongs to a layer.
pub(super) fn names_a_layer(name: &str) -> bool {
    parse(name).is_some()
}

/// The error for arrays none of which is named like a kernel.
fn no_kernel(tensors: &[Tensor]) -> ReadError {
    let is_keras = |tensor: &Tensor| tensor.name.contains("layers/conv2d");
    let advice = if tensors.iter().any(is_keras) {
        "; of a Keras model, model.save('x.h5') preserves the layers' names"
    } else {
        ""
    };
    InvalidWeights::NotVgg(format!(
        "no array is named like conv1_1.weight, block1_conv1/kernel or features.0.weight; it contains {}{advice}",
        list(tensors)
    ))
    .into()
}

/// `32 arrays: a, b, c, d, …`
fn list(tensors: &[Tensor]) -> String {
    let shown: Vec<_> = (tensors.iter().take(4))
        .map(|tensor| tensor.name.as_str())
        .collect();
    let shown = shown.join(", ");
    match tensors.len() {
        0 => "no arrays".to_owned(),
        1 => format!("one array: {shown}"),
        count @ 2..=4 => format!("{count} arrays: {shown}"),
        count => format!("{count} arrays: {shown}, …"),
    }
}
