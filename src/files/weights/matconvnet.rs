//! MatConvNet's networks, `imagenet-vgg-verydeep-19.mat` among them, and flat files of arrays, in MATLAB's format.
//!
//! A network is a cell array `layers` of structs, each with a `name`, and, if it has weights, a cell `weights` of W and b, or, in
//! the oldest files, fields `filters` and `biases`. W is H × W × Cin × Cout in column-major order. The mean of the training
//! pictures is in `meta.normalization.averageImage`, or `normalization.averageImage`. All may lie in one struct `net`.
//! A flat file has variables `conv1_1_w`, `conv1_1_b` and so on.

use super::contents::{Contents, Stated};
use super::matlab::{self, Numbers, Value};
use super::names;
use super::tensor::{Lazy, Tensor, column_major};
use crate::vgg::{Architecture, LayerKind};
use bytes::Bytes;
use ndarray::Axis;

/// The tensors in the bytes of a MATLAB file. What lies behind the convolutions of one of the `candidates` may be left unread.
///
/// # Errors
/// What is wrong, as a sentence.
pub(super) fn read(bytes: &Bytes, candidates: &[Architecture]) -> Result<Contents, String> {
    let network = ["layers", "meta", "normalization", "net"];
    let wanted = |name: &str| network.contains(&name) || names::names_a_layer(name);
    let variables = matlab::read(bytes, &wanted, &|layers| is_complete(layers, candidates))?;
    let variable =
        |name: &str| (variables.iter().find(|(found, _)| found == name)).map(|(_, value)| value);
    let net = variable("net");
    let part = |name: &str| variable(name).or_else(|| net?.field(name));

    let mut tensors = Vec::new();
    if let Some(Value::Cell(layers)) = part("layers") {
        for layer in layers {
            if matches!(layer.field("type"), Some(Value::Text(kind)) if kind == "bnorm") {
                return Err(
                    "it has batch normalisation (layers of type bnorm), which is not read"
                        .to_owned(),
                );
            }
            if let (Some(name), Some((kernel, bias))) = (name(layer), weights(layer)) {
                tensors.push(tensor(
                    format!("{name}.weight"),
                    kernel,
                    kernel.shape.clone(),
                ));
                // A row or a column.
                let length = bias.shape.iter().product();
                tensors.push(tensor(format!("{name}.bias"), bias, vec![length]));
            }
        }
    }
    for (name, value) in &variables {
        if let Value::Numbers(numbers) = value {
            let row = numbers.shape.len() == 2 && numbers.shape.contains(&1);
            let shape = if row {
                vec![numbers.shape.iter().product()]
            } else {
                numbers.shape.clone()
            };
            tensors.push(tensor(name.clone(), numbers, shape));
        }
    }
    if tensors.is_empty() {
        let names: Vec<_> = variables
            .iter()
            .map(|(name, _)| name.as_str())
            .take(8)
            .collect();
        return Err(format!(
            "there is no MatConvNet network in it, nor a variable named like conv1_1_w; its variables are: {}",
            names.join(", ")
        ));
    }
    let normalization = part("meta")
        .and_then(|meta| meta.field("normalization"))
        .or(part("normalization"));
    let mean = match normalization.and_then(|normalization| normalization.field("averageImage")) {
        // Empty is as good as not there.
        Some(Value::Numbers(picture)) if !picture.shape.contains(&0) => Some(mean(picture)?),
        _ => None,
    };
    Ok(Contents {
        tensors,
        stated: Ok(Stated {
            convention: None,
            mean,
        }),
    })
}

/// The most layers of which it is asked whether they are enough: VGG-19 has 43.
const MOST_LAYERS: usize = 100;

/// Whether these layers, read so far, have all convolutions of a network. Fully connected ones come behind them.
fn is_complete(layers: &[Value], candidates: &[Architecture]) -> bool {
    layers.len() <= MOST_LAYERS
        && candidates.iter().any(|candidate| {
            let mut convs =
                (candidate.layers().into_iter()).filter(|spec| spec.kind != LayerKind::Pool);
            convs.all(|spec| layers.iter().any(|layer| name(layer) == Some(&spec.name)))
        })
}

/// The name of a layer.
fn name(layer: &Value) -> Option<&str> {
    match layer.field("name")? {
        Value::Text(name) => Some(name),
        _ => None,
    }
}

/// The kernel and the bias of a layer that has them.
fn weights(layer: &Value) -> Option<(&Numbers, &Numbers)> {
    let (kernel, bias) = match layer.field("weights") {
        Some(Value::Cell(weights)) => (weights.first()?, weights.get(1)?),
        _ => (layer.field("filters")?, layer.field("biases")?),
    };
    match (kernel, bias) {
        (Value::Numbers(kernel), Value::Numbers(bias)) => Some((kernel, bias)),
        _ => None,
    }
}

/// An array as a tensor.
fn tensor(name: String, numbers: &Numbers, shape: Vec<usize>) -> Tensor {
    let too_large = || "it has more numbers than any convolution".to_owned();
    Tensor {
        name,
        strides: column_major(&shape),
        shape,
        number: Ok(numbers.number),
        big_endian: numbers.big_endian,
        bytes: match &numbers.bytes {
            Some(bytes) => Lazy::Ready(bytes.clone()),
            None => Lazy::Packed(Box::new(move |_| Err(too_large()))),
        },
    }
}

/// The mean of a picture H × W × 3, of 1 × 1 × 3, or of three numbers.
fn mean(picture: &Numbers) -> Result<[f64; 3], String> {
    let trouble = || "its averageImage is no picture and no three numbers".to_owned();
    let count: usize = picture.shape.iter().product();
    let by_channel = match picture.shape[..] {
        [_, _, 3] => vec![count / 3, 3],
        _ if count == 3 => vec![1, 3],
        _ => return Err(trouble()),
    };
    let values = tensor("averageImage".to_owned(), picture, by_channel).values()?;
    let mean = values
        .mapv(f64::from)
        .mean_axis(Axis(0))
        .ok_or_else(trouble)?;
    Ok([mean[[0]], mean[[1]], mean[[2]]])
}
