//! An array in a file. It is decoded only when its values are needed.

use super::ReadError;
use bytes::Bytes;
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use ndarray::{ArrayD, ArrayView, IxDyn, ShapeBuilder};
use std::fmt;
use thiserror::Error;

/// A named array in a file of any format.
pub(super) struct Tensor {
    /// Its name in the file.
    pub name: String,
    pub shape: Vec<usize>,
    /// For each axis, the distance between neighbors along it, in elements.
    pub strides: Vec<usize>,
    pub element: Result<ElementType, UnsupportedElement>,
    /// Whether the highest byte of an element comes first.
    pub big_endian: bool,
    /// The bytes from its first element on.
    pub data: Data,
}

/// The largest distance from the first to the last element of a tensor, in elements: twice the size of VGG's largest kernels.
const MAX_SPAN: usize = 2 * 3 * 3 * 512 * 512;

/// The bytes of a tensor.
pub(super) enum Data {
    Ready(Bytes),
    /// A function that reads or unpacks the bytes. It takes the number of bytes that are needed, and returns fewer if there are
    /// fewer.
    Deferred(Box<dyn FnOnce(usize) -> Result<Bytes, ReadError>>),
}

/// A type of elements that cannot be read as weights: its name in the file format.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub(super) struct UnsupportedElement(pub String);

/// How an element is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ElementType {
    F16,
    BF16,
    F32,
    F64,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
}

impl ElementType {
    /// The size of an element in bytes.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// Decodes elements as `f32`, rounded to the nearest.
    fn decode(self, bytes: &[u8], big_endian: bool) -> Vec<f32> {
        macro_rules! elements {
            ($type:ty, $value:expr) => {{
                let (elements, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                let read = if big_endian {
                    <$type>::from_be_bytes
                } else {
                    <$type>::from_le_bytes
                };
                elements
                    .iter()
                    .map(|&element| $value(read(element)))
                    .collect()
            }};
        }
        match self {
            // It converts several at a time, with the CPU's vector instructions.
            Self::F16 => {
                let halves: Vec<f16> = elements!(f16, |x| x);
                halves.to_f32_vec()
            }
            Self::BF16 => elements!(bf16, bf16::to_f32),
            Self::F32 => elements!(f32, |x| x),
            Self::F64 => elements!(f64, |x| x as f32),
            Self::I8 => elements!(i8, f32::from),
            Self::U8 => elements!(u8, f32::from),
            Self::I16 => elements!(i16, f32::from),
            Self::U16 => elements!(u16, f32::from),
            Self::I32 => elements!(i32, |x| x as f32),
            Self::U32 => elements!(u32, |x| x as f32),
            Self::I64 => elements!(i64, |x| x as f32),
            Self::U64 => elements!(u64, |x| x as f32),
        }
    }
}

impl fmt::Display for ElementType {
    /// `f16`
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}", format!("{self:?}").to_lowercase())
    }
}

impl Tensor {
    /// A tensor whose values are never needed. Only its name is shown to the user.
    pub fn name_only(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            shape: Vec::new(),
            strides: Vec::new(),
            element: Err(UnsupportedElement("an unknown type".to_owned())),
            big_endian: false,
            data: Data::Ready(Bytes::new()),
        }
    }

    /// Decodes the values. The memory that this takes is limited by the shape, so check the shape first.
    ///
    /// # Errors
    /// If the element type or the strides are not supported, if there are fewer bytes than the shape needs, or if they cannot
    /// be unpacked.
    pub fn values(self) -> Result<ArrayD<f32>, ReadError> {
        let Self { name, shape, .. } = self;
        let element = self.element.map_err(|kind| {
            ReadError::Unsupported(format!(
                "{name} is stored as {kind}, not as f16, bf16, f32 or f64"
            ))
        })?;
        if shape.contains(&0) {
            return Err(ReadError::Damaged(format!(
                "{name} has no elements: its shape is {}",
                format_shape(&shape)
            )));
        }
        let unsupported_strides = || {
            ReadError::Unsupported(format!(
                "{name} is a view with gaps or repeats, which cannot be read; save it with .contiguous()"
            ))
        };
        let span = (shape.iter().zip(&self.strides))
            .try_fold(1_usize, |span, (&length, &stride)| {
                span.checked_add((length - 1).checked_mul(stride)?)
            })
            .filter(|&span| span <= MAX_SPAN)
            .ok_or_else(unsupported_strides)?;
        let needed = span * element.size();
        let bytes = match self.data {
            Data::Ready(bytes) => bytes,
            Data::Deferred(read) => read(needed).map_err(|error| error.in_part(&name))?,
        };
        let Some(bytes) = bytes.get(..needed) else {
            return Err(ReadError::Damaged(format!(
                "{name}: cut short: its shape {} needs {needed} bytes, but there are {}",
                format_shape(&shape),
                bytes.len()
            )));
        };
        let elements = element.decode(bytes, self.big_endian);
        if self.strides == row_major(&shape) {
            let array = ArrayD::from_shape_vec(IxDyn(&shape), elements);
            return Ok(array.expect("a tensor without gaps has as many elements"));
        }
        let shape = IxDyn(&shape).strides(IxDyn(&self.strides));
        let view = ArrayView::from_shape(shape, &elements).map_err(|_| unsupported_strides())?;
        Ok(view.as_standard_layout().into_owned())
    }
}

/// Strides in C order: neighbors along the last axis are neighbors in the file.
pub(super) fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = column_major(&shape.iter().rev().copied().collect::<Vec<_>>());
    strides.reverse();
    strides
}

/// Strides in Fortran order: neighbors along the first axis are neighbors in the file.
pub(super) fn column_major(shape: &[usize]) -> Vec<usize> {
    let strides = shape.iter().scan(1_usize, |stride, &length| {
        let next = stride.saturating_mul(length);
        Some(std::mem::replace(stride, next))
    });
    strides.collect()
}

/// `64×3×3×3`
pub(super) fn format_shape(shape: &[usize]) -> String {
    let lengths: Vec<_> = shape.iter().map(usize::to_string).collect();
    lengths.join("×")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, array};

    fn tensor(element: ElementType, bytes: Vec<u8>, strides: Vec<usize>) -> Tensor {
        Tensor {
            name: "t".to_owned(),
            shape: vec![2, 3],
            strides,
            element: Ok(element),
            big_endian: false,
            data: Data::Ready(bytes.into()),
        }
    }

    #[test]
    fn both_orders_of_axes_are_decoded() {
        let bytes: Vec<u8> = (1..=6).collect();
        let rows = tensor(ElementType::U8, bytes.clone(), row_major(&[2, 3]));
        let expected: ArrayD<f32> = array![[1., 2., 3.], [4., 5., 6.]].into_dyn();
        assert_eq!(rows.values().unwrap(), expected);
        let columns = tensor(ElementType::U8, bytes, column_major(&[2, 3]));
        let expected: ArrayD<f32> = array![[1., 3., 5.], [2., 4., 6.]].into_dyn();
        assert_eq!(columns.values().unwrap(), expected);
    }

    #[test]
    fn big_endian_elements_are_decoded() {
        let bytes = (1..=6).flat_map(|n| f64::from(n).to_be_bytes()).collect();
        let mut wide = tensor(ElementType::F64, bytes, row_major(&[2, 3]));
        wide.big_endian = true;
        assert_eq!(wide.values().unwrap()[[1, 2]], 6.0);
    }

    #[test]
    fn a_shape_larger_than_its_bytes_is_refused() {
        let short = tensor(ElementType::F32, vec![0; 23], row_major(&[2, 3]));
        assert!(
            short
                .values()
                .unwrap_err()
                .to_string()
                .contains("cut short")
        );
        let huge = tensor(ElementType::F32, vec![0; 24], vec![usize::MAX, 1]);
        assert!(huge.values().unwrap_err().to_string().contains("gaps"));
        let wide = tensor(ElementType::F32, vec![0; 24], vec![MAX_SPAN, 1]);
        assert!(wide.values().unwrap_err().to_string().contains("gaps"));
        let mut empty = tensor(ElementType::F32, vec![0; 24], vec![0, 0]);
        empty.shape[0] = 0;
        assert!(
            empty
                .values()
                .unwrap_err()
                .to_string()
                .contains("no elements")
        );
    }
}
