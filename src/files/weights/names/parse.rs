//! Parsing the name of an array.

use super::{Part, Scheme};

/// Where an array belongs according to its name.
#[derive(Debug)]
pub(super) enum Location {
    /// A layer, by the name that it has in [`Architecture`](crate::vgg::Architecture).
    Layer(String, Scheme),
    /// An index in torchvision's sequence of modules.
    Module(usize),
}

impl Location {
    pub fn scheme(&self) -> Scheme {
        match self {
            Self::Layer(_, scheme) => *scheme,
            Self::Module(_) => Scheme::Torchvision,
        }
    }
}

/// The location and the role that a name stands for; `None` if it is not that of a convolution or a batch normalization.
///
/// Of a batch normalization, `weight` and `bias` are returned as [`Part::Kernel`] and [`Part::Bias`].
pub(super) fn parse(name: &str) -> Option<(Location, Part)> {
    let name = name.to_ascii_lowercase();
    if name.contains("optimizer") {
        return None; // Keras stores momenta under the names of the layers
    }
    // The last match counts: Keras' group names repeat the layer's name in front.
    for start in name.char_indices().rev().map(|(start, _)| start) {
        let is_inside_word = name[..start].ends_with(|c: char| c.is_ascii_alphanumeric());
        if is_inside_word {
            continue;
        }
        let found = if let Some(rest) = name[start..].strip_prefix("features.") {
            let (index, rest) = number(rest.strip_prefix("module.").unwrap_or(rest))?;
            Some((Location::Module(index), rest))
        } else if let Some(rest) = name[start..].strip_prefix("conv") {
            layer(rest, "_", Scheme::Caffe)
        } else if let Some(rest) = name[start..].strip_prefix("block") {
            layer(rest, "_conv", Scheme::Keras)
        } else {
            None
        };
        if let Some((location, rest)) = found {
            return part(rest).map(|part| (location, part));
        }
    }
    None
}

/// Parses `4_2` (with `separator` `_`); returns the layer and the rest of the text.
fn layer<'a>(text: &'a str, separator: &str, scheme: Scheme) -> Option<(Location, &'a str)> {
    let (block, rest) = number(text)?;
    let (conv, rest) = number(rest.strip_prefix(separator)?)?;
    let layer = format!("conv{block}_{conv}");
    Some((Location::Layer(layer, scheme), rest))
}

/// Parses the number at the start; returns it and the rest of the text.
fn number(text: &str) -> Option<(usize, &str)> {
    let end = (text.find(|c: char| !c.is_ascii_digit())).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Parses the end of a name: `.weight`, `_W_1:0`, `/kernel:0`.
fn part(text: &str) -> Option<Part> {
    let text = text.strip_prefix(['.', '_', '/', ':'])?;
    let end = text.find(|c: char| !c.is_ascii_alphabetic() && c != '_');
    let (word, counter) = text.split_at(end.unwrap_or(text.len()));
    let is_counter = |c: char| c.is_ascii_digit() || matches!(c, '_' | ':');
    if !counter.chars().all(is_counter) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_are_parsed() {
        let layer = |name: &str| match parse(name) {
            Some((Location::Layer(layer, _), part)) => Some((layer, part)),
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
}
