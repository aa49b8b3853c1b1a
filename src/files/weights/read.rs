//! Reading the bytes of a file in any format.

use super::convention::Convention;
use super::convolutions;
use super::format::Format;
use super::names::{self, Layers, Part, Scheme};
use super::tensor::{ElementType, format_shape};
use super::{ReadError, Weights};
use super::{keras, matconvnet, numpy, pytorch, safetensors};
use crate::vgg::{Architecture, VGG16, VGG19};
use bytes::Bytes;
use std::collections::BTreeSet;

/// What the caller knows about a file. By default the file itself decides.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions<'a> {
    /// The format; `None` to detect it.
    pub format: Option<Format>,
    /// The pixels that the network was trained on; `None` to infer them from the file.
    pub convention: Option<Convention>,
    /// The networks that are accepted.
    pub candidates: &'a [Architecture],
}

impl Default for ReadOptions<'_> {
    /// Detects everything, and accepts VGG-16 and VGG-19.
    fn default() -> Self {
        Self {
            format: None,
            convention: None,
            candidates: &[VGG16, VGG19],
        }
    }
}

/// Weights, with facts about the file that they were read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The weights, converted to the pixels of this program ([`Convention::CaffeRgb`]).
    pub weights: Weights,
    /// The format of the file.
    pub format: Format,
    /// The pixels that the network was trained on.
    pub convention: Convention,
    /// How the convention is known, for display.
    pub convention_source: &'static str,
    /// The mean of those pixels, in the network's order of channels, if the file states it.
    pub mean: Option<[f64; 3]>,
    /// The element types of the convolutions' arrays, for display: `f32`, or `f32, f64`.
    pub element_types: String,
    /// Whether batch normalization was folded into the convolutions.
    pub has_batch_norm: bool,
    /// The names of the arrays that were not used, because they belong to no convolution.
    pub unused: Vec<String>,
}

/// The most batch normalizations that may belong to a classifier with unusual names.
const MAX_UNUSED_NORMS: usize = 4;

/// Reads weights from the bytes of a file.
///
/// # Errors
/// If the bytes are damaged or not a weights file, if the file uses something that is not supported, or if a layer is missing,
/// has the wrong shape or a value that is not finite.
pub fn read(bytes: &Bytes, options: &ReadOptions) -> Result<Loaded, ReadError> {
    let format = options.format.map_or_else(|| Format::detect(bytes), Ok)?;
    let contents = match format {
        Format::Safetensors => safetensors::read(bytes)?,
        Format::PyTorch => pytorch::read(bytes)?,
        Format::Matlab => matconvnet::read(bytes, options.candidates)?,
        Format::Hdf5 => keras::read(bytes)?,
        Format::Npz => numpy::read(bytes)?,
    };
    let sorted = names::sort(contents.tensors, options.candidates)?;
    let stated = match options.convention {
        Some(_) => contents.pixels.unwrap_or_default(),
        None => contents.pixels?,
    };
    let (convention, convention_source) = match (options.convention, stated.convention) {
        (Some(given), Some(stated)) if given != stated => {
            (given, "as given, though the file says otherwise")
        }
        (Some(given), _) => (given, "as given"),
        (None, Some(stated)) => (stated, "as the file says"),
        (None, None) => infer_convention(format, sorted.scheme, &sorted.unused),
    };
    // A mean that was stated for another convention is not used.
    let is_same = stated.convention.is_none_or(|stated| stated == convention);
    let mean = (stated.mean).filter(|_| is_same && convention != Convention::Torchvision);
    check_unused(&sorted.unused)?;
    if format == Format::Hdf5 && sorted.scheme == Scheme::Keras {
        check_axis_order(&sorted.layers)?;
    }
    let element_types = element_types(&sorted.layers);
    let has_batch_norm = (sorted.layers.values()).any(|parts| parts.contains_key(&Part::Scale));
    let mut convs = convolutions::build(sorted.layers, options.candidates)?;
    if let Some(first) = convs.get_mut("conv1_1") {
        convention.fold(mean, first);
    }
    Ok(Loaded {
        weights: Weights::new(convs, options.candidates)?,
        format,
        convention,
        convention_source,
        mean,
        element_types,
        has_batch_norm,
        unused: sorted.unused,
    })
}

/// The element types of the layers' arrays: `f32, f64`.
fn element_types(layers: &Layers) -> String {
    let types: BTreeSet<ElementType> = (layers.values().flat_map(|parts| parts.values()))
        .filter_map(|tensor| tensor.element.as_ref().ok().copied())
        .collect();
    let types: Vec<_> = types.iter().map(ToString::to_string).collect();
    types.join(", ")
}

/// Refuses batch normalization of the convolutions under other names than torchvision's. Without it the network would compute
/// something else. Batch normalization in the classifier behind the convolutions does not matter.
fn check_unused(unused: &[String]) -> Result<(), ReadError> {
    let is_norm = |name: &&String| {
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        has(&["running_var", "moving_variance", "gamma"])
            && !has(&["classifier", "head", "fc", "predictions", "dense"])
    };
    let norms: Vec<_> = unused.iter().filter(is_norm).collect();
    match norms.first() {
        Some(name)
            if name.contains("bn") || name.contains("conv") || norms.len() > MAX_UNUSED_NORMS =>
        {
            Err(ReadError::Unsupported(format!(
                "{name} belongs to a batch normalization, which can be read only under torchvision's names"
            )))
        }
        _ => Ok(()),
    }
}

/// Refuses Keras files with kernels in Theano's order, O×I×3×3. Theano rotates kernels by 180°; some of these files contain
/// rotated kernels and some do not, and nothing in the file says which.
fn check_axis_order(layers: &Layers) -> Result<(), ReadError> {
    let mut kernels = layers.values().filter_map(|parts| parts.get(&Part::Kernel));
    let theano = kernels
        .find(|kernel| kernel.shape.ends_with(&[3, 3]) && !kernel.shape.starts_with(&[3, 3]));
    match theano {
        Some(kernel) => Err(ReadError::Unsupported(format!(
            "{} has the shape {}, Theano's order; use the file for TensorFlow, …_tf_dim_ordering_tf_kernels….h5",
            kernel.name,
            format_shape(&kernel.shape)
        ))),
        None => Ok(()),
    }
}

/// The convention that files of this format with these names usually have, and how that is known.
fn infer_convention(
    format: Format,
    scheme: Scheme,
    unused: &[String],
) -> (Convention, &'static str) {
    use Convention::{CaffeBgr, CaffeRgb, Torchvision};
    // J. Johnson converted Caffe models to torchvision's names. Only the classifier is named differently.
    let has = |tensor: &str| {
        unused
            .iter()
            .any(|name| name == tensor || name.ends_with(&format!(".{tensor}")))
    };
    let is_johnson = || has("classifier.1.weight") && has("classifier.4.weight");
    match (scheme, format) {
        (Scheme::Torchvision, _) if is_johnson() => (
            CaffeBgr,
            "inferred from the names of its classifier, which converted Caffe models have",
        ),
        (Scheme::Torchvision, _) => (Torchvision, "inferred from torchvision's names"),
        (Scheme::Keras, _) => (CaffeBgr, "inferred from Keras' names"),
        (Scheme::Caffe, Format::PyTorch) => {
            (CaffeBgr, "inferred from Caffe's names in a PyTorch file")
        }
        (Scheme::Caffe, Format::Hdf5) => (CaffeBgr, "inferred from Caffe's names in an HDF5 file"),
        (Scheme::Caffe, Format::Matlab) => {
            (CaffeRgb, "inferred from Caffe's names in a MATLAB file")
        }
        (Scheme::Caffe, Format::Npz) => (CaffeRgb, "inferred from Caffe's names in a NumPy file"),
        (Scheme::Caffe, Format::Safetensors) => (
            CaffeRgb,
            "inferred from Caffe's names in a safetensors file",
        ),
    }
}
