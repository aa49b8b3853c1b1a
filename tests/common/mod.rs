//! What the tests share: seeded random arrays, small networks of the VGG family, and ways to compare arrays.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod mat;
pub mod processes;

use impasto::engine::fast::FastConv;
use impasto::engine::{EngineKind, Fast, Forward, Layer};
use impasto::method::{Padding, Scalar, conv};
use impasto::vgg::{Architecture, Block, LayerKind};
use impasto::weights::{self, Bytes, ConvWeights, Loaded, ReadError, ReadOptions, Weights};
use ndarray::{Array1, Array3, Array4, Dimension, ShapeBuilder};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use safetensors::{Dtype, SafeTensors};
use std::sync::Arc;

/// Three blocks with few channels. The network has every kind of layer that VGG has, and every pair of neighbors.
pub const TINY: Architecture = Architecture {
    name: "tiny VGG",
    blocks: &[Block::new(2, 4), Block::new(2, 6), Block::new(1, 8)],
};

/// Three blocks, wide enough for the fast engine to use Winograd's algorithm.
pub const WIDE: Architecture = Architecture {
    name: "wide VGG",
    blocks: &[Block::new(2, 16), Block::new(2, 18), Block::new(1, 17)],
};

/// Uniform numbers from −1 to 1, the same for the same seed.
pub fn random<T: Scalar, D: Dimension, S: ShapeBuilder<Dim = D>>(
    shape: S,
    seed: u64,
) -> ndarray::Array<T, D> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    ndarray::Array::from_shape_simple_fn(shape, || T::of(rng.random_range(-1.0..1.0)))
}

/// Random weights of `architecture`. They keep activations of order 1.
pub fn random_weights(architecture: Architecture, seed: u64) -> Weights {
    let convs = (0..).zip(architecture.layers()).filter_map(|(n, spec)| {
        let LayerKind::Conv { inputs, outputs } = spec.kind else {
            return None;
        };
        // Uniform numbers have a variance of 1/3. He's rule wants 2 / (9·inputs).
        let scale = (6.0 / (9.0 * inputs as f32)).sqrt();
        let kernel: Array4<f32> = random((3, 3, inputs, outputs), seed + 100 * n);
        let bias: Array1<f32> = random(outputs, seed + 100 * n + 1);
        let conv = ConvWeights {
            kernel: kernel * scale,
            bias: bias * 0.1,
        };
        Some((spec.name, conv))
    });
    Weights::new(convs.collect(), &[architecture])
        .expect("the weights have the shapes of the architecture")
}

/// Reads the weights of a [`TINY`] network from the bytes of a file.
pub fn tiny_weights(bytes: impl Into<Bytes>) -> Result<Loaded, ReadError> {
    let options = ReadOptions {
        candidates: &[TINY],
        ..ReadOptions::default()
    };
    weights::read(&bytes.into(), &options)
}

/// The shape and the elements of the float64 tensor with this name in a safetensors file.
pub fn golden(file: &[u8], name: &str) -> (Vec<usize>, Vec<f64>) {
    let file = SafeTensors::deserialize(file).unwrap();
    let view = file.tensor(name).unwrap();
    assert_eq!(view.dtype(), Dtype::F64, "{name}");
    let (elements, rest) = view.data().as_chunks();
    assert!(rest.is_empty());
    let elements = elements.iter().map(|&bytes| f64::from_le_bytes(bytes));
    (view.shape().to_vec(), elements.collect())
}

/// A float64 tensor with three axes, as an array.
pub fn golden_array<T: Scalar>(file: &[u8], name: &str) -> Array3<T> {
    let (shape, elements) = golden(file, name);
    let shape: [usize; 3] = shape.try_into().unwrap();
    Array3::from_shape_vec(shape, elements.into_iter().map(T::of).collect()).unwrap()
}

/// ⟨a, b⟩ = Σ aᵢ bᵢ
pub fn inner(a: &Array3<f64>, b: &Array3<f64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// ‖a − b‖ / ‖b‖
pub fn distance<T: Scalar>(a: &Array3<T>, b: &Array3<f64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    let difference: f64 = (a.iter().zip(b))
        .map(|(a, b)| (a.as_f64() - b).powi(2))
        .sum();
    let size: f64 = b.iter().map(|b| b * b).sum();
    (difference / size).sqrt()
}

/// Runs `f` on a thread pool with a single thread, so that its parallel loops run one step after the other.
///
/// For pictures of a few dozen pixels this is several times as fast: otherwise each parallel loop wakes other threads and waits for
/// them, which takes longer than its work.
pub fn on_one_thread<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(f)
}

type Map = Box<dyn Fn(&Array3<f64>) -> Array3<f64>>;

/// A convolution without a ReLU.
pub struct LinearConv {
    /// From x to y.
    pub forward: Map,
    /// From dL/dy to dL/dx.
    pub backward: Map,
}

/// The convolution as an engine of this kind computes it.
pub fn linear_conv(
    kernel: &Array4<f64>,
    bias: &Array1<f64>,
    padding: Padding,
    engine: EngineKind,
) -> LinearConv {
    match engine {
        EngineKind::Reference => {
            let (kernel, bias, for_backward) = (kernel.clone(), bias.clone(), kernel.clone());
            LinearConv {
                forward: Box::new(move |x| conv::forward(x, &kernel, &bias, padding)),
                backward: Box::new(move |dy| conv::backward(dy, &for_backward, padding)),
            }
        }
        EngineKind::Fast(cpu) => {
            let conv = Arc::new(FastConv::new(kernel, bias, padding, &Fast::new(cpu)));
            let for_backward = conv.clone();
            LinearConv {
                forward: Box::new(move |x| conv.forward(x)),
                backward: Box::new(move |dy| for_backward.backward(dy)),
            }
        }
    }
}

/// Runs the forward pass of a layer.
pub fn run_layer<'a, T: Scalar>(layer: &'a dyn Layer<T>, x: &Array3<T>) -> Forward<'a, T> {
    layer.forward(&Arc::new(x.clone()))
}
