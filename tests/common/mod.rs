//! What the tests share: seeded random arrays, and small networks of the VGG family.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod mat;

use impasto::ops::Scalar;
use impasto::vgg::{Architecture, Block, LayerKind};
use impasto::weights::{self, Bytes, ConvWeights, Loaded, ReadError, ReadOptions, Weights};
use ndarray::{Array1, Array3, Array4, Dimension, ShapeBuilder};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use safetensors::{Dtype, SafeTensors};

/// Three blocks, few channels: every kind of layer and of neighbourhood that VGG has.
pub const TINY: Architecture = Architecture {
    name: "tiny VGG",
    blocks: &[Block::new(2, 4), Block::new(2, 6), Block::new(1, 8)],
};

/// Uniform numbers from −1 to 1, the same for the same seed.
pub fn random<T: Scalar, D: Dimension, S: ShapeBuilder<Dim = D>>(
    shape: S,
    seed: u64,
) -> ndarray::Array<T, D> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    ndarray::Array::from_shape_simple_fn(shape, || T::of(rng.random_range(-1.0..1.0)))
}

/// Random weights of `architecture` that keep activations of order 1.
pub fn random_weights(architecture: Architecture, seed: u64) -> Weights {
    let convs = (0..).zip(architecture.layers()).filter_map(|(n, spec)| {
        let LayerKind::Conv { inputs, outputs } = spec.kind else {
            return None;
        };
        // Uniform numbers have a variance of 1/3; He's rule wants 2 / (9·inputs).
        let scale = (6.0 / (9.0 * inputs as f32)).sqrt();
        let kernel: Array4<f32> = random((3, 3, inputs, outputs), seed + 100 * n);
        let bias: Array1<f32> = random(outputs, seed + 100 * n + 1);
        let conv = ConvWeights {
            kernel: kernel * scale,
            bias: bias * 0.1,
        };
        Some((spec.name, conv))
    });
    Weights::new(convs.collect(), &[architecture]).expect("weights as the architecture wants them")
}

/// The weights of a [`TINY`] network in the bytes of a file.
pub fn tiny_weights(bytes: impl Into<Bytes>) -> Result<Loaded, ReadError> {
    let options = ReadOptions {
        candidates: &[TINY],
        ..ReadOptions::default()
    };
    weights::read(&bytes.into(), &options)
}

/// A float64 tensor of a safetensors file, by name: its shape and its elements.
pub fn golden(file: &[u8], name: &str) -> (Vec<usize>, Vec<f64>) {
    let file = SafeTensors::deserialize(file).unwrap();
    let view = file.tensor(name).unwrap();
    assert_eq!(view.dtype(), Dtype::F64, "{name}");
    let (elements, rest) = view.data().as_chunks();
    assert!(rest.is_empty());
    let elements = elements.iter().map(|&bytes| f64::from_le_bytes(bytes));
    (view.shape().to_vec(), elements.collect())
}

/// Such a tensor with three axes.
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
