//! The fixed network: forward from the pixels to the deepest layer that a loss taps, and back.

use crate::files::weights::Weights;
use crate::ops::Scalar;
use crate::ops::conv::{Conv, Engine, Padding};
use crate::ops::pool::{self, Pooled, Pooling};
use crate::ops::relu::Mask;
use crate::ops::workspace::Workspace;
use crate::vgg::LayerKind;
use ndarray::Array3;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A VGG network, as deep as it is needed. Layers are numbered as in [`Architecture::layers`](crate::vgg::Architecture::layers).
pub struct Network<T> {
    layers: Vec<Layer<T>>,
    pooling: Pooling,
    padding: Padding,
    workspace: Workspace<T>,
    times: Mutex<Vec<LayerTime>>,
}

enum Layer<T> {
    /// Convolution, then ReLU.
    Conv(Conv<T>),
    Pool,
}

/// How long a layer took, forward and backward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerTime {
    /// From its input to its output.
    pub forward: Duration,
    /// From the gradient of the one to that of the other, the losses' own gradients not counted.
    pub backward: Duration,
}

/// What one pass forward leaves: the outputs of the layers that somebody asked for, and of each layer what backward needs,
/// which is less.
pub struct Activations<T>(Vec<Kept<T>>);

struct Kept<T> {
    /// H×W×C
    output: Option<Array3<T>>,
    trace: Trace,
}

impl<T> Kept<T> {
    fn new(output: Option<Array3<T>>, trace: Trace) -> Self {
        Self { output, trace }
    }
}

/// What backward needs to know of a layer.
enum Trace {
    Conv(Mask),
    Pool(Pooled),
    /// Of a convolution whose output went straight into averages.
    Averaged(Mask),
    /// Of the pooling that those averages are the output of.
    Done,
}

impl<T> Activations<T> {
    /// Whether there are none: no layer was asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The output of layer number `layer`; of a convolution, *after* its ReLU.
    ///
    /// # Panics
    /// If it was not asked for.
    pub fn of(&self, layer: usize) -> &Array3<T> {
        let output = self.0[layer].output.as_ref();
        output.expect("a layer that was asked for")
    }
}

impl<T: Scalar> Network<T> {
    /// The first `depth` layers of the network that `weights` are for, computed by `engine`. With circular padding it treats
    /// pictures as tori: see [`Padding`] for the sizes that they should have.
    ///
    /// # Panics
    /// If the weights have fewer layers: see [`Weights::depth`].
    pub fn new(
        weights: &Weights,
        pooling: Pooling,
        padding: Padding,
        depth: usize,
        engine: Engine,
    ) -> Self {
        assert!(depth <= weights.depth(), "the weights have fewer layers");
        let specs = weights.architecture().layers();
        let layers: Vec<_> = (specs.iter().take(depth))
            .map(|spec| match spec.kind {
                LayerKind::Conv { .. } => {
                    let conv = weights.conv(&spec.name).expect("weights to this depth");
                    let kernel = conv.kernel.mapv(|k| T::of(k.into()));
                    Layer::Conv(Conv::new(
                        &kernel,
                        conv.bias.mapv(|b| T::of(b.into())),
                        padding,
                        engine,
                    ))
                }
                LayerKind::Pool => Layer::Pool,
            })
            .collect();
        Self {
            times: Mutex::new(vec![LayerTime::default(); layers.len()]),
            layers,
            pooling,
            padding,
            workspace: Workspace::new(engine),
        }
    }

    /// How many layers there are.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// How long each layer has taken since this was last asked. A pooling that is done with the convolution before it counts
    /// with that.
    pub fn take_times(&self) -> Vec<LayerTime> {
        let mut times = self.times.lock().expect("nobody panics with it");
        let fresh = vec![LayerTime::default(); times.len()];
        std::mem::replace(&mut times, fresh)
    }

    /// How its layers go on beyond their edges.
    pub fn padding(&self) -> Padding {
        self.padding
    }

    /// How many poolings lie between the pixels and the output of layer number `layer`.
    ///
    /// # Panics
    /// If the network has fewer layers.
    pub fn poolings(&self, layer: usize) -> usize {
        let layers = self.layers[..=layer].iter();
        layers.filter(|layer| matches!(layer, Layer::Pool)).count()
    }

    /// What the network's operations compute with.
    pub fn workspace(&self) -> &Workspace<T> {
        &self.workspace
    }

    /// Takes back an array that this network made, for the next one that it needs.
    pub fn recycle(&self, array: Array3<T>) {
        self.workspace.recycle(array);
    }

    /// Takes back activations that nobody needs any more.
    pub fn discard(&self, activations: Activations<T>) {
        for mut kept in activations.0 {
            self.forget(&mut kept);
            match kept.trace {
                Trace::Conv(mask) | Trace::Averaged(mask) => mask.recycle(&self.workspace),
                Trace::Pool(pooled) => pooled.recycle(&self.workspace),
                Trace::Done => {}
            }
        }
    }

    /// The activations of the first `depth` layers for the picture `x` (H×W×3, RGB 0..255 less the mean). Of the outputs,
    /// those of the layers that `wanted` names are kept.
    ///
    /// # Panics
    /// If `x` does not have 3 channels, or `depth` is beyond the network's.
    pub fn forward(
        &self,
        x: &Array3<T>,
        depth: usize,
        wanted: impl Fn(usize) -> bool,
    ) -> Activations<T> {
        let mut kept: Vec<Kept<T>> = Vec::with_capacity(depth);
        while let Some(layer) = self.layers[..depth].get(kept.len()) {
            let number = kept.len();
            let input = kept.last().and_then(|kept| kept.output.as_ref());
            let input = input.unwrap_or(x);
            let before = number.checked_sub(1);
            let begin = Instant::now();
            match layer {
                Layer::Conv(conv) if self.is_averaged(number, depth) && !wanted(number) => {
                    let (output, mask) = conv.forward_relu_pool(input, &self.workspace);
                    kept.push(Kept::new(None, Trace::Averaged(mask)));
                    kept.push(Kept::new(Some(output), Trace::Done));
                }
                Layer::Conv(conv) => {
                    let (output, mask) = conv.forward_relu(input, &self.workspace);
                    kept.push(Kept::new(Some(output), Trace::Conv(mask)));
                }
                Layer::Pool => {
                    let (output, pooled) = pool::forward(self.pooling, input, &self.workspace);
                    kept.push(Kept::new(Some(output), Trace::Pool(pooled)));
                }
            }
            self.times.lock().expect("nobody panics with it")[number].forward += begin.elapsed();
            if let Some(before) = before.filter(|&before| !wanted(before)) {
                self.forget(&mut kept[before]);
            }
        }
        Activations(kept)
    }

    /// Whether the layer after this one, above `depth`, takes averages.
    fn is_averaged(&self, number: usize, depth: usize) -> bool {
        let next = self.layers[..depth].get(number + 1);
        self.pooling == Pooling::Average && matches!(next, Some(Layer::Pool))
    }

    /// dL/dx (H×W×3), from the deepest of `activations` back to the pixels.
    ///
    /// `add_loss_gradient(layer, activations, d)` is called for the deepest layer and each whose output was wanted, deepest first, and adds to
    /// `d` (of that layer's shape) what the losses that tap this layer contribute to the gradient; `d` comes with what deeper
    /// layers contribute. So a tapped layer's gradient exists only while it is needed, and so do the activations.
    ///
    /// # Panics
    /// If there are no activations.
    pub fn backward(
        &self,
        activations: Activations<T>,
        mut add_loss_gradient: impl FnMut(usize, &Array3<T>, &mut Array3<T>),
    ) -> Array3<T> {
        let mut kept = activations.0;
        let deepest = kept.last().expect("a layer at least").output.as_ref();
        let shape = deepest.expect("the last output is kept").dim();
        let mut gradient = self.workspace.array(shape);
        gradient.fill(T::zero());
        for (number, layer) in self.layers[..kept.len()].iter().enumerate().rev() {
            let mut last = kept.pop().expect("one for each layer");
            if let Some(y) = &last.output {
                add_loss_gradient(number, y, &mut gradient);
            }
            self.forget(&mut last);
            let begin = Instant::now();
            let dx = match (layer, last.trace) {
                (Layer::Conv(conv), Trace::Conv(mask)) => {
                    let dx = conv.backward_relu(&gradient, &mask, &self.workspace);
                    mask.recycle(&self.workspace);
                    dx
                }
                (Layer::Conv(conv), Trace::Averaged(mask)) => {
                    let dx = conv.backward_relu_pool(&gradient, &mask, &self.workspace);
                    mask.recycle(&self.workspace);
                    dx
                }
                (Layer::Pool, Trace::Done) => continue,
                (Layer::Pool, Trace::Pool(pooled)) => {
                    let dx = pool::backward(&pooled, &gradient, &self.workspace);
                    pooled.recycle(&self.workspace);
                    dx
                }
                _ => unreachable!("each layer left what it needs itself"),
            };
            self.times.lock().expect("nobody panics with it")[number].backward += begin.elapsed();
            self.recycle(std::mem::replace(&mut gradient, dx));
        }
        gradient
    }

    /// Takes an output back.
    fn forget(&self, kept: &mut Kept<T>) {
        if let Some(output) = kept.output.take() {
            self.recycle(output);
        }
    }
}
