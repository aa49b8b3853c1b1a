//! The safetensors format: a JSON header that says where each tensor lies, then their bytes.

use super::contents::{Contents, Stated};
use super::convention::Convention;
use super::tensor::{Lazy, Number, Tensor, row_major};
use bytes::Bytes;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use std::collections::HashMap;

/// The longest header that is read, in bytes: that of VGG-19 has 3000.
const LONGEST_HEADER: u64 = 1 << 20;

/// The tensors in the bytes of a safetensors file, which are used where they lie.
///
/// # Errors
/// What is wrong, as a sentence.
pub(super) fn read(bytes: &Bytes) -> Result<Contents, String> {
    let damaged = |error| explain(bytes.len(), &error);
    let header = bytes
        .first_chunk()
        .map_or(0, |&length| u64::from_le_bytes(length));
    if (LONGEST_HEADER + 1..bytes.len() as u64).contains(&header) {
        return Err(format!(
            "its header has {header} bytes, more than that of any VGG network"
        ));
    }
    let (length, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let numbers = bytes.slice(8 + length..);
    let tensors = (header.tensors().into_iter())
        .map(|(name, tensor)| Tensor {
            name,
            shape: tensor.shape.clone(),
            strides: row_major(&tensor.shape),
            number: number(tensor.dtype),
            big_endian: false,
            bytes: Lazy::Ready(numbers.slice(tensor.data_offsets.0..tensor.data_offsets.1)),
        })
        .collect();
    Ok(Contents {
        tensors,
        stated: (header.metadata().as_ref()).map_or(Ok(Stated::default()), stated),
    })
}

/// What the header says of the pixels: most say nothing. This program writes the channels, their range and the mean.
fn stated(metadata: &HashMap<String, String>) -> Result<Stated, String> {
    let said = |key: &str| metadata.get(key).map(String::as_str);
    let convention = match (said("channels"), said("range")) {
        (None, None) => return Ok(Stated::default()),
        (Some("RGB") | None, Some("0..255") | None) => Convention::CaffeRgb,
        (Some("BGR"), Some("0..255") | None) => Convention::CaffeBgr,
        (channels, range) => {
            return Err(format!(
                "it says that its channels are {} and their range {}, and not what that means; name the convention, caffe-rgb, caffe-bgr or torchvision",
                channels.unwrap_or("RGB"),
                range.unwrap_or("0..255")
            ));
        }
    };
    // A mean without a range might be one of 0..1.
    let mean = said("mean").map(|text| {
        let numbers: Option<Vec<f64>> = text.split(',').map(|m| m.trim().parse().ok()).collect();
        (numbers.and_then(|numbers| numbers.try_into().ok())).ok_or_else(|| {
            format!("it says that its mean is {text:?}, not three numbers; name the convention, caffe-rgb, caffe-bgr or torchvision")
        })
    });
    Ok(Stated {
        convention: Some(convention),
        mean: mean.transpose()?,
    })
}

/// How elements of this type are read, if they can be weights.
fn number(dtype: Dtype) -> Result<Number, String> {
    match dtype {
        Dtype::F16 => Ok(Number::F16),
        Dtype::BF16 => Ok(Number::BF16),
        Dtype::F32 => Ok(Number::F32),
        Dtype::F64 => Ok(Number::F64),
        other => Err(format!("{other:?}")),
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
