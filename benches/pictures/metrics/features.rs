//! The activations that pictures are compared by.

use super::STYLE_LAYERS;
use super::content::{ERROR_LAYER, HYPERCOLUMN_LAYERS};
use impasto::engine::EngineKind;
use impasto::method::{Padding, Pooling};
use impasto::network::{Network, Steps};
use impasto::picture::Picture;
use impasto::weights::Weights;
use ndarray::{Array3, s};

/// A network, and the layers whose activations are compared.
pub struct Extractor {
    network: Network<f32>,
    steps: Steps,
    layers: Vec<(&'static str, usize)>,
}

/// A picture's activations, H×W×C, by layer.
pub struct Maps(Vec<(&'static str, Array3<f32>)>);

impl Extractor {
    /// # Panics
    /// If the weights do not reach the layers.
    pub fn new(weights: &Weights) -> Self {
        let mut names: Vec<&str> = STYLE_LAYERS.to_vec();
        names.extend(HYPERCOLUMN_LAYERS);
        names.push(ERROR_LAYER);
        names.sort_unstable();
        names.dedup();
        let number = |name| (weights.architecture().find(name)).expect("VGG has this layer");
        let layers: Vec<_> = names.into_iter().map(|name| (name, number(name))).collect();
        let depth = layers.iter().map(|(_, number)| number + 1).max();
        let network = Network::new(
            weights,
            Pooling::Max,
            Padding::Zero,
            depth.expect("there are layers"),
            EngineKind::default().build(),
        );
        let steps = network.steps(layers.iter().map(|&(_, number)| number));
        Self {
            network,
            steps,
            layers,
        }
    }

    /// The activations of the mirrored picture.
    pub fn maps(&self, picture: &Picture) -> Maps {
        let x = picture.to_array();
        let mirrored = x.slice(s![.., ..;-1, ..]).as_standard_layout().into_owned();
        let activations = self.network.forward(&self.steps, &mirrored);
        let of = |&(name, number)| (name, activations.of(number).clone());
        Maps(self.layers.iter().map(of).collect())
    }
}

impl Maps {
    /// Those of one layer.
    ///
    /// # Panics
    /// If the layer is not compared.
    pub fn of(&self, layer: &str) -> &Array3<f32> {
        let found = self.0.iter().find(|(name, _)| *name == layer);
        &found.expect("the layer is compared").1
    }
}
