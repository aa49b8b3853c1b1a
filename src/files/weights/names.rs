//! What the tensors of a network are called, and which layer each belongs to.
//!
//! | who | kernel of conv4_2 in VGG-16 | batch normalisation |
//! |---|---|---|
//! | Caffe and its heirs | `conv4_2.weight`, `conv4_2_W`, `conv4_2/filters`, … | |
//! | Keras | `block4_conv2/block4_conv2_W_1:0`, `block4_conv2/kernel:0` | |
//! | torchvision, timm | `features.19.weight`: its place among convolutions, ReLUs and pools | `features.20.running_mean` |
//!
//! Whatever stands in front (`module.`, `state_dict.`, `model_weights/`) is let be.

use super::tensor::Tensor;
use crate::vgg::{Architecture, LayerKind};
use std::collections::BTreeMap;

/// A way of naming layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scheme {
    /// `conv4_2`
    Caffe,
    /// `block4_conv2`
    Keras,
    /// `features.19`
    Torchvision,
}

/// A tensor's part in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Kernel,
    Bias,
    /// Batch normalisation: the scale γ.
    Scale,
    /// Batch normalisation: the shift β.
    Shift,
    /// Batch normalisation: the mean μ.
    Mean,
    /// Batch normalisation: the variance σ².
    Variance,
}

/// The tensors of each layer, by its name.
pub(super) type Layers = BTreeMap<String, BTreeMap<Part, Tensor>>;

/// The tensors of a file, sorted.
pub(super) struct Sorted {
    pub layers: Layers,
    pub scheme: Scheme,
    /// The names of those that belong to no convolution.
    pub others: Vec<String>,
}

/// Sorts tensors by the layers that they belong to.
///
/// # Errors
/// If no name is one of a convolution, or two tensors are the same part of one layer.
pub(super) fn sort(
    mut tensors: Vec<Tensor>,
    candidates: &[Architecture],
) -> Result<Sorted, String> {
    // The same messages, in whatever order a format lists them.
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    let scheme = (tensors.iter().filter_map(|tensor| home(&tensor.name)))
        .filter(|(_, part)| *part == Part::Kernel)
        .map(|(home, _)| home.scheme())
        .min();
    let Some(scheme) = scheme else {
        let remedy = match tensors
            .iter()
            .any(|tensor| tensor.name.contains("layers/conv2d"))
        {
            true => "; of a Keras model, model.save('x.h5') keeps the layers' names",
            false => "",
        };
        return Err(format!(
            "no tensor is named like conv1_1.weight, block1_conv1/kernel or features.0.weight; it holds {}{remedy}",
            listed(tensors.iter().map(|tensor| tensor.name.as_str()))
        ));
    };
    let features = match scheme {
        Scheme::Torchvision => features(&tensors, candidates)?,
        _ => BTreeMap::new(),
    };
    let mut sorted = Sorted {
        layers: Layers::new(),
        scheme,
        others: Vec::new(),
    };
    for tensor in tensors {
        let found = match home(&tensor.name) {
            Some((home, _)) if home.scheme() != scheme => None,
            Some((Home::Feature(index), part)) => feature_part(&features, index, part),
            Some((Home::Layer(layer, _), part)) => Some((layer, part)),
            None => None,
        };
        let Some((layer, part)) = found else {
            sorted.others.push(tensor.name);
            continue;
        };
        let parts = sorted.layers.entry(layer.clone()).or_default();
        if let Some(twin) = parts.get(&part) {
            let (one, other) = (&twin.name, &tensor.name);
            return Err(format!(
                "both {one} and {other} are there for layer {layer}"
            ));
        }
        parts.insert(part, tensor);
    }
    Ok(sorted)
}

/// Whether a tensor of this name is a layer's.
pub(super) fn names_a_layer(name: &str) -> bool {
    home(name).is_some()
}

/// Where a name says that its tensor belongs.
enum Home {
    Layer(String, Scheme),
    /// The place in torchvision's sequence of modules.
    Feature(usize),
}

impl Home {
    fn scheme(&self) -> Scheme {
        match self {
            Self::Layer(_, scheme) => *scheme,
            Self::Feature(_) => Scheme::Torchvision,
        }
    }
}

/// What a name says; nothing, if it is not that of a convolution's or a normalisation's tensor.
fn home(name: &str) -> Option<(Home, Part)> {
    let name = name.to_ascii_lowercase();
    if name.contains("optimizer") {
        return None; // Keras keeps momenta under the same names
    }
    // From the end of the name: what stands in front may be the layer's name once more.
    let starts = name.char_indices().rev().map(|(start, _)| start);
    for start in starts {
        let inside_word = name[..start].ends_with(|c: char| c.is_ascii_alphanumeric());
        if inside_word {
            continue;
        }
        let found = if let Some(rest) = name[start..].strip_prefix("features.") {
            let (index, rest) = number(rest.strip_prefix("module.").unwrap_or(rest))?;
            Some((Home::Feature(index), rest))
        } else if let Some(rest) = name[start..].strip_prefix("conv") {
            layer(rest, "_", Scheme::Caffe)
        } else if let Some(rest) = name[start..].strip_prefix("block") {
            layer(rest, "_conv", Scheme::Keras)
        } else {
            None
        };
        if let Some((home, rest)) = found {
            return part(rest).map(|part| (home, part));
        }
    }
    None
}

/// A layer from `4` + `between` + `2`, and what follows.
fn layer<'a>(text: &'a str, between: &str, scheme: Scheme) -> Option<(Home, &'a str)> {
    let (block, rest) = number(text)?;
    let (conv, rest) = number(rest.strip_prefix(between)?)?;
    Some((Home::Layer(format!("conv{block}_{conv}"), scheme), rest))
}

/// The number at the start, and what follows.
fn number(text: &str) -> Option<(usize, &str)> {
    let end = (text.find(|c: char| !c.is_ascii_digit())).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// The part that the end of a name stands for: `.weight`, `_W_1:0`, `/kernel:0`.
fn part(text: &str) -> Option<Part> {
    let text = text.strip_prefix(['.', '_', '/', ':'])?;
    let end = text.find(|c: char| !c.is_ascii_alphabetic() && c != '_');
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    let counter = |c: char| c.is_ascii_digit() || matches!(c, '_' | ':');
    if !rest.chars().all(counter) {
        return None;
    }
    match word.trim_end_matches('_') {
        "w" | "weight" | "weights" | "kernel" | "filter" | "filters" => Some(Part::Kernel),
        "b" | "bias" | "biases" => Some(Part::Bias),
        "running_mean" => Some(Part::Mean),
        "running_var" => Some(Part::Variance),
        _ => None,
    }
}

/// The layer of each convolution in torchvision's sequence of modules, and whether a normalisation follows each.
///
/// The sequence is convolution, (normalisation,) ReLU, …, pool. Which one a file has is told by the places of its kernels,
/// the tensors with four axes.
fn features(
    tensors: &[Tensor],
    candidates: &[Architecture],
) -> Result<BTreeMap<usize, (String, Module)>, String> {
    let kernels: Vec<usize> = (tensors.iter())
        .filter(|tensor| tensor.shape.len() == 4)
        .filter_map(|tensor| match home(&tensor.name) {
            Some((Home::Feature(index), Part::Kernel)) => Some(index),
            _ => None,
        })
        .collect();
    let is_conv = |modules: &BTreeMap<_, (_, Module)>, index: &usize| {
        (modules.get(index)).is_some_and(|(_, module)| *module == Module::Conv)
    };
    let normalised = tensors
        .iter()
        .any(|tensor| matches!(home(&tensor.name), Some((Home::Feature(_), Part::Variance))));
    (candidates.iter())
        .map(|architecture| modules(architecture, normalised))
        .find(|modules| kernels.iter().all(|index| is_conv(modules, index)))
        .ok_or_else(|| {
            let known: Vec<_> = candidates.iter().map(|known| known.name).collect();
            let places: Vec<_> = kernels.iter().map(usize::to_string).collect();
            format!(
                "its convolutions, features.{}, are not those of {}",
                places.join(", "),
                known.join(" or ")
            )
        })
}

#[derive(Clone, Copy, PartialEq)]
enum Module {
    Conv,
    Normalisation,
}

/// The modules that have tensors, by their places in torchvision's sequence.
fn modules(architecture: &Architecture, normalised: bool) -> BTreeMap<usize, (String, Module)> {
    let mut modules = BTreeMap::new();
    let mut index = 0;
    for spec in architecture.layers() {
        if spec.kind == LayerKind::Pool {
            index += 1;
            continue;
        }
        modules.insert(index, (spec.name.clone(), Module::Conv));
        if normalised {
            modules.insert(index + 1, (spec.name, Module::Normalisation));
        }
        index += if normalised { 3 } else { 2 };
    }
    modules
}

/// The layer and the part of a tensor in torchvision's sequence.
fn feature_part(
    modules: &BTreeMap<usize, (String, Module)>,
    index: usize,
    part: Part,
) -> Option<(String, Part)> {
    let (layer, module) = modules.get(&index)?;
    let part = match (module, part) {
        (Module::Normalisation, Part::Kernel) => Part::Scale,
        (Module::Normalisation, Part::Bias) => Part::Shift,
        (_, part) => part,
    };
    Some((layer.clone(), part))
}

/// `32 tensors: a, b, c, d, …`
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = names.len();
    let mut shown: Vec<_> = names.collect();
    shown.truncate(4);
    let shown = shown.join(", ");
    match count {
        0 => "no tensors".to_owned(),
        1 => format!("one tensor: {shown}"),
        2..=4 => format!("{count} tensors: {shown}"),
        _ => format!("{count} tensors: {shown}, …"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vgg::{VGG16, VGG19};

    #[test]
    fn each_spelling_is_understood() {
        let layer = |name: &str| match home(name) {
            Some((Home::Layer(layer, _), part)) => Some((layer, part)),
            _ => None,
        };
        for name in [
            "conv4_2.weight",
            "conv4_2_W",
            "conv4_2_w",
            "module.conv4_2.weight",
            "conv4_2/filters",
            "block4_conv2/block4_conv2_W_1:0",
            "block4_conv2/block4_conv2/kernel:0",
            "model_weights/block4_conv2/kernel:0",
            "/vgg16/block4_conv2/kernel",
        ] {
            let expected = Some(("conv4_2".to_owned(), Part::Kernel));
            assert_eq!(layer(name), expected, "{name}");
        }
        for name in [
            "conv4_2.bias",
            "conv4_2_b",
            "block4_conv2_b_1:0",
            "conv4_2_biases",
        ] {
            let expected = Some(("conv4_2".to_owned(), Part::Bias));
            assert_eq!(layer(name), expected, "{name}");
        }
        for name in [
            "conv4_2",
            "conv4.weight",
            "conv4_2.weight_mask",
            "conv4_2.weight.momentum",
            "myconv4_2.weight",
            "optimizer_weights/block4_conv2/kernel:0",
            "block4_conv2/kernel/m:0",
            "fc6.weight",
            "conv99999999999999999999_1.weight",
            "ékonv4_2.weight",
        ] {
            assert_eq!(layer(name), None, "{name}");
        }
    }

    #[test]
    fn torchvision_counts_its_modules_as_documented() {
        let convs = |architecture, normalised| -> Vec<usize> {
            let modules = modules(&architecture, normalised).into_iter();
            let convs = modules.filter(|(_, (_, module))| *module == Module::Conv);
            convs.map(|(index, _)| index).collect()
        };
        let vgg16 = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
        assert_eq!(convs(VGG16, false), vgg16);
        let vgg16_bn = [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40];
        assert_eq!(convs(VGG16, true), vgg16_bn);
        let vgg19 = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34];
        assert_eq!(convs(VGG19, false), vgg19);
    }
}
