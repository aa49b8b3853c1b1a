//! Losses: a number, and its gradient.

use crate::arrays::{Float, by_precision, check_shape, read, written};
use crate::errors::error;
use crate::operations::padding;
use impasto::method::style::{Features, RegionLossBuilder};
use impasto::method::{self, ContentLoss, PlainProducts, StyleLossKind, TotalVariation};
use ndarray::Array3;
use pyo3::prelude::*;

type Any<'py> = Bound<'py, PyAny>;

/// A loss L of an array H×W×C of float32 or float64: loss(x) returns L and dL/dx, an array like x.
///
/// The functions in impasto.losses make losses. Calling one raises TypeError if x is not of the type of the arrays that the loss was
/// made of, and impasto.Error if the shape does not fit.
#[pyclass(frozen, generic, module = "impasto.losses")]
pub struct Loss {
    name: &'static str,
    function: Box<dyn Function>,
}

/// L and dL/dx, of whichever type x is.
trait Function: Send + Sync {
    fn value_and_gradient<'py>(&self, x: &Any<'py>) -> PyResult<(f64, Any<'py>)>;
}

#[pymethods]
impl Loss {
    /// The loss of x, and its gradient, an array like x.
    fn __call__<'py>(&self, x: &Any<'py>) -> PyResult<(f64, Any<'py>)> {
        self.function.value_and_gradient(x)
    }

    fn __repr__(&self) -> String {
        format!("<impasto.losses.Loss: {}>", self.name)
    }
}

/// A loss of a layer's activations.
struct OfLayer<T> {
    loss: Box<dyn method::Loss<T>>,
    channels: usize,
    /// The height and width that they must have, if they must.
    size: Option<(usize, usize)>,
}

impl<T: Float> Function for OfLayer<T> {
    fn value_and_gradient<'py>(&self, x: &Any<'py>) -> PyResult<(f64, Any<'py>)> {
        let py = x.py();
        let x: Array3<T> = read("x", x)?;
        let (height, width) = self.size.unwrap_or((x.dim().0, x.dim().1));
        check_shape("x", x.shape(), &[height, width, self.channels])?;
        evaluate(py, &*self.loss, x)
    }
}

impl Function for TotalVariation {
    fn value_and_gradient<'py>(&self, x: &Any<'py>) -> PyResult<(f64, Any<'py>)> {
        fn of<'py, T: Float>(
            py: Python<'py>,
            loss: &TotalVariation,
            x: &Any<'py>,
        ) -> PyResult<(f64, Any<'py>)> {
            evaluate::<T>(py, loss, read("x", x)?)
        }
        by_precision!("x", x, of(x.py(), self, x))
    }
}

fn evaluate<'py, T: Float>(
    py: Python<'py>,
    loss: &dyn method::Loss<T>,
    x: Array3<T>,
) -> PyResult<(f64, Any<'py>)> {
    let (value, gradient) = py.detach(|| loss.value_and_gradient(&x));
    Ok((value, written(py, gradient)))
}

/// The content loss of a layer: L = Σ (x - photograph)² / (4·size), where size is the number of elements.
///
/// photograph are its activations (H×W×C), which x must have the shape and the type of.
#[pyfunction]
pub fn content(photograph: &Any) -> PyResult<Loss> {
    fn of<T: Float>(photograph: &Any) -> PyResult<Loss> {
        let target: Array3<T> = read("photograph", photograph)?;
        let (height, width, channels) = target.dim();
        Ok(Loss {
            name: "content",
            function: Box::new(OfLayer {
                loss: Box::new(ContentLoss::new(target)),
                channels,
                size: Some((height, width)),
            }),
        })
    }
    by_precision!("photograph", photograph, of(photograph))
}

/// The style loss of a layer with this name, one of those of the setting style_loss.
///
/// painting are its activations (H×W×C). x must have their type and their channels; height and width may differ.
#[pyfunction]
pub fn style(name: &str, painting: &Any) -> PyResult<Loss> {
    fn of<T: Float>(kind: StyleLossKind, painting: &Any) -> PyResult<Loss> {
        let py = painting.py();
        let painting: Array3<T> = read("painting", painting)?;
        let loss = py.detach(|| {
            let mut builder = RegionLossBuilder::new(kind);
            builder.add_painting(Features::new(&painting, None), 1.0, &PlainProducts);
            builder.finish(None, &PlainProducts)
        });
        Ok(Loss {
            name: kind.name(),
            function: Box::new(OfLayer {
                loss: Box::new(loss),
                channels: painting.dim().2,
                size: None,
            }),
        })
    }
    let kind = name.parse::<StyleLossKind>();
    let kind = kind.map_err(|unknown| error(format!("style_loss={name:?}: {unknown}")))?;
    by_precision!("painting", painting, of(kind, painting))
}

/// Total variation: L = ½ Σ d² over the differences d of all neighbors of x (H×W×C), to the right, below, and times diagonals along
/// both diagonals. With padding="circular" the first and the last of each row and column are neighbors too.
#[pyfunction]
#[pyo3(signature = (diagonals=0.0, padding="zero"))]
pub fn total_variation(diagonals: f64, padding: &str) -> PyResult<Loss> {
    if !(diagonals.is_finite() && diagonals >= 0.0) {
        let message = format!("diagonals={diagonals}: write a number, at least 0");
        return Err(error(message));
    }
    let padding = self::padding(padding)?;
    Ok(Loss {
        name: "total_variation",
        function: Box::new(TotalVariation { padding, diagonals }),
    })
}
