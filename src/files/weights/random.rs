//! Random weights for benchmarks: the time of an iteration does not depend on the values.

use super::{ConvWeights, Weights};
use crate::vgg::{Architecture, LayerKind};
use ndarray::{Array1, Array4};
use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64Mcg;
use std::collections::BTreeMap;

impl Weights {
    /// The first `depth` layers of `architecture` with normally distributed kernels and zero biases. The same seed gives the
    /// same weights.
    ///
    /// The variance is 2 / (9·Cin). It makes activations equally large in all layers (He, Zhang, Ren and Sun 2015,
    /// equation 10).
    pub fn he_normal(architecture: Architecture, depth: usize, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut convs = BTreeMap::new();
        for spec in architecture.layers().into_iter().take(depth) {
            let LayerKind::Conv { inputs, outputs } = spec.kind else {
                continue;
            };
            let deviation = (2.0 / (9.0 * inputs as f32)).sqrt();
            let normal = Normal::new(0.0, deviation).expect("a deviation above 0");
            let shape = (3, 3, inputs, outputs);
            let conv = ConvWeights {
                kernel: Array4::from_shape_simple_fn(shape, || normal.sample(&mut rng)),
                bias: Array1::zeros(outputs),
            };
            convs.insert(spec.name, conv);
        }
        Self {
            architecture,
            convs,
        }
    }
}
