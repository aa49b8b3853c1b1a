//! The network: activations of a picture, and the way back to its pixels.

use crate::arrays::{Float, by_precision, check_shape, read, written};
use crate::errors::{error, of_weights};
use crate::operations::{padding, pooling};
use impasto::engine::{CPU_VARIABLE, Cpu, EngineKind};
use impasto::method::{Padding, Pooling};
use impasto::network::{self, LayerLosses};
use impasto::weights::{self, ENVIRONMENT, Weights};
use ndarray::Array3;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

type Any<'py> = Bound<'py, PyAny>;

/// VGG-16 or VGG-19, as deep as its weights.
///
/// weights is a file in any format that the program reads; without it the built-in weights of VGG-16 are used, or those that the
/// environment variable IMPASTO_WEIGHTS names. weights_convention names the pixels that the network was trained on, if the file says
/// it wrong: caffe-rgb, caffe-bgr or torchvision. pooling is max or avg; padding is zero, or circular for pictures that tile; engine
/// is fast or reference. Raises impasto.MissingFile if there is no such file, impasto.Error if it cannot be used.
#[pyclass(frozen, module = "impasto")]
pub struct Network {
    pub weights: Arc<Weights>,
    kind: Kind,
    single: OnceLock<network::Network<f32>>,
    double: OnceLock<network::Network<f64>>,
}

/// What is computed with the weights, and how.
#[derive(Clone, Copy)]
struct Kind {
    pooling: Pooling,
    padding: Padding,
    engine: EngineKind,
}

/// A type of numbers, and the network of that type. It is made when it is first used.
trait Of: Float {
    fn cell(network: &Network) -> &OnceLock<network::Network<Self>>;
}

impl Of for f32 {
    fn cell(network: &Network) -> &OnceLock<network::Network<Self>> {
        &network.single
    }
}

impl Of for f64 {
    fn cell(network: &Network) -> &OnceLock<network::Network<Self>> {
        &network.double
    }
}

/// The weights in a file; without one those that the environment names, or else the built-in ones.
pub fn load(py: Python, file: Option<PathBuf>, convention: Option<&str>) -> PyResult<Arc<Weights>> {
    let convention = convention.map(str::parse).transpose();
    let convention = convention.map_err(|unknown: weights::UnknownConvention| {
        error(format!("weights_convention: {unknown}"))
    })?;
    let variable = || std::env::var_os(ENVIRONMENT).filter(|name| !name.is_empty());
    let file = file.or_else(|| variable().map(PathBuf::from));
    if convention.is_some() && file.is_none() {
        return Err(error(
            "weights_convention is for the file that weights names; the convention of the built-in weights is known",
        ));
    }
    let loaded = py.detach(|| {
        let source = weights::locate(file, weights::built_in(), None)?;
        weights::load(&source, convention)
    });
    let loaded = loaded.map_err(|error| of_weights(&error))?;
    Ok(Arc::new(loaded.weights))
}

/// The engine of this name, with the instructions that the environment names.
pub fn engine(name: &str) -> PyResult<EngineKind> {
    match name {
        "reference" => Ok(EngineKind::Reference),
        "fast" => {
            let cpu = Cpu::of_environment();
            let cpu = cpu.map_err(|unknown| error(format!("{CPU_VARIABLE}: {unknown}")))?;
            Ok(EngineKind::Fast(cpu))
        }
        _ => Err(error(format!(
            "engine={name:?}: write one of fast, reference"
        ))),
    }
}

#[pymethods]
impl Network {
    #[new]
    #[pyo3(signature = (weights=None, *, weights_convention=None, pooling="max", padding="zero", engine="fast"))]
    fn new(
        py: Python,
        weights: Option<PathBuf>,
        weights_convention: Option<&str>,
        pooling: &str,
        padding: &str,
        engine: &str,
    ) -> PyResult<Self> {
        let kind = Kind {
            pooling: self::pooling(pooling)?,
            padding: self::padding(padding)?,
            engine: self::engine(engine)?,
        };
        Ok(Self {
            weights: load(py, weights, weights_convention)?,
            kind,
            single: OnceLock::new(),
            double: OnceLock::new(),
        })
    }

    /// The name of the architecture: VGG-16 or VGG-19.
    #[getter]
    fn architecture(&self) -> &'static str {
        self.weights.architecture().name
    }

    /// The names of its layers, from the pixels on: conv1_1, conv1_2, pool1, …
    #[getter]
    fn layers(&self) -> Vec<String> {
        let layers = self.weights.architecture().layers().into_iter();
        layers
            .take(self.weights.depth())
            .map(|layer| layer.name)
            .collect()
    }

    /// The kernel (3×3×Cin×Cout) and the bias (Cout) of a convolution, copies of float32. Raises impasto.Error if there is no such
    /// convolution.
    fn conv<'py>(&self, py: Python<'py>, layer: &str) -> PyResult<(Any<'py>, Any<'py>)> {
        self.number(layer)?;
        let conv = self.weights.conv(layer);
        let conv = conv.ok_or_else(|| error(format!("{layer} is not a convolution")))?;
        let (kernel, bias) = (conv.kernel.clone(), conv.bias.clone());
        Ok((written(py, kernel), written(py, bias)))
    }

    /// The activations of layers for a picture x: a dict from each layer's name to an array H×W×C, of a convolution after its ReLU.
    ///
    /// x is H×W×3 of float32 or float64, RGB in 0..255 minus the mean, as to_input returns it. The activations have its type. Raises
    /// impasto.Error if there is no such layer, or x has another shape.
    fn forward<'py>(&self, x: &Any<'py>, layers: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
        fn of<'py, T: Of>(
            outer: &Network,
            x: &Any<'py>,
            layers: &[(String, usize)],
        ) -> PyResult<Bound<'py, PyDict>> {
            let py = x.py();
            let x: Array3<T> = input(x)?;
            let mut found = BTreeMap::new();
            py.detach(|| {
                let network = outer.network::<T>();
                let steps = network.steps(layers.iter().map(|(_, number)| *number));
                network.visit(&steps, &x, |layer, f| drop(found.insert(layer, f.clone())));
            });
            let activations = PyDict::new(py);
            for (name, number) in layers {
                // A name may stand twice.
                if let Some(f) = found.remove(number) {
                    activations.set_item(name, written(py, f))?;
                }
            }
            Ok(activations)
        }
        let numbered = layers
            .into_iter()
            .map(|layer| Ok((layer.clone(), self.number(&layer)?)));
        let layers = numbered.collect::<PyResult<Vec<_>>>()?;
        by_precision!("x", x, of(self, x, &layers))
    }

    /// The gradient dL/dx (H×W×3) of a loss L of activations, from its gradient dL/dF at each layer: a dict from the layer's name to
    /// an array like the one that forward returns.
    ///
    /// The network is walked down for x again, and up. Raises as forward does, and if a gradient does not have the shape or the type
    /// of the layer's activations.
    fn backward<'py>(&self, x: &Any<'py>, gradients: &Bound<'py, PyDict>) -> PyResult<Any<'py>> {
        fn of<'py, T: Of>(
            outer: &Network,
            x: &Any<'py>,
            gradients: &Bound<'py, PyDict>,
        ) -> PyResult<Any<'py>> {
            let py = x.py();
            let x: Array3<T> = input(x)?;
            let network = py.detach(|| outer.network::<T>());
            let specs = outer.weights.architecture().layers();
            let mut given = BTreeMap::new();
            for (name, gradient) in gradients {
                let name: String = name.extract()?;
                let number = outer.number(&name)?;
                let what = format!("the gradient at {name}");
                let gradient: Array3<T> = read(&what, &gradient)?;
                let along = |edge: usize| edge.div_ceil(specs[number].stride);
                let shape = [along(x.dim().0), along(x.dim().1), network.channels(number)];
                check_shape(&what, gradient.shape(), &shape)?;
                given.insert(number, gradient);
            }
            if given.is_empty() {
                return Err(error("gradients: there is none; name a layer"));
            }
            let dx = py.detach(|| {
                let steps = network.steps(given.keys().copied()).keeping(|_| false);
                let activations = network.forward(&steps, &x);
                network.backward(activations, &mut Given(given))
            });
            Ok(written(py, dx))
        }
        by_precision!("x", x, of(self, x, gradients))
    }

    fn __repr__(&self) -> String {
        let depth = self.weights.depth();
        format!("<impasto.Network {}, {depth} layers>", self.architecture())
    }
}

impl Network {
    fn network<T: Of>(&self) -> &network::Network<T> {
        let Kind {
            pooling,
            padding,
            engine,
        } = self.kind;
        let depth = self.weights.depth();
        T::cell(self).get_or_init(|| {
            network::Network::new(&self.weights, pooling, padding, depth, engine.build())
        })
    }

    /// The number of a layer that the weights reach.
    fn number(&self, layer: &str) -> PyResult<usize> {
        let number = self.weights.architecture().find(layer).map_err(error)?;
        if number < self.weights.depth() {
            return Ok(number);
        }
        Err(error(format!(
            "the weights do not reach down to layer {layer}"
        )))
    }
}

/// A picture: H×W×3.
fn input<T: Float>(x: &Any) -> PyResult<Array3<T>> {
    let x: Array3<T> = read("x", x)?;
    check_shape("x", x.shape(), &[x.dim().0, x.dim().1, 3])?;
    Ok(x)
}

/// The gradients that the caller has, by the numbers of their layers.
struct Given<T>(BTreeMap<usize, Array3<T>>);

impl<T: Float> LayerLosses<T> for Given<T> {
    fn add_gradient(&mut self, layer: usize, _: Option<&Array3<T>>, df: &mut Array3<T>) {
        *df += &self.0[&layer];
    }

    fn replace_by_gradient(&mut self, _: usize, _: &mut Array3<T>) -> bool {
        false
    }
}
