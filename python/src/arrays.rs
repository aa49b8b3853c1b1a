//! NumPy arrays of floating-point numbers as arrays of ndarray, and back.

use crate::errors::error;
use impasto::engine::SimdScalar;
use ndarray::{Array, Dimension};
use numpy::{Element, PyArray, PyArrayDescrMethods, PyArrayDyn, PyArrayMethods, PyUntypedArray};
use numpy::{PyUntypedArrayMethods, dtype};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;

/// `f32` and `f64`, as they are computed with and as NumPy has them.
pub trait Float: SimdScalar + Element {}

impl<T: SimdScalar + Element> Float for T {}

/// The type of an array's elements.
#[derive(Clone, Copy)]
pub enum Precision {
    Single,
    Double,
}

impl Precision {
    /// That of the array called `what`.
    ///
    /// # Errors
    /// `TypeError` if it is no NumPy array, or one of something else than float32 or float64.
    pub fn of(what: &str, x: &Bound<PyAny>) -> PyResult<Self> {
        let py = x.py();
        let found = untyped(what, x)?.dtype();
        if found.is_equiv_to(&dtype::<f32>(py)) {
            Ok(Self::Single)
        } else if found.is_equiv_to(&dtype::<f64>(py)) {
            Ok(Self::Double)
        } else {
            Err(PyTypeError::new_err(format!(
                "{what} must be of float32 or float64, not {found}"
            )))
        }
    }
}

/// Calls a function that is generic over a [`Float`] with the type of the elements of the NumPy array `x`, which is called `what`.
macro_rules! by_precision {
    ($what:expr, $x:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $crate::arrays::Precision::of($what, $x)? {
            $crate::arrays::Precision::Single => $function::<f32>($($argument),*),
            $crate::arrays::Precision::Double => $function::<f64>($($argument),*),
        }
    };
}
pub(crate) use by_precision;

/// A copy of the array called `what`, in standard layout whatever its strides. It is not empty.
///
/// # Errors
/// `TypeError` if it is no NumPy array, or of another type; `Error` if it has another number of axes, or no elements.
pub fn read<T: Element + Clone, D: Dimension>(
    what: &str,
    x: &Bound<PyAny>,
) -> PyResult<Array<T, D>> {
    let py = x.py();
    let found = untyped(what, x)?;
    let shape = found.shape().to_vec();
    if D::NDIM.is_some_and(|axes| axes != shape.len()) {
        let (axes, shape) = (D::NDIM.unwrap_or_default(), tuple(&shape));
        return Err(error(format!(
            "{what} must have {axes} axes, and its shape is {shape}"
        )));
    }
    if shape.contains(&0) {
        let shape = tuple(&shape);
        return Err(error(format!("{what} is empty: its shape is {shape}")));
    }
    if !found.dtype().is_equiv_to(&dtype::<T>(py)) {
        let (found, wanted) = (found.dtype(), dtype::<T>(py));
        return Err(PyTypeError::new_err(format!(
            "{what} must be of {wanted}, not {found}"
        )));
    }
    // In one piece and aligned, which not every view of a NumPy array is.
    let numpy = py.import(intern!(py, "numpy"))?;
    let whole = numpy.call_method1(intern!(py, "require"), (x, py.None(), "CA"))?;
    let whole = whole.cast::<PyArrayDyn<T>>()?.try_readonly()?;
    let array = whole.as_array().as_standard_layout().into_owned();
    Ok((array.into_dimensionality()).expect("the axes were counted"))
}

fn untyped<'a, 'py>(
    what: &str,
    x: &'a Bound<'py, PyAny>,
) -> PyResult<&'a Bound<'py, PyUntypedArray>> {
    x.cast().map_err(|_| {
        let kind = x.get_type();
        let kind = kind
            .name()
            .map_or_else(|_| "that".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("{what} must be a NumPy array, not {kind}"))
    })
}

/// The array as one of NumPy.
pub fn written<T: Element, D: Dimension>(py: Python<'_>, array: Array<T, D>) -> Bound<'_, PyAny> {
    PyArray::from_owned_array(py, array).into_any()
}

/// A shape as Python writes it.
pub fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        all => format!("{all:?}").replace('[', "(").replace(']', ")"),
    }
}

/// Checks the shape of the array called `what`.
///
/// # Errors
/// `Error` if it has another one.
pub fn check_shape(what: &str, shape: &[usize], wanted: &[usize]) -> PyResult<()> {
    if shape == wanted {
        return Ok(());
    }
    let (shape, wanted) = (tuple(shape), tuple(wanted));
    Err(error(format!(
        "{what} must have the shape {wanted}, not {shape}"
    )))
}
