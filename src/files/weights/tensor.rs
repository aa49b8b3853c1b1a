//! One array of numbers in a file, read when it is wanted and not before.

use bytes::Bytes;
use half::{bf16, f16};
use ndarray::{ArrayD, ArrayView, IxDyn, ShapeBuilder};
use std::fmt;

/// A named array in a file, whatever the format.
pub(super) struct Tensor {
    /// The file's name for it.
    pub name: String,
    /// Its edges.
    pub shape: Vec<usize>,
    /// How far apart, in elements, neighbours along each axis are.
    pub strides: Vec<usize>,
    /// How its elements are stored, or the name of a type that weights do not have.
    pub number: Result<Number, String>,
    /// Whether they are stored with the highest byte first.
    pub big_endian: bool,
    /// Its bytes, from its first element on.
    pub bytes: Lazy,
}

/// The most elements from the first to the last of a tensor: twice those of VGG's largest kernels.
const LONGEST_SPAN: usize = 2 * 3 * 3 * 512 * 512;

/// Bytes that are at hand, or that must be unpacked first.
pub(super) enum Lazy {
    Ready(Bytes),
    /// Given how many bytes are needed: these, or fewer if there are no more.
    Packed(Box<dyn FnOnce(usize) -> Result<Bytes, String>>),
}

/// How an element is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Number {
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

impl Number {
    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// Elements in either byte order as `f32`, rounded to the nearest.
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
            Self::F16 => elements!(f16, f16::to_f32),
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

impl fmt::Display for Number {
    /// `f16`
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}", format!("{self:?}").to_lowercase())
    }
}

impl Tensor {
    /// One of which nothing but the name is wanted.
    pub fn unread(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            shape: Vec::new(),
            strides: Vec::new(),
            number: Err("no number".to_owned()),
            big_endian: false,
            bytes: Lazy::Ready(Bytes::new()),
        }
    }

    /// Its elements as `f32`, in memory no larger than the shape asks for.
    ///
    /// # Errors
    /// If the file has fewer bytes than the shape says, or they cannot be unpacked.
    pub fn values(self) -> Result<ArrayD<f32>, String> {
        let Self { name, shape, .. } = self;
        let number = (self.number)
            .map_err(|kind| format!("{name} is stored as {kind}, not as f16, bf16, f32 or f64"))?;
        if shape.contains(&0) {
            return Err(format!(
                "{name} has no elements: its shape is {}",
                edges(&shape)
            ));
        }
        let odd = || {
            format!(
                "{name} is a view with gaps or repeats that are not read; save it with .contiguous()"
            )
        };
        // From the first element to the last, gaps included: they are read too.
        let span = (shape.iter().zip(&self.strides)).try_fold(1_usize, |span, (&edge, &stride)| {
            span.checked_add((edge - 1).checked_mul(stride)?)
        });
        let span = span.filter(|&span| span <= LONGEST_SPAN).ok_or_else(odd)?;
        let needed = span * number.size();
        let bytes = match self.bytes {
            Lazy::Ready(bytes) => bytes,
            Lazy::Packed(unpack) => {
                unpack(needed).map_err(|trouble| format!("{name}: {trouble}"))?
            }
        };
        let Some(bytes) = bytes.get(..needed) else {
            let found = bytes.len();
            return Err(format!(
                "{name}: cut short: its shape {} needs {needed} bytes, and there are {found}",
                edges(&shape)
            ));
        };
        let elements = number.decode(bytes, self.big_endian);
        let shape = IxDyn(&shape).strides(IxDyn(&self.strides));
        let view = ArrayView::from_shape(shape, &elements).map_err(|_| odd())?;
        Ok(view.as_standard_layout().into_owned())
    }
}

/// How far apart neighbours along each axis are if the last axis is the one of neighbours in the file (C order).
pub(super) fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = column_major(&shape.iter().rev().copied().collect::<Vec<_>>());
    strides.reverse();
    strides
}

/// How far apart neighbours along each axis are if the first axis is the one of neighbours in the file (Fortran order).
pub(super) fn column_major(shape: &[usize]) -> Vec<usize> {
    let edges = shape.iter().scan(1_usize, |stride, &edge| {
        let next = stride.saturating_mul(edge);
        Some(std::mem::replace(stride, next))
    });
    edges.collect()
}

/// `64×3×3×3`
pub(super) fn edges(shape: &[usize]) -> String {
    let edges: Vec<_> = shape.iter().map(usize::to_string).collect();
    edges.join("×")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, array};

    fn tensor(number: Number, bytes: Vec<u8>, strides: Vec<usize>) -> Tensor {
        Tensor {
            name: "t".to_owned(),
            shape: vec![2, 3],
            strides,
            number: Ok(number),
            big_endian: false,
            bytes: Lazy::Ready(bytes.into()),
        }
    }

    #[test]
    fn elements_are_found_in_either_order_of_axes() {
        let bytes: Vec<u8> = (1..=6).collect();
        let rows = tensor(Number::U8, bytes.clone(), row_major(&[2, 3]));
        let expected: ArrayD<f32> = array![[1., 2., 3.], [4., 5., 6.]].into_dyn();
        assert_eq!(rows.values().unwrap(), expected);
        let columns = tensor(Number::U8, bytes, column_major(&[2, 3]));
        let expected: ArrayD<f32> = array![[1., 3., 5.], [2., 4., 6.]].into_dyn();
        assert_eq!(columns.values().unwrap(), expected);
    }

    #[test]
    fn the_highest_byte_may_come_first() {
        let bytes = (1..=6).flat_map(|n| f64::from(n).to_be_bytes()).collect();
        let mut wide = tensor(Number::F64, bytes, row_major(&[2, 3]));
        wide.big_endian = true;
        assert_eq!(wide.values().unwrap()[[1, 2]], 6.0);
    }

    #[test]
    fn a_shape_larger_than_its_bytes_is_refused() {
        let short = tensor(Number::F32, vec![0; 23], row_major(&[2, 3]));
        assert!(short.values().unwrap_err().contains("cut short"));
        let huge = tensor(Number::F32, vec![0; 24], vec![usize::MAX, 1]);
        assert!(huge.values().unwrap_err().contains("gaps"));
        let wide = tensor(Number::F32, vec![0; 24], vec![LONGEST_SPAN, 1]);
        assert!(wide.values().unwrap_err().contains("gaps"));
        let mut empty = tensor(Number::F32, vec![0; 24], vec![0, 0]);
        empty.shape[0] = 0;
        assert!(empty.values().unwrap_err().contains("no elements"));
    }
}
