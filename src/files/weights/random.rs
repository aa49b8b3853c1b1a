//! Weights out of nothing, for measuring: how long an iteration takes does not depend on what the network has learnt.

use super::{ConvWeights, Weights};
use crate::vgg::{Architecture, LayerKind};
use ndarray::{Array1, Array4};
use rand::SeedableRng;
use rand_distr::{Distribution, Normal};
use rand_pcg::Pcg64Mcg;

impl Weights {
    /// The first `depth` layers of `architecture` with normally distributed kernels and no biases, the same for the same seed.
    ///
    /// Their variance is 2 / (9·Cin), which keeps activations at one size from layer to layer (He, Zhang, Ren and Sun 2015,
    /// equation 10).
    pub fn he_normal(architecture: Architecture, depth: usize, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut convs = std::collections::BTreeMap::new();
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
