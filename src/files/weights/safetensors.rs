//! The safetensors format: a JSON header that lists the tensors, then their bytes.

use super::ReadError;
use super::contents::{Contents, StatedPixels};
use super::convention::Convention;
use super::tensor::{Data, ElementType, Tensor, UnsupportedElement, row_major};
use bytes::Bytes;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use std::collections::HashMap;

/// The longest header that is parsed, in bytes. That of VGG-19 has 3000.
const MAX_HEADER: u64 = 1 << 20;

/// Lists the tensors in the bytes of a safetensors file. Their bytes are not copied.
///
/// # Errors
/// If the file is damaged.
pub(super) fn read(bytes: &Bytes) -> Result<Contents, ReadError> {
    let header = bytes
        .first_chunk()
        .map_or(0, |&length| u64::from_le_bytes(length));
    if (MAX_HEADER + 1..bytes.len() as u64).contains(&header) {
        return Err(ReadError::Damaged(format!(
            "its header has {header} bytes, more than that of any VGG network"
        )));
    }
    let (length, header) =
        SafeTensors::read_metadata(bytes).map_err(|error| describe(bytes.len(), &error))?;
    let data = bytes.slice(8 + length..);
    let tensors = (header.tensors().into_iter())
        .map(|(name, tensor)| Tensor {
            name,
            shape: tensor.shape.clone(),
            strides: row_major(&tensor.shape),
            element: element_type(tensor.dtype),
            big_endian: false,
            data: Data::Ready(data.slice(tensor.data_offsets.0..tensor.data_offsets.1)),
        })
        .collect();
    Ok(Contents {
        tensors,
        pixels: (header.metadata().as_ref()).map_or(Ok(StatedPixels::default()), stated_pixels),
    })
}

/// The pixels according to the header's metadata. Most files state nothing; this program writes channels, range and mean.
fn stated_pixels(metadata: &HashMap<String, String>) -> Result<StatedPixels, ReadError> {
    let value = |key: &str| metadata.get(key).map(String::as_str);
    let convention = match (value("channels"), value("range")) {
        // A mean alone is ignored: it may be one for pixels in 0..1.
        (None, None) => return Ok(StatedPixels::default()),
        (Some("RGB") | None, Some("0..255") | None) => Convention::CaffeRgb,
        (Some("BGR"), Some("0..255") | None) => Convention::CaffeBgr,
        (channels, range) => {
            return Err(ReadError::Unsupported(format!(
                "it states channels {} and range {}, which are not known; name the convention, caffe-rgb, caffe-bgr or torchvision",
                channels.unwrap_or("RGB"),
                range.unwrap_or("0..255")
            )));
        }
    };
    let mean = value("mean").map(|text| {
        let numbers: Option<Vec<f64>> = text.split(',').map(|m| m.trim().parse().ok()).collect();
        (numbers.and_then(|numbers| numbers.try_into().ok())).ok_or_else(|| {
            ReadError::Unsupported(format!(
                "it states the mean {text:?}, which is not three numbers; name the convention, caffe-rgb, caffe-bgr or torchvision"
            ))
        })
    });
    Ok(StatedPixels {
        convention: Some(convention),
        mean: mean.transpose()?,
    })
}

fn element_type(dtype: Dtype) -> Result<ElementType, UnsupportedElement> {
    match dtype {
        Dtype::F16 => Ok(ElementType::F16),
        Dtype::BF16 => Ok(ElementType::BF16),
        Dtype::F32 => Ok(ElementType::F32),
        Dtype::F64 => Ok(ElementType::F64),
        other => Err(UnsupportedElement(format!("{other:?}"))),
    }
}

/// The crate's error in words that a user understands. `size` is that of the file.
fn describe(size: usize, error: &SafeTensorError) -> ReadError {
    match error {
        SafeTensorError::HeaderTooSmall if size == 0 => ReadError::not_weights("the file is empty"),
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::HeaderTooLarge
        | SafeTensorError::InvalidHeader(_)
        | SafeTensorError::InvalidHeaderDeserialization(_) => ReadError::Damaged(format!(
            "not a safetensors file, or one that is cut short ({error})"
        )),
        SafeTensorError::MetadataIncompleteBuffer => ReadError::damaged(
            "cut short or damaged: the header lists more or fewer bytes than the file has",
        ),
        other => ReadError::Damaged(format!("damaged safetensors file ({other})")),
    }
}
