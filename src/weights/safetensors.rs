//! The safetensors format: a JSON header that says where each tensor lies, then their bytes.
//!
//! Layers are named `convB_I.weight` (Cout × Cin × 3 × 3, OIHW) and `convB_I.bias` (Cout), in f16, bf16 or f32. The bytes are
//! read in place. Other tensors are let be.

use super::{ConvWeights, expect_shape};
use crate::vgg::{Architecture, LayerKind};
use half::{bf16, f16};
use ndarray::Array4;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use std::collections::{BTreeMap, HashMap};

/// The convolutions in the bytes of a safetensors file, by layer name.
///
/// # Errors
/// What is wrong, as a sentence.
pub(super) fn read(
    bytes: &[u8],
    candidates: &[Architecture],
) -> Result<BTreeMap<String, ConvWeights>, String> {
    let damaged = |error| explain(bytes.len(), &error);
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    check_convention(header.metadata().as_ref())?;
    let mut convs = BTreeMap::new();
    for (name, view) in file.iter() {
        let Some(layer) = name.strip_suffix(".weight").filter(|name| is_conv(name)) else {
            continue;
        };
        let bias_name = format!("{layer}.bias");
        let bias = (file.tensor(&bias_name)).map_err(|_| format!("{bias_name} is missing"))?;
        // Before any memory is taken for them.
        let specs = candidates.iter().flat_map(Architecture::layers);
        for spec in specs.filter(|spec| spec.name == layer) {
            if let LayerKind::Conv { inputs, outputs } = spec.kind {
                expect_shape(name, view.shape(), &[outputs, inputs, 3, 3])?;
                expect_shape(&bias_name, bias.shape(), &[outputs])?;
            }
        }
        let conv = ConvWeights {
            kernel: kernel(name, &view)?,
            bias: values(&bias_name, &bias)?.into(),
        };
        convs.insert(layer.to_owned(), conv);
    }
    if convs.is_empty() {
        let mut names = file.names();
        names.sort();
        let shown = names[..names.len().min(4)].join(", ");
        return Err(format!(
            "no tensor is named like conv1_1.weight; it holds {} tensors: {shown}{}",
            names.len(),
            if names.len() > 4 { ", …" } else { "" }
        ));
    }
    Ok(convs)
}

/// Refuses weights whose file says that they are for other pixels than RGB 0..255 less the mean. Most files say nothing.
fn check_convention(metadata: Option<&HashMap<String, String>>) -> Result<(), String> {
    let convention = [("layout", "OIHW"), ("channels", "RGB"), ("range", "0..255")];
    for (key, ours) in convention {
        match metadata.and_then(|metadata| metadata.get(key)) {
            Some(theirs) if theirs != ours => {
                return Err(format!("its {key} is {theirs}; only {ours} can be used"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether `name` is `convB_I`.
fn is_conv(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (name.strip_prefix("conv"))
        .and_then(|rest| rest.split_once('_'))
        .is_some_and(|(block, conv)| number(block) && number(conv))
}

/// A kernel as HWIO from OIHW.
fn kernel(name: &str, view: &TensorView) -> Result<Array4<f32>, String> {
    let &[o, i, h, w] = view.shape() else {
        return Err(format!(
            "{name} is no kernel: it has {} axes",
            view.shape().len()
        ));
    };
    let oihw = Array4::from_shape_vec((o, i, h, w), values(name, view)?)
        .map_err(|error| format!("{name}: {error}"))?;
    Ok(oihw
        .permuted_axes([2, 3, 1, 0])
        .as_standard_layout()
        .into_owned())
}

/// The tensor's elements as `f32`, whatever they are stored as.
fn values(name: &str, view: &TensorView) -> Result<Vec<f32>, String> {
    fn decode<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        let (elements, _) = bytes.as_chunks::<N>();
        elements.iter().map(|&element| value(element)).collect()
    }
    let bytes = view.data();
    match view.dtype() {
        Dtype::F16 => Ok(decode(bytes, |b| f16::from_le_bytes(b).to_f32())),
        Dtype::BF16 => Ok(decode(bytes, |b| bf16::from_le_bytes(b).to_f32())),
        Dtype::F32 => Ok(decode(bytes, f32::from_le_bytes)),
        other => Err(format!(
            "{name} is stored as {other:?}, not f16, bf16 or f32"
        )),
    }
}

/// The crate's error in words for a person.
fn explain(length: usize, error: &SafeTensorError) -> String {
    match error {
        SafeTensorError::HeaderTooSmall if length == 0 => "the file is empty".to_owned(),
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::HeaderTooLarge
        | SafeTensorError::InvalidHeader(_)
        | SafeTensorError::InvalidHeaderDeserialization(_) => {
            format!("not a safetensors file, or one that is cut short ({error})")
        }
        SafeTensorError::MetadataIncompleteBuffer => {
            "cut short or damaged: the header speaks of more or fewer bytes than there are"
                .to_owned()
        }
        other => format!("damaged safetensors file ({other})"),
    }
}
