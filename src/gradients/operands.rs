//! What checks and tests compute with: seeded random arrays, masks, small networks of the VGG family.

use crate::engine::fast::FastConv;
use crate::engine::{EngineKind, Fast, Forward, Layer};
use crate::files::weights::{ConvWeights, Weights};
use crate::method::finite_difference::STEP;
use crate::method::style::projection::{self, Directions};
use crate::method::{JointBackward, JointLoss, Padding, Products, Scalar, conv};
use crate::vgg::{Architecture, Block, LayerKind};
use ndarray::{Array, Array1, Array2, Array3, Array4, Dimension, ShapeBuilder};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::sync::Arc;

/// Heights and widths where mistakes are likely: one pixel, one row, one column, odd and even edges, few tiles and more.
pub const SIZES: [(usize, usize); 9] = [
    (1, 1),
    (1, 7),
    (6, 1),
    (2, 2),
    (3, 3),
    (5, 4),
    (4, 7),
    (9, 5),
    (7, 10),
];

/// How a picture may continue beyond its edges.
pub const PADDINGS: [Padding; 2] = [Padding::Zero, Padding::Circular];

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
) -> Array<T, D> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    Array::from_shape_simple_fn(shape, || T::of(rng.random_range(-1.0..1.0)))
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

/// Weights of positions, from 0 to 1, some of them 0.
pub fn mask((height, width): (usize, usize), seed: u64) -> Array2<f64> {
    random((height, width), seed).mapv(|w: f64| (w + 0.4).clamp(0.0, 1.0))
}

/// Numbers in random order, H×W×C. They differ by far more than the step, so that max pooling has no ties.
pub fn distinct(height: usize, width: usize, channels: usize) -> Array3<f64> {
    let noise: Array3<f64> = random((height, width, channels), 6);
    let mut order: Vec<usize> = (0..noise.len()).collect();
    let noise = noise.into_raw_vec_and_offset().0;
    order.sort_by(|&a, &b| noise[a].total_cmp(&noise[b]));
    let mut x = vec![0.0; order.len()];
    for (rank, at) in order.into_iter().enumerate() {
        x[at] = rank as f64 / noise.len() as f64 - 0.5;
    }
    assert!(1.0 / noise.len() as f64 > 100.0 * STEP);
    Array3::from_shape_vec((height, width, channels), x).expect("as many numbers as elements")
}

/// The activations projected on the axes and on the random basis.
pub fn projections(f: &Array3<f64>) -> [Array2<f64>; 2] {
    let (height, width, channels) = f.dim();
    [Directions::Axes, Directions::random_basis(channels)].map(|directions| {
        let mut p = Array2::zeros((channels, height * width));
        projection::forward(f, &directions, p.view_mut());
        p
    })
}

/// ⟨a, b⟩ = Σ aᵢ bᵢ
///
/// # Panics
/// If the shapes differ.
pub fn inner(a: &Array3<f64>, b: &Array3<f64>) -> f64 {
    assert_eq!(a.dim(), b.dim(), "an inner product is of two equal shapes");
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

type Map = Box<dyn Fn(&Array3<f64>) -> Array3<f64>>;

/// A convolution without a ReLU.
pub struct LinearConv {
    /// From x to y.
    pub forward: Map,
    /// From dL/dy to dL/dx.
    pub backward: Map,
}

/// The convolution as an engine of this kind computes it, with a kernel 3 × 3 × Cin × Cout and a bias (Cout).
///
/// # Panics
/// If the shapes do not fit.
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
///
/// # Panics
/// If `x` has another number of channels than the layer's inputs.
pub fn run_layer<'a, T: Scalar>(layer: &'a dyn Layer<T>, x: &Array3<T>) -> Forward<'a, T> {
    layer.forward(&Arc::new(x.clone()))
}

/// L of these arrays, of which the first has the picture's height and width, and the backward pass.
pub fn joint_forward<'a, T: Scalar>(
    loss: &'a dyn JointLoss<T>,
    arrays: &[&Array3<T>],
    iteration: u64,
    products: &'a dyn Products<T>,
) -> (f64, Box<dyn JointBackward<T> + 'a>) {
    let (height, width, _) = arrays[0].dim();
    let mut pass = loss.begin((height, width), iteration, products);
    for (k, f) in arrays.iter().enumerate() {
        pass.read(k, f);
    }
    pass.finish()
}

/// How a picture continues, in a word.
pub(super) fn padded(padding: Padding) -> &'static str {
    match padding {
        Padding::Zero => "zero",
        Padding::Circular => "circular",
    }
}

/// The engine, in a word.
pub(super) fn engine_name(engine: EngineKind) -> String {
    match engine {
        EngineKind::Reference => "reference".to_owned(),
        EngineKind::Fast(cpu) => format!("fast ({cpu})"),
    }
}
