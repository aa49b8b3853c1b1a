//! The check of a derivative by finite differences.

use crate::arrays::{check_shape, read, written};
use impasto::method::finite_difference;
use ndarray::{Array3, ArrayD};
use pyo3::prelude::*;
use std::cell::RefCell;

/// The largest relative error of gradient, which should be the gradient of loss at x, over all elements: it is compared with central
/// finite differences.
///
/// x and gradient are arrays of float64 of one shape, which may be any; loss is called with arrays of this shape, twice for each
/// element, and returns a number. x and the loss should be of order 1. A correct gradient gives about 1e-9. One wrong factor, sign
/// or index gives far more than 1e-6. A NaN gives infinity. Raises impasto.Error if the shapes differ, and what loss raises.
#[pyfunction]
pub fn relative_error(
    x: &Bound<PyAny>,
    gradient: &Bound<PyAny>,
    loss: &Bound<PyAny>,
) -> PyResult<f64> {
    let py = x.py();
    let (x, gradient): (ArrayD<f64>, ArrayD<f64>) = (read("x", x)?, read("gradient", gradient)?);
    check_shape("gradient", gradient.shape(), x.shape())?;
    let shape = x.raw_dim();
    let in_a_row = |array: ArrayD<f64>| -> Array3<f64> {
        let row = array.to_shape((array.len(), 1, 1));
        row.expect("the number of elements stays").into_owned()
    };
    let failed = RefCell::new(None);
    let value = |row: &Array3<f64>| {
        if failed.borrow().is_some() {
            return f64::NAN;
        }
        let moved = row.to_shape(shape.clone());
        let moved = moved.expect("the number of elements stays").into_owned();
        let value = loss.call1((written(py, moved),));
        value
            .and_then(|value| value.extract())
            .unwrap_or_else(|error| {
                failed.replace(Some(error));
                f64::NAN
            })
    };
    let worst = finite_difference::relative_error(&in_a_row(x), &in_a_row(gradient), value);
    failed.into_inner().map_or(Ok(worst), Err)
}
