//! The operations that the network is made of, in their plain form, forward and backward.

use crate::arrays::{Float, by_precision, check_shape, read, written};
use crate::errors::error;
use impasto::method::{self, Padding, Pooling};
use ndarray::{Array1, Array2, Array3, Array4};
use pyo3::prelude::*;

type Any<'py> = Bound<'py, PyAny>;

/// `zero` or `circular`.
pub fn padding(name: &str) -> PyResult<Padding> {
    match name {
        "zero" => Ok(Padding::Zero),
        "circular" => Ok(Padding::Circular),
        _ => Err(error(format!(
            "padding={name:?}: write one of zero, circular"
        ))),
    }
}

/// `max` or `avg`.
pub fn pooling(name: &str) -> PyResult<Pooling> {
    match name {
        "max" => Ok(Pooling::Max),
        "avg" => Ok(Pooling::Average),
        _ => Err(error(format!("pooling={name:?}: write one of max, avg"))),
    }
}

/// A kernel, 3 × 3 × Cin × Cout.
fn kernel<T: Float>(kernel: &Any) -> PyResult<Array4<T>> {
    let kernel: Array4<T> = read("kernel", kernel)?;
    let (_, _, inputs, outputs) = kernel.dim();
    check_shape("kernel", kernel.shape(), &[3, 3, inputs, outputs])?;
    Ok(kernel)
}

/// Convolution 3×3 with stride 1 and padding 1, without the ReLU: y[i, j, o] = bias[o] + Σ kernel[p, q, c, o] · x[i+p-1, j+q-1, c].
///
/// x is H×W×Cin, kernel 3×3×Cin×Cout, bias Cout, all float32 or all float64; y is H×W×Cout. Beyond its edges x is 0, or with
/// padding="circular" continues at the opposite edge. Raises impasto.Error if the shapes do not fit, TypeError if the types differ.
#[pyfunction]
#[pyo3(signature = (x, kernel, bias, padding="zero"))]
pub fn conv<'py>(
    py: Python<'py>,
    x: &Any<'py>,
    kernel: &Any<'py>,
    bias: &Any<'py>,
    padding: &str,
) -> PyResult<Any<'py>> {
    fn of<'py, T: Float>(
        py: Python<'py>,
        x: &Any<'py>,
        kernel: &Any<'py>,
        bias: &Any<'py>,
        padding: Padding,
    ) -> PyResult<Any<'py>> {
        let (x, kernel, bias): (Array3<T>, _, Array1<T>) =
            (read("x", x)?, self::kernel(kernel)?, read("bias", bias)?);
        let ((height, width, _), (_, _, inputs, outputs)) = (x.dim(), kernel.dim());
        check_shape("x", x.shape(), &[height, width, inputs])?;
        check_shape("bias", bias.shape(), &[outputs])?;
        let y = py.detach(|| method::conv::forward(&x, &kernel, &bias, padding));
        Ok(written(py, y))
    }
    let padding = self::padding(padding)?;
    by_precision!("x", x, of(py, x, kernel, bias, padding))
}

/// The backward pass of conv: dL/dx (H×W×Cin) of dy = dL/dy (H×W×Cout), the convolution with the kernel turned by 180° and its
/// channels swapped. Raises as conv does.
#[pyfunction]
#[pyo3(signature = (dy, kernel, padding="zero"))]
pub fn conv_backward<'py>(
    py: Python<'py>,
    dy: &Any<'py>,
    kernel: &Any<'py>,
    padding: &str,
) -> PyResult<Any<'py>> {
    fn of<'py, T: Float>(
        py: Python<'py>,
        dy: &Any<'py>,
        kernel: &Any<'py>,
        padding: Padding,
    ) -> PyResult<Any<'py>> {
        let (dy, kernel): (Array3<T>, _) = (read("dy", dy)?, self::kernel(kernel)?);
        let ((height, width, _), outputs) = (dy.dim(), kernel.dim().3);
        check_shape("dy", dy.shape(), &[height, width, outputs])?;
        let dx = py.detach(|| method::conv::backward(&dy, &kernel, padding));
        Ok(written(py, dx))
    }
    let padding = self::padding(padding)?;
    by_precision!("dy", dy, of(py, dy, kernel, padding))
}

/// The rectified linear unit max(x, 0) of an array H×W×C of float32 or float64. A NaN stays a NaN.
#[pyfunction]
pub fn relu<'py>(py: Python<'py>, x: &Any<'py>) -> PyResult<Any<'py>> {
    fn of<'py, T: Float>(py: Python<'py>, x: &Any<'py>) -> PyResult<Any<'py>> {
        let x = read::<T, _>("x", x)?;
        Ok(written(py, py.detach(|| method::relu::forward(x))))
    }
    by_precision!("x", x, of(py, x))
}

/// The backward pass of relu: dL/dx of dy = dL/dy, with its output y; all H×W×C. It is dy where y > 0, and else 0.
#[pyfunction]
pub fn relu_backward<'py>(py: Python<'py>, y: &Any<'py>, dy: &Any<'py>) -> PyResult<Any<'py>> {
    fn of<'py, T: Float>(py: Python<'py>, y: &Any<'py>, dy: &Any<'py>) -> PyResult<Any<'py>> {
        let (y, dy): (Array3<T>, Array3<T>) = (read("y", y)?, read("dy", dy)?);
        check_shape("dy", dy.shape(), y.shape())?;
        Ok(written(py, py.detach(|| method::relu::backward(&y, &dy))))
    }
    by_precision!("y", y, of(py, y, dy))
}

/// Pooling over cells of 2×2, by the largest ("max") or the mean ("avg"): H×W×C becomes ⌈H/2⌉×⌈W/2⌉×C. An odd last row or column is
/// pooled over the positions that exist.
#[pyfunction]
#[pyo3(signature = (x, pooling="max"))]
pub fn pool<'py>(py: Python<'py>, x: &Any<'py>, pooling: &str) -> PyResult<Any<'py>> {
    fn of<'py, T: Float>(py: Python<'py>, x: &Any<'py>, pooling: Pooling) -> PyResult<Any<'py>> {
        let x: Array3<T> = read("x", x)?;
        Ok(written(
            py,
            py.detach(|| method::pool::forward(pooling, &x)),
        ))
    }
    let pooling = self::pooling(pooling)?;
    by_precision!("x", x, of(py, x, pooling))
}

/// The backward pass of pool: dL/dx (H×W×C) of dy = dL/dy (⌈H/2⌉×⌈W/2⌉×C), with its input x. The first of several largest values of
/// a cell, row by row, gets all of the gradient.
#[pyfunction]
#[pyo3(signature = (x, dy, pooling="max"))]
pub fn pool_backward<'py>(
    py: Python<'py>,
    x: &Any<'py>,
    dy: &Any<'py>,
    pooling: &str,
) -> PyResult<Any<'py>> {
    fn of<'py, T: Float>(
        py: Python<'py>,
        x: &Any<'py>,
        dy: &Any<'py>,
        pooling: Pooling,
    ) -> PyResult<Any<'py>> {
        let (x, dy): (Array3<T>, Array3<T>) = (read("x", x)?, read("dy", dy)?);
        let (height, width, channels) = x.dim();
        let pooled = [height.div_ceil(2), width.div_ceil(2), channels];
        check_shape("dy", dy.shape(), &pooled)?;
        let dx = py.detach(|| method::pool::backward(pooling, &x, &dy));
        Ok(written(py, dx))
    }
    let pooling = self::pooling(pooling)?;
    by_precision!("x", x, of(py, x, dy, pooling))
}

/// The Gram matrix G = FᵀF (N×N) of activations (H×W×N), of which F is the matrix M×N with M = H·W positions.
#[pyfunction]
pub fn gram_matrix<'py>(py: Python<'py>, activations: &Any<'py>) -> PyResult<Any<'py>> {
    fn of<'py, T: Float>(py: Python<'py>, activations: &Any<'py>) -> PyResult<Any<'py>> {
        let f: Array3<T> = read("activations", activations)?;
        Ok(written(py, py.detach(|| method::gram::forward(&f))))
    }
    by_precision!("activations", activations, of(py, activations))
}

/// The backward pass of gram_matrix: dL/dF (H×W×N) of dg = dL/dG (N×N), with its input, the activations F. It is F·(dg + dgᵀ).
#[pyfunction]
pub fn gram_backward<'py>(
    py: Python<'py>,
    activations: &Any<'py>,
    dg: &Any<'py>,
) -> PyResult<Any<'py>> {
    fn of<'py, T: Float>(
        py: Python<'py>,
        activations: &Any<'py>,
        dg: &Any<'py>,
    ) -> PyResult<Any<'py>> {
        let (f, dg): (Array3<T>, Array2<T>) = (read("activations", activations)?, read("dg", dg)?);
        let channels = f.dim().2;
        check_shape("dg", dg.shape(), &[channels, channels])?;
        let df = py.detach(|| {
            // The library's takes a symmetric gradient, and doubles it.
            let symmetric = (&dg + &dg.t()) * T::of(0.5);
            let mut df = Array3::zeros(f.dim());
            method::gram::add_backward(&f, &symmetric, T::one(), &mut df);
            df
        });
        Ok(written(py, df))
    }
    by_precision!("activations", activations, of(py, activations, dg))
}
