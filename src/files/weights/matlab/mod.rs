//! MATLAB's MAT-files of level 5: a header, then elements, each with its type and its length. Elements may contain others.
//!
//! Source: MathWorks, *MAT-File Format*. The crates for it read only numeric arrays, or the whole file at once. This reader
//! also reads cells and structs, skips arrays that are larger than a convolution, and does not copy uncompressed arrays.

mod elements;
mod values;

use super::ReadError;
use super::tensor::ElementType;
use bytes::Bytes;
use elements::{COMPRESSED, Elements, MATRIX};
use values::Values;

/// The most variables that are returned. A flat file of VGG-19 has 32.
const MAX_VARIABLES: usize = 2000;

/// A value of MATLAB's.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Numbers(Numbers),
    Text(String),
    /// The items of a cell array, in column-major order.
    Cell(Vec<Value>),
    /// The fields of a struct. Of an array of structs, only the first struct is read.
    Struct(Vec<(String, Value)>),
    /// A value of another class, or one that was skipped.
    Other,
}

/// A numeric array, in column-major order.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    pub shape: Vec<usize>,
    /// How the elements are stored. MATLAB stores whole numbers as integers where that is shorter, even in an array of class
    /// double.
    pub element: ElementType,
    pub big_endian: bool,
    /// `None` if the array is larger than any convolution.
    pub bytes: Option<Bytes>,
}

impl Value {
    /// The field `name` of a struct.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Struct(fields) => {
                (fields.iter().find(|(field, _)| field == name)).map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

/// Reads the variables whose names are `wanted`. Returns their names and values.
///
/// Unpacking the rest of a compressed variable can be avoided: once its items satisfy `is_enough`, reading stops at the first
/// array that is larger than a convolution.
///
/// # Errors
/// If the file is damaged, has an unknown version, or exceeds a limit.
pub(super) fn read(
    bytes: &Bytes,
    wanted: &dyn Fn(&str) -> bool,
    is_enough: &dyn Fn(&[Value]) -> bool,
) -> Result<Vec<(String, Value)>, ReadError> {
    let elements = Elements::new(bytes)?;
    let mut values = Values::new(elements, wanted, is_enough);
    let mut variables = Vec::new();
    while values.elements.left > 0 {
        let tag = values.elements.tag()?;
        match tag.kind {
            COMPRESSED => variables.extend(values.compressed_variable(tag)?),
            MATRIX => variables.extend(values.variable(tag)?),
            0 => return Err(ReadError::damaged("damaged: an element without a type")),
            _ => values.elements.skip(tag.padded_length())?,
        }
        if variables.len() > MAX_VARIABLES {
            return Err(ReadError::Damaged(format!(
                "more than {MAX_VARIABLES} variables, which no network has"
            )));
        }
    }
    Ok(variables)
}
