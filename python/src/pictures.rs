//! Pictures: files, NumPy arrays and those of PIL, as pictures of the library, and back.

use crate::arrays::{Float, by_precision, check_shape, read, tuple, written};
use crate::errors::{error, of_picture};
use image::{DynamicImage, ImageBuffer, Pixel};
use impasto::painting::long_edge;
use impasto::picture::{MAX_PIXELS, Picture};
use ndarray::{Array3, ArrayD};
use numpy::{Element, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods, dtype};
use pyo3::exceptions::{PyTypeError, PyUserWarning};
use pyo3::prelude::*;
use std::ffi::CString;
use std::path::{Path, PathBuf};

/// Reads the picture that messages call `what`: a file, a NumPy array or a picture of PIL.
///
/// # Errors
/// `TypeError` if it is none of these, `MissingFile` or `Error` if it cannot be read.
pub fn picture(what: &str, source: &Bound<PyAny>) -> PyResult<Picture> {
    let py = source.py();
    if let Ok(array) = source.cast::<PyUntypedArray>() {
        return of_array(what, array);
    }
    if let Ok(path) = source.extract::<PathBuf>() {
        return open(py, what, &path);
    }
    if let Some(array) = array_of_pil(source)? {
        return of_array(what, array.cast::<PyUntypedArray>()?);
    }
    let kind = source.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "{what} picture: a path, a NumPy array or a PIL image, not {kind}"
    )))
}

/// Reads a picture file. A remark of the reader, that transparent areas are white now for example, becomes a warning.
///
/// # Errors
/// `MissingFile` or `Error` if it cannot be read.
pub fn open(py: Python, what: &str, path: &Path) -> PyResult<Picture> {
    let opened = py.detach(|| Picture::open(path));
    let (picture, remark) = opened.map_err(|error| of_picture(what, &error))?;
    if let Some(remark) = remark {
        let remark = CString::new(remark).unwrap_or_default();
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), &remark, 1)?;
    }
    Ok(picture)
}

/// The pixels of a picture of PIL, which is not imported for this: without it there are no such pictures. `None` for anything else.
fn array_of_pil<'py>(source: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = source.py();
    let modules = py.import("sys")?.getattr("modules")?;
    let pil = modules.call_method1("get", ("PIL.Image",))?;
    if pil.is_none() || !source.is_instance(&pil.getattr("Image")?)? {
        return Ok(None);
    }
    let mode: String = source.getattr("mode")?.extract()?;
    let image = match &*mode {
        "L" | "LA" | "RGB" | "RGBA" | "I;16" | "I" | "F" => source.clone(),
        _ if source.getattr("has_transparency_data")?.is_truthy()? => {
            source.call_method1("convert", ("RGBA",))?
        }
        _ => source.call_method1("convert", ("RGB",))?,
    };
    Ok(Some(py.import("numpy")?.call_method1("asarray", (image,))?))
}

/// An array H×W or H×W×C of uint8 or uint16, with 1 channel (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGBA).
fn of_array(what: &str, array: &Bound<PyUntypedArray>) -> PyResult<Picture> {
    let py = array.py();
    let (shape, kind) = (array.shape().to_vec(), array.dtype());
    let (height, width, channels) = match shape[..] {
        [height, width] => (height, width, 1),
        [height, width, channels @ 1..=4] => (height, width, channels),
        _ => {
            let shape = tuple(&shape);
            return Err(error(format!(
                "{what} picture: its shape is {shape}; it must be H×W, or H×W×C with 1 to 4 channels"
            )));
        }
    };
    if height == 0 || width == 0 {
        return Err(error(format!(
            "{what} picture: a picture of {width}x{height} has no pixels"
        )));
    }
    if (height as u64).saturating_mul(width as u64) > MAX_PIXELS {
        let most = MAX_PIXELS / 1_000_000;
        return Err(error(format!(
            "{what} picture: it has {width}x{height} pixels; at most {most} million are accepted"
        )));
    }
    let size = (width as u32, height as u32);
    let image = if kind.is_equiv_to(&dtype::<u8>(py)) {
        let levels = levels::<u8>(what, array)?;
        match channels {
            1 => DynamicImage::ImageLuma8(buffer(size, levels)),
            2 => DynamicImage::ImageLumaA8(buffer(size, levels)),
            3 => DynamicImage::ImageRgb8(buffer(size, levels)),
            _ => DynamicImage::ImageRgba8(buffer(size, levels)),
        }
    } else if kind.is_equiv_to(&dtype::<u16>(py)) {
        let levels = levels::<u16>(what, array)?;
        match channels {
            1 => DynamicImage::ImageLuma16(buffer(size, levels)),
            2 => DynamicImage::ImageLumaA16(buffer(size, levels)),
            3 => DynamicImage::ImageRgb16(buffer(size, levels)),
            _ => DynamicImage::ImageRgba16(buffer(size, levels)),
        }
    } else {
        return Err(PyTypeError::new_err(format!(
            "{what} picture: an array of {kind}; make it one of uint8, 0..255, or uint16, 0..65535"
        )));
    };
    Ok(image.into())
}

/// The elements of an array, row by row.
fn levels<T: Element + Clone>(what: &str, array: &Bound<PyUntypedArray>) -> PyResult<Vec<T>> {
    let levels: ArrayD<T> = read(&format!("{what} picture"), array.as_any())?;
    Ok(levels.into_raw_vec_and_offset().0)
}

fn buffer<P: Pixel>(
    (width, height): (u32, u32),
    levels: Vec<P::Subpixel>,
) -> ImageBuffer<P, Vec<P::Subpixel>> {
    ImageBuffer::from_vec(width, height, levels).expect("a level for each channel of each pixel")
}

/// The pixels of a picture, H×W×3 of uint8.
pub fn array<'py>(py: Python<'py>, picture: &Picture) -> Bound<'py, PyAny> {
    let image = picture.image();
    let shape = (image.height() as usize, image.width() as usize, 3);
    let levels = Array3::from_shape_vec(shape, image.as_raw().clone());
    written(py, levels.expect("three levels for each pixel"))
}

/// The input of the network for a picture: H×W×3 of float32, RGB in 0..255 minus the mean color of VGG's training pictures.
///
/// picture is a path, an array or a PIL image, as for stylize. With size the picture is scaled to this many pixels along its long
/// edge, with a Lanczos filter, as a run does it. Gradients are checked in float64: to_input(picture).astype(numpy.float64).
#[pyfunction]
#[pyo3(signature = (picture, size=None))]
pub fn to_input<'py>(
    picture: &Bound<'py, PyAny>,
    size: Option<u32>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = picture.py();
    let mut picture = self::picture("the", picture)?;
    if let Some(size) = size {
        // The bounds of the setting, in its words.
        let size = size
            .to_string()
            .parse()
            .map(|_: impasto::picture::SizeRequest| long_edge(size));
        let size = size.map_err(|trouble| error(format!("size: {trouble}")))?;
        let size = size.of(picture.size());
        picture = py.detach(|| picture.fit(size));
    }
    Ok(written(py, picture.to_array()))
}

/// The picture of an input x of the network, H×W×3 of float32 or float64: adds the mean, rounds, and clamps to 0..255. It is an array
/// H×W×3 of uint8.
#[pyfunction]
pub fn to_picture<'py>(x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    fn of<T: Float>(x: &Bound<PyAny>) -> PyResult<Array3<f32>> {
        let x: Array3<T> = read("x", x)?;
        check_shape("x", x.shape(), &[x.dim().0, x.dim().1, 3])?;
        Ok(x.mapv(|x| x.as_f64() as f32))
    }
    let pixels = by_precision!("x", x, of(x))?;
    Ok(array(x.py(), &Picture::from_array(&pixels)))
}
