//! Building kernels and biases from the arrays of the layers.

use super::batch_norm;
use super::names::{Layers, Part};
use super::tensor::Tensor;
use super::{ConvWeights, InvalidWeights, ReadError, Weights};
use crate::vgg::{Architecture, LayerKind};
use ndarray::{Array1, Array4, Ix4};
use std::collections::BTreeMap;

/// The convolutions of the first of `candidates` that has these layers. Batch normalization is folded in.
///
/// # Errors
/// If no candidate has these layers, or an array is missing, has the wrong shape, or cannot be decoded.
pub(super) fn build(
    mut layers: Layers,
    candidates: &[Architecture],
) -> Result<BTreeMap<String, ConvWeights>, ReadError> {
    // Names and shapes are checked before memory is allocated for a layer.
    let architecture = Weights::architecture_of(layers.keys().map(String::as_str), candidates)?;
    let mut convs = BTreeMap::new();
    for spec in architecture.layers() {
        if let LayerKind::Conv { inputs, outputs } = spec.kind
            && let Some(parts) = layers.remove(&spec.name)
        {
            let conv = convolution(&spec.name, parts, inputs, outputs)?;
            convs.insert(spec.name, conv);
        }
    }
    Ok(convs)
}

fn convolution(
    layer: &str,
    mut parts: BTreeMap<Part, Tensor>,
    inputs: usize,
    outputs: usize,
) -> Result<ConvWeights, ReadError> {
    let missing = |part: Part| InvalidWeights::MissingPart {
        layer: layer.to_owned(),
        part: part.name(),
    };
    let kernel = (parts.remove(&Part::Kernel)).ok_or_else(|| missing(Part::Kernel))?;
    let kernel = hwio(kernel, inputs, outputs)?;
    let bias = match parts.remove(&Part::Bias) {
        Some(bias) => vector(bias, outputs)?,
        // Batch normalization has a bias of its own.
        None if parts.contains_key(&Part::Scale) => Array1::zeros(outputs),
        None => return Err(missing(Part::Bias).into()),
    };
    let mut conv = ConvWeights { kernel, bias };
    if !parts.is_empty() {
        let mut norm = BTreeMap::new();
        for part in batch_norm::PARTS {
            let tensor = parts.remove(&part).ok_or_else(|| missing(part))?;
            norm.insert(part, vector(tensor, outputs)?);
        }
        batch_norm::fold(&mut conv, &norm);
    }
    Ok(conv)
}

/// A kernel 3 × 3 × Cin × Cout (HWIO). The tensor may also be Cout × Cin × 3 × 3 (OIHW); its shape decides.
fn hwio(tensor: Tensor, inputs: usize, outputs: usize) -> Result<Array4<f32>, ReadError> {
    let (hwio, oihw) = ([3, 3, inputs, outputs], [outputs, inputs, 3, 3]);
    let is_oihw = tensor.shape == oihw;
    if !is_oihw && tensor.shape != hwio {
        return Err(InvalidWeights::WrongShape {
            array: tensor.name,
            found: tensor.shape,
            expected: vec![oihw.to_vec(), hwio.to_vec()],
        }
        .into());
    }
    let values = tensor.values()?.into_dimensionality::<Ix4>();
    let values = values.expect("the shape has four axes");
    Ok(if is_oihw { to_hwio(&values) } else { values })
}

/// Converts a kernel from OIHW to HWIO, 16 filters at a time. Their elements are neighbors in HWIO and fill a cache line; one filter alone would
/// write each element to another line.
fn to_hwio(oihw: &Array4<f32>) -> Array4<f32> {
    const FILTERS: usize = 16;
    let (outputs, inputs, height, width) = oihw.dim();
    let (places, size) = (height * width, inputs * height * width);
    let mut hwio = Array4::zeros((height, width, inputs, outputs));
    let to = hwio.as_slice_mut().expect("it is in standard layout");
    let from = oihw.as_slice().expect("it is in standard layout");
    for (block, filters) in from.chunks(FILTERS * size).enumerate() {
        let filters: Vec<&[f32]> = filters.chunks_exact(size).collect();
        for at in 0..size {
            let (input, place) = (at / places, at % places);
            let first = (place * inputs + input) * outputs + block * FILTERS;
            let to = to[first..].iter_mut().zip(&filters);
            to.for_each(|(to, filter)| *to = filter[at]);
        }
    }
    hwio
}

/// A vector with one value per output channel. The tensor may also be a row or a column.
fn vector(tensor: Tensor, outputs: usize) -> Result<Array1<f32>, ReadError> {
    let without_ones: Vec<usize> = (tensor.shape.iter().copied())
        .filter(|&length| length != 1)
        .collect();
    if without_ones != [outputs] && tensor.shape != [outputs] {
        return Err(InvalidWeights::WrongShape {
            array: tensor.name,
            found: tensor.shape,
            expected: vec![vec![outputs]],
        }
        .into());
    }
    Ok(tensor.values()?.into_iter().collect())
}
