//! The fixed network: forward from the pixels to the deepest layer that a loss taps, and back.

use crate::ops::Scalar;
use crate::ops::conv::{Conv, Engine};
use crate::ops::pool::{self, Pooling};
use crate::ops::relu;
use crate::vgg::LayerKind;
use crate::weights::Weights;
use ndarray::Array3;

/// A VGG network, as deep as it is needed. Layers are numbered as in [`Architecture::layers`](crate::vgg::Architecture::layers).
pub struct Network<T> {
    layers: Vec<Layer<T>>,
    pooling: Pooling,
}

enum Layer<T> {
    /// Convolution, then ReLU.
    Conv(Conv<T>),
    Pool,
}

/// What one pass forward leaves: the output of each layer, H×W×C, which backward needs.
pub struct Activations<T>(Vec<Array3<T>>);

impl<T> Activations<T> {
    /// Whether there are none: no layer was asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The output of layer number `layer`; of a convolution, *after* its ReLU.
    pub fn of(&self, layer: usize) -> &Array3<T> {
        &self.0[layer]
    }
}

impl<T: Scalar> Network<T> {
    /// The first `depth` layers of the network that `weights` are for, computed by `engine`.
    ///
    /// # Panics
    /// If the weights have fewer layers: see [`Weights::depth`].
    pub fn new(weights: &Weights, pooling: Pooling, depth: usize, engine: Engine) -> Self {
        assert!(depth <= weights.depth(), "the weights have fewer layers");
        let specs = weights.architecture().layers();
        let layers = (specs.iter().take(depth))
            .map(|spec| match spec.kind {
                LayerKind::Conv { .. } => {
                    let conv = weights.conv(&spec.name).expect("weights to this depth");
                    let kernel = conv.kernel.mapv(|k| T::of(k.into()));
                    Layer::Conv(Conv::new(
                        &kernel,
                        conv.bias.mapv(|b| T::of(b.into())),
                        engine,
                    ))
                }
                LayerKind::Pool => Layer::Pool,
            })
            .collect();
        Self { layers, pooling }
    }

    /// The activations of the first `depth` layers for the picture `x` (H×W×3, RGB 0..255 less the mean).
    ///
    /// # Panics
    /// If `x` does not have 3 channels, or `depth` is beyond the network's.
    pub fn forward(&self, x: &Array3<T>, depth: usize) -> Activations<T> {
        let mut outputs: Vec<Array3<T>> = Vec::with_capacity(depth);
        for layer in &self.layers[..depth] {
            let input = outputs.last().unwrap_or(x);
            let output = match layer {
                Layer::Conv(conv) => {
                    let mut y = conv.forward(input);
                    relu::forward(&mut y);
                    y
                }
                Layer::Pool => pool::forward(self.pooling, input),
            };
            outputs.push(output);
        }
        Activations(outputs)
    }

    /// dL/dx (H×W×3), from the deepest of `activations` back to the pixels.
    ///
    /// `add_loss_gradient(layer, activations, d)` is called for each layer, deepest first, and adds to `d` (of that layer's
    /// shape) what the losses that tap this layer contribute to the gradient; `d` comes with what deeper layers contribute.
    /// So a tapped layer's gradient exists only while it is needed, and so do the activations.
    ///
    /// # Panics
    /// If there are no activations.
    pub fn backward(
        &self,
        activations: Activations<T>,
        mut add_loss_gradient: impl FnMut(usize, &Array3<T>, &mut Array3<T>),
    ) -> Array3<T> {
        let mut outputs = activations.0;
        let deepest = outputs.last().expect("a layer at least");
        let mut gradient = Array3::zeros(deepest.dim());
        for (index, layer) in self.layers[..outputs.len()].iter().enumerate().rev() {
            let y = outputs.pop().expect("an output for each layer");
            add_loss_gradient(index, &y, &mut gradient);
            gradient = match layer {
                Layer::Conv(conv) => {
                    relu::backward(&y, &mut gradient);
                    drop(y);
                    conv.backward(&gradient)
                }
                Layer::Pool => {
                    let x = outputs.last().expect("VGG does not begin with a pool");
                    pool::backward(self.pooling, x, &gradient)
                }
            };
        }
        gradient
    }
}
