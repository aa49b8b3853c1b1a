//! From the tensors of a file, whatever its format, to [`Weights`] of the one convention.

use super::batch_norm;
use super::convention::Convention;
use super::format::Format;
use super::names::{self, Layers, Part, Scheme};
use super::tensor::{Number, Tensor, edges};
use super::{ConvWeights, Weights};
use super::{keras, matconvnet, numpy, pytorch, safetensors};
use crate::vgg::{Architecture, LayerKind, VGG16, VGG19};
use bytes::Bytes;
use ndarray::{Array1, Array4, Ix4};
use std::collections::{BTreeMap, BTreeSet};

/// How a file is to be read, where its bytes are not to say.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions<'a> {
    /// Its format.
    pub format: Option<Format>,
    /// The pixels that its network was trained on.
    pub convention: Option<Convention>,
    /// The networks that it may be.
    pub candidates: &'a [Architecture],
}

impl Default for ReadOptions<'_> {
    /// All is told by the file, which is of VGG-16 or VGG-19.
    fn default() -> Self {
        Self {
            format: None,
            convention: None,
            candidates: &[VGG16, VGG19],
        }
    }
}

/// Weights, and what is known of the file that they were read from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The weights, of the program's own convention.
    pub weights: Weights,
    /// The file's format.
    pub format: Format,
    /// The pixels that the network was trained on.
    pub convention: Convention,
    /// What told the convention.
    pub told_by: &'static str,
    /// The mean of those pixels, in the network's order of channels, if the file states it.
    pub mean: Option<[f64; 3]>,
    /// How the convolutions' numbers are stored: `f32`, or several such.
    pub stored: String,
    /// Whether batch normalisation was folded into the convolutions.
    pub normalised: bool,
    /// The tensors that belong to no convolution, and were let be.
    pub others: Vec<String>,
}

/// The most normalisations that a classifier may have.
const MOST_IN_A_HEAD: usize = 4;

/// Weights in the bytes of a file.
///
/// # Errors
/// What is wrong, as a sentence: if the bytes are damaged or no weights, or a layer is missing, of the wrong shape or not
/// finite.
pub fn read(bytes: &Bytes, options: &ReadOptions) -> Result<Loaded, String> {
    let format = options.format.map_or_else(|| Format::of(bytes), Ok)?;
    let contents = match format {
        Format::Safetensors => safetensors::read(bytes)?,
        Format::PyTorch => pytorch::read(bytes)?,
        Format::Matlab => matconvnet::read(bytes, options.candidates)?,
        Format::Hdf5 => keras::read(bytes)?,
        Format::Npz => numpy::read(bytes)?,
    };
    let sorted = names::sort(contents.tensors, options.candidates)?;
    let stated = match options.convention {
        Some(_) => contents.stated.unwrap_or_default(),
        None => contents.stated?,
    };
    let (convention, told_by) = match (options.convention, stated.convention) {
        (Some(given), Some(stated)) if given != stated => {
            (given, "as given, though the file says otherwise")
        }
        (Some(given), _) => (given, "as given"),
        (None, Some(stated)) => (stated, "as the file says"),
        (None, None) => usual(format, sorted.scheme, &sorted.others),
    };
    // A mean that was stated of other pixels is not one of these.
    let same = stated.convention.is_none_or(|said| said == convention);
    let mean = stated
        .mean
        .filter(|_| same && convention != Convention::Torchvision);
    check_others(&sorted.others)?;
    if format == Format::Hdf5 && sorted.scheme == Scheme::Keras {
        check_order(&sorted.layers)?;
    }
    let stored: BTreeSet<Number> = (sorted.layers.values())
        .flat_map(|parts| {
            parts
                .values()
                .filter_map(|tensor| tensor.number.as_ref().ok().copied())
        })
        .collect();
    let stored: Vec<_> = stored.iter().map(ToString::to_string).collect();
    let normalised = (sorted.layers.values()).any(|parts| parts.contains_key(&Part::Scale));
    let mut convs = convolutions(sorted.layers, options.candidates)?;
    if let Some(first) = convs.get_mut("conv1_1") {
        convention.fold(mean, first);
    }
    Ok(Loaded {
        weights: Weights::new(convs, options.candidates)?,
        format,
        convention,
        told_by,
        mean,
        stored: stored.join(", "),
        normalised,
        others: sorted.others,
    })
}

/// Refuses batch normalisation of the convolutions under other names than torchvision's: without it the network is another
/// one. What normalises a classifier behind them does not matter.
fn check_others(others: &[String]) -> Result<(), String> {
    let is_norm = |name: &&String| {
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        has(&["running_var", "moving_variance", "gamma"])
            && !has(&["classifier", "head", "fc", "predictions", "dense"])
    };
    let norms: Vec<_> = others.iter().filter(is_norm).collect();
    match norms.first() {
        Some(name)
            if name.contains("bn") || name.contains("conv") || norms.len() > MOST_IN_A_HEAD =>
        {
            Err(format!(
                "{name} is of a batch normalisation, which is read under torchvision's names alone"
            ))
        }
        _ => Ok(()),
    }
}

/// Refuses kernels of Keras in Theano's order, O×I×3×3: Theano turned them by 180°, and whether these are, nothing tells.
fn check_order(layers: &Layers) -> Result<(), String> {
    let kernels = layers.values().filter_map(|parts| parts.get(&Part::Kernel));
    match kernels
        .into_iter()
        .find(|kernel| kernel.shape.ends_with(&[3, 3]) && !kernel.shape.starts_with(&[3, 3]))
    {
        Some(kernel) => Err(format!(
            "{} has the shape {}, Theano's order; take the file for TensorFlow, …_tf_dim_ordering_tf_kernels….h5",
            kernel.name,
            edges(&kernel.shape)
        )),
        None => Ok(()),
    }
}

/// The convention that files of this format and with these names have, and what tells it.
fn usual(format: Format, scheme: Scheme, others: &[String]) -> (Convention, &'static str) {
    // J. Johnson's conversions of the Caffe models have torchvision's names, but for these of the classifier.
    let has = |tensor: &str| {
        others
            .iter()
            .any(|name| name == tensor || name.ends_with(&format!(".{tensor}")))
    };
    let johnson = || has("classifier.1.weight") && has("classifier.4.weight");
    match (scheme, format) {
        (Scheme::Torchvision, _) if johnson() => (
            Convention::CaffeBgr,
            "told by the names of its classifier, which converted Caffe models have",
        ),
        (Scheme::Torchvision, _) => (Convention::Torchvision, "told by torchvision's names"),
        (Scheme::Keras, _) => (Convention::CaffeBgr, "told by Keras' names"),
        (Scheme::Caffe, Format::PyTorch) => (
            Convention::CaffeBgr,
            "told by Caffe's names in a PyTorch file",
        ),
        (Scheme::Caffe, Format::Hdf5) => (
            Convention::CaffeBgr,
            "told by Caffe's names in an HDF5 file",
        ),
        (Scheme::Caffe, Format::Matlab) => (
            Convention::CaffeRgb,
            "told by Caffe's names in a MATLAB file",
        ),
        (Scheme::Caffe, Format::Npz) => (
            Convention::CaffeRgb,
            "told by Caffe's names in a NumPy file",
        ),
        (Scheme::Caffe, Format::Safetensors) => (
            Convention::CaffeRgb,
            "told by Caffe's names in a safetensors file",
        ),
    }
}

/// The convolutions of the network that has these layers.
fn convolutions(
    mut layers: Layers,
    candidates: &[Architecture],
) -> Result<BTreeMap<String, ConvWeights>, String> {
    // Names and shapes are checked before any memory is taken for a layer.
    let architecture = Weights::architecture_of(layers.keys().map(String::as_str), candidates)?;
    let mut convs = BTreeMap::new();
    for spec in architecture.layers() {
        let LayerKind::Conv { inputs, outputs } = spec.kind else {
            continue;
        };
        let Some(mut parts) = layers.remove(&spec.name) else {
            continue;
        };
        let kernel = (parts.remove(&Part::Kernel))
            .ok_or_else(|| format!("the kernel of layer {} is missing", spec.name))?;
        let kernel = hwio(kernel, inputs, outputs)?;
        let bias = match parts.remove(&Part::Bias) {
            Some(bias) => vector(bias, outputs)?,
            None if parts.contains_key(&Part::Scale) => Array1::zeros(outputs),
            None => return Err(format!("the bias of layer {} is missing", spec.name)),
        };
        let mut conv = ConvWeights { kernel, bias };
        if !parts.is_empty() {
            let norm = batch_norm::PARTS.map(|(part, name)| match parts.remove(&part) {
                Some(tensor) => Ok((part, vector(tensor, outputs)?)),
                None => Err(format!(
                    "the {name} of layer {}'s batch normalisation is missing",
                    spec.name
                )),
            });
            let norm: Result<BTreeMap<_, _>, String> = norm.into_iter().collect();
            batch_norm::fold(&mut conv, &norm?);
        }
        convs.insert(spec.name, conv);
    }
    Ok(convs)
}

/// A kernel as 3 × 3 × Cin × Cout (HWIO), from that or from Cout × Cin × 3 × 3 (OIHW): which of them, the shape tells.
fn hwio(tensor: Tensor, inputs: usize, outputs: usize) -> Result<Array4<f32>, String> {
    let (hwio, oihw) = ([3, 3, inputs, outputs], [outputs, inputs, 3, 3]);
    let turned = tensor.shape == oihw;
    if !turned && tensor.shape != hwio {
        let (found, oihw, hwio) = (edges(&tensor.shape), edges(&oihw), edges(&hwio));
        return Err(format!(
            "{} has the shape {found}, not {oihw} or {hwio}",
            tensor.name
        ));
    }
    let values = tensor
        .values()?
        .into_dimensionality::<Ix4>()
        .map_err(|error| error.to_string())?;
    Ok(match turned {
        true => values
            .permuted_axes([2, 3, 1, 0])
            .as_standard_layout()
            .into_owned(),
        false => values,
    })
}

/// A vector of one number for each output channel.
fn vector(tensor: Tensor, outputs: usize) -> Result<Array1<f32>, String> {
    // A row or a column will do.
    let longer: Vec<usize> = tensor
        .shape
        .iter()
        .copied()
        .filter(|&edge| edge != 1)
        .collect();
    let is_vector = longer == [outputs] || tensor.shape == [outputs];
    if !is_vector {
        return Err(format!(
            "{} has the shape {}, not {outputs}",
            tensor.name,
            edges(&tensor.shape)
        ));
    }
    Ok(tensor.values()?.into_iter().collect())
}
