//! Networks in MATLAB's format: those of MatConvNet, such as `imagenet-vgg-verydeep-19.mat`, and flat files of arrays.
//!
//! A MatConvNet network is a cell array `layers` of structs. Each has a `name`; those with weights have a cell `weights` with W
//! and b, or, in the oldest files, fields `filters` and `biases`. W is H × W × Cin × Cout in column-major order. The mean of the
//! training pictures is in `meta.normalization.averageImage` or `normalization.averageImage`. All of this may be in a struct
//! `net`. A flat file has variables `conv1_1_w`, `conv1_1_b` and so on.

use super::contents::{Contents, StatedPixels};
use super::matlab::{self, Numbers, Value};
use super::tensor::{Data, Tensor, column_major};
use super::{InvalidWeights, ReadError, names};
use crate::vgg::{Architecture, LayerKind};
use bytes::Bytes;
use ndarray::Axis;

/// The variables of a network, besides those that are named like layers.
const NETWORK: [&str; 4] = ["layers", "meta", "normalization", "net"];

/// Lists the tensors in the bytes of a MATLAB file. Layers behind the convolutions of one of the `candidates` may be left out.
///
/// # Errors
/// If the file is damaged, contains no network, or a network with batch normalization.
pub(super) fn read(bytes: &Bytes, candidates: &[Architecture]) -> Result<Contents, ReadError> {
    let wanted = |name: &str| NETWORK.contains(&name) || names::names_a_layer(name);
    let variables = matlab::read(bytes, &wanted, &|layers| is_complete(layers, candidates))?;
    let variable =
        |name: &str| (variables.iter().find(|(found, _)| found == name)).map(|(_, value)| value);
    let net = variable("net");
    let part = |name: &str| variable(name).or_else(|| net?.field(name));

    let mut tensors = match part("layers") {
        Some(Value::Cell(layers)) => network_tensors(layers)?,
        _ => Vec::new(),
    };
    tensors.extend(variables.iter().filter_map(|(name, value)| match value {
        Value::Numbers(numbers) => Some(flat_tensor(name, numbers)),
        _ => None,
    }));
    if tensors.is_empty() {
        let names: Vec<_> = variables
            .iter()
            .map(|(name, _)| name.as_str())
            .take(8)
            .collect();
        return Err(InvalidWeights::NotVgg(format!(
            "it contains neither a MatConvNet network nor a variable named like conv1_1_w; its variables are: {}",
            names.join(", ")
        ))
        .into());
    }
    let normalization = part("meta")
        .and_then(|meta| meta.field("normalization"))
        .or(part("normalization"));
    let mean = match normalization.and_then(|normalization| normalization.field("averageImage")) {
        // An empty array states no mean.
        Some(Value::Numbers(picture)) if !picture.shape.contains(&0) => Some(mean(picture)?),
        _ => None,
    };
    Ok(Contents {
        tensors,
        pixels: Ok(StatedPixels {
            convention: None,
            mean,
        }),
    })
}

/// The tensors of MatConvNet's layers, named `conv1_1.weight` and `conv1_1.bias`.
fn network_tensors(layers: &[Value]) -> Result<Vec<Tensor>, ReadError> {
    let mut tensors = Vec::new();
    for layer in layers {
        if matches!(layer.field("type"), Some(Value::Text(kind)) if kind == "bnorm") {
            return Err(ReadError::unsupported(
                "it has batch normalization (layers of type bnorm), which cannot be read in this format",
            ));
        }
        if let (Some(name), Some((kernel, bias))) = (layer_name(layer), layer_weights(layer)) {
            let shape = kernel.shape.clone();
            tensors.push(tensor(format!("{name}.weight"), kernel, shape));
            // The bias is a row or a column.
            let length = bias.shape.iter().product();
            tensors.push(tensor(format!("{name}.bias"), bias, vec![length]));
        }
    }
    Ok(tensors)
}

/// A variable of a flat file. A row or a column becomes a vector.
fn flat_tensor(name: &str, numbers: &Numbers) -> Tensor {
    let is_vector = numbers.shape.len() == 2 && numbers.shape.contains(&1);
    let shape = if is_vector {
        vec![numbers.shape.iter().product()]
    } else {
        numbers.shape.clone()
    };
    tensor(name.to_owned(), numbers, shape)
}

/// The most layers for which [`is_complete`] looks for convolutions. VGG-19 has 43 layers.
const MAX_LAYERS: usize = 100;

/// Whether these first layers contain all convolutions of a network. The fully connected layers, which are much larger, come
/// behind them.
fn is_complete(layers: &[Value], candidates: &[Architecture]) -> bool {
    layers.len() <= MAX_LAYERS
        && candidates.iter().any(|candidate| {
            let mut convs =
                (candidate.layers().into_iter()).filter(|spec| spec.kind != LayerKind::Pool);
            convs.all(|spec| (layers.iter()).any(|layer| layer_name(layer) == Some(&spec.name)))
        })
}

fn layer_name(layer: &Value) -> Option<&str> {
    match layer.field("name")? {
        Value::Text(name) => Some(name),
        _ => None,
    }
}

/// The kernel and the bias of a layer; `None` if it has no weights.
fn layer_weights(layer: &Value) -> Option<(&Numbers, &Numbers)> {
    let (kernel, bias) = match layer.field("weights") {
        Some(Value::Cell(weights)) => (weights.first()?, weights.get(1)?),
        _ => (layer.field("filters")?, layer.field("biases")?),
    };
    match (kernel, bias) {
        (Value::Numbers(kernel), Value::Numbers(bias)) => Some((kernel, bias)),
        _ => None,
    }
}

/// An array as a tensor of this shape.
fn tensor(name: String, numbers: &Numbers, shape: Vec<usize>) -> Tensor {
    let too_large = || ReadError::damaged("it has more numbers than any convolution");
    Tensor {
        name,
        strides: column_major(&shape),
        shape,
        element: Ok(numbers.element),
        big_endian: numbers.big_endian,
        data: match &numbers.bytes {
            Some(bytes) => Data::Ready(bytes.clone()),
            None => Data::Deferred(Box::new(move |_| Err(too_large()))),
        },
    }
}

/// The mean color of a picture H × W × 3 or 1 × 1 × 3, or an array of three numbers.
fn mean(picture: &Numbers) -> Result<[f64; 3], ReadError> {
    let wrong_shape =
        || ReadError::damaged("its averageImage is neither a picture nor three numbers");
    let count: usize = picture.shape.iter().product();
    let by_channel = match picture.shape[..] {
        [_, _, 3] => vec![count / 3, 3],
        _ if count == 3 => vec![1, 3],
        _ => return Err(wrong_shape()),
    };
    let values = tensor("averageImage".to_owned(), picture, by_channel).values()?;
    let mean = values
        .mapv(f64::from)
        .mean_axis(Axis(0))
        .ok_or_else(wrong_shape)?;
    Ok([mean[[0]], mean[[1]], mean[[2]]])
}
