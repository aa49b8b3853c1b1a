//! What the tests share: operands, which are those of `impasto::gradients`, and ways to compare arrays.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test program uses a part of it"
)]

pub mod mat;
pub mod processes;

pub use impasto::gradients::operands::{
    TINY, WIDE, inner, linear_conv, random, random_weights, run_layer,
};
use impasto::method::Scalar;
use impasto::weights::{self, Bytes, Loaded, ReadError, ReadOptions};
use ndarray::Array3;
use safetensors::{Dtype, SafeTensors};

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
