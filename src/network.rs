//! The fixed network: forward from the pixels to the deepest layer that is needed, and back.
//!
//! A *tapped* layer is one whose output a loss needs. "Down" is forward, away from the pixels; "up" is backward.
//!
//! Which layers' outputs are needed is decided once, by the [`Steps`]. [`Network::forward`] walks them down, and
//! [`Network::backward`] walks them up.

use crate::engine::{Activation, Backward, ConvRelu, Engine, Forward, Layer, release, replicate};
use crate::files::weights::Weights;
use crate::method::{Padding, Pooling, Scalar};
use crate::vgg::LayerKind;
use ndarray::Array3;
use std::sync::Arc;

/// A VGG network, as deep as it is needed. Layers are numbered as in [`Architecture::layers`](crate::vgg::Architecture::layers).
pub struct Network<T: Scalar> {
    engine: Arc<dyn Engine<T>>,
    convs: Vec<Box<dyn ConvRelu<T>>>,
    pools: Vec<Box<dyn Layer<T>>>,
    /// Each layer by itself, in order.
    layers: Vec<Operation>,
    /// The channels of each layer's output.
    channels: Vec<usize>,
    pooling: Pooling,
    padding: Padding,
}

/// What one step computes, with the index of its convolution or pooling layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// A convolution and its ReLU.
    Conv(usize),
    /// A convolution, its ReLU and the pooling after it, in one step. Only [`Network::steps`] makes it.
    ConvPool(usize),
    /// A convolution and its ReLU, of a picture whose edge pixels are repeated around it.
    ReplicateConv(usize),
    /// A pooling layer.
    Pool(usize),
}

/// The steps from the pixels to the deepest layer that is tapped.
#[derive(Clone, Debug)]
pub struct Steps(Vec<Step>);

#[derive(Clone, Copy, Debug)]
struct Step {
    operation: Operation,
    /// The layer whose output the step computes.
    layer: usize,
    tapped: Tapped,
}

/// Who needs the output of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tapped {
    /// The next step alone.
    No,
    /// A loss that reads it on the way forward.
    Read,
    /// A loss that needs it on the way back as well.
    Kept,
}

impl Steps {
    /// The same steps, but only layers for which `kept` is true keep their outputs for the way back. Those of the other tapped layers are
    /// only shown when they are computed.
    pub fn keeping(mut self, kept: impl Fn(usize) -> bool) -> Self {
        for step in self.0.iter_mut().filter(|step| step.tapped == Tapped::Kept) {
            if !kept(step.layer) {
                step.tapped = Tapped::Read;
            }
        }
        self
    }
}

impl<T: Scalar> Network<T> {
    /// The first `depth` layers of the network that the `weights` are for, computed by `engine`. With circular padding it treats
    /// pictures as tori; see [`Padding`] for the sizes that they should have.
    ///
    /// # Panics
    /// If the weights have fewer layers: see [`Weights::depth`].
    pub fn new(
        weights: &Weights,
        pooling: Pooling,
        padding: Padding,
        depth: usize,
        engine: Arc<dyn Engine<T>>,
    ) -> Self {
        assert!(depth <= weights.depth(), "the weights have fewer layers");
        let (mut convs, mut pools, mut layers) = (Vec::new(), Vec::new(), Vec::new());
        let mut channels = Vec::new();
        for spec in weights.architecture().layers().iter().take(depth) {
            match spec.kind {
                LayerKind::Conv { .. } => {
                    let conv = weights.conv(&spec.name).expect("weights to this depth");
                    let kernel = conv.kernel.mapv(|k| T::of(k.into()));
                    let bias = conv.bias.mapv(|b| T::of(b.into()));
                    layers.push(Operation::Conv(convs.len()));
                    channels.push(bias.len());
                    convs.push(engine.conv_relu(&kernel, &bias, padding));
                }
                LayerKind::Pool => {
                    layers.push(Operation::Pool(pools.len()));
                    channels.push(channels.last().copied().unwrap_or(3));
                    pools.push(engine.pool(pooling));
                }
            }
        }
        Self {
            engine,
            convs,
            pools,
            layers,
            channels,
            pooling,
            padding,
        }
    }

    /// The same network, whose first layer reads the nearest pixel beyond the edges of a picture. On a torus there are no edges, and
    /// nothing changes.
    pub fn replicating_edges(mut self) -> Self {
        if self.padding == Padding::Zero && !self.layers.is_empty() {
            self.layers[0] = Operation::ReplicateConv(0);
        }
        self
    }

    /// How many layers there are.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Channels of the output of layer number `layer`.
    ///
    /// # Panics
    /// If the network has fewer layers.
    pub fn channels(&self, layer: usize) -> usize {
        self.channels[layer]
    }

    /// How its convolutions continue a picture beyond its edges.
    pub fn padding(&self) -> Padding {
        self.padding
    }

    /// The engine that computes it.
    pub fn engine(&self) -> &dyn Engine<T> {
        &*self.engine
    }

    /// How many pooling layers lie between the pixels and the output of layer number `layer`.
    ///
    /// # Panics
    /// If the network has fewer layers.
    pub fn poolings(&self, layer: usize) -> usize {
        let layers = self.layers[..=layer].iter();
        let pools = layers.filter(|operation| matches!(operation, Operation::Pool(_)));
        pools.count()
    }

    // ANCHOR: reach
    /// How far the output of layer number `layer` sees: its value at a position, which covers 2ᵖ×2ᵖ pixels after p poolings, depends on no
    /// pixel that is further from these. It is the sum of 2ᵖ over the convolutions, each after p poolings.
    ///
    /// # Panics
    /// If the network has fewer layers.
    pub fn reach(&self, layer: usize) -> usize {
        let mut stride = 1;
        let mut reach = 0;
        for operation in &self.layers[..=layer] {
            match operation {
                Operation::Pool(_) => stride *= 2,
                _ => reach += stride,
            }
        }
        reach
    }
    // ANCHOR_END: reach

    /// The steps to the deepest of the tapped layers. A pooling is computed together with the convolution before it, unless the
    /// convolution is tapped.
    ///
    /// # Panics
    /// If the network has fewer layers.
    pub fn steps(&self, taps: impl IntoIterator<Item = usize>) -> Steps {
        let taps: Vec<usize> = taps.into_iter().collect();
        let depth = taps.iter().map(|tap| tap + 1).max().unwrap_or(0);
        let mut steps: Vec<Step> = Vec::new();
        for (layer, &operation) in self.layers[..depth].iter().enumerate() {
            let mut operation = operation;
            let before = steps.last().filter(|before| before.tapped == Tapped::No);
            if let Operation::Pool(_) = operation
                && let Some(&Step {
                    operation: Operation::Conv(conv),
                    ..
                }) = before
            {
                steps.pop();
                operation = Operation::ConvPool(conv);
            }
            let tapped = taps.contains(&layer);
            steps.push(Step {
                operation,
                layer,
                tapped: if tapped { Tapped::Kept } else { Tapped::No },
            });
        }
        Steps(steps)
    }

    /// Walks the `steps` down for the picture `x` (H×W×3, RGB 0..255 less the mean).
    ///
    /// # Panics
    /// If `x` does not have 3 channels, or the steps need layers that this network does not have.
    pub fn forward(&self, steps: &Steps, x: &Array3<T>) -> Activations<'_, T> {
        self.forward_reading(steps, x, |_, _| ())
    }

    /// The same, and calls `read` with each tapped layer's number and output (H×W×C) when it is computed.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_reading(
        &self,
        steps: &Steps,
        x: &Array3<T>,
        mut read: impl FnMut(usize, &Array3<T>),
    ) -> Activations<'_, T> {
        let mut passed = Vec::with_capacity(steps.0.len());
        self.walk(steps, x, |step, output, back| {
            if step.tapped != Tapped::No {
                read(step.layer, output);
            }
            passed.push(Passed {
                layer: step.layer,
                shape: output.dim(),
                tapped: step.tapped != Tapped::No,
                output: (step.tapped == Tapped::Kept).then(|| output.clone()),
                back,
            });
        });
        Activations {
            passed,
            engine: self.engine(),
        }
    }

    /// Walks the `steps` down for the picture `x` as [`forward`](Self::forward) does, but not to come back: calls `visit` with each
    /// tapped layer's number and output (H×W×C). An output exists only until the next is computed.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn visit(&self, steps: &Steps, x: &Array3<T>, mut visit: impl FnMut(usize, &Array3<T>)) {
        self.walk(steps, x, |step, output, back| {
            drop(back);
            if step.tapped != Tapped::No {
                visit(step.layer, output);
            }
        });
    }

    /// Computes the steps one after the other, and hands each with its output and its way back to `after`.
    #[expect(
        clippy::needless_lifetimes,
        reason = "without its name, the way back would have to end with the call"
    )]
    fn walk<'a>(
        &'a self,
        steps: &Steps,
        x: &Array3<T>,
        mut after: impl FnMut(&Step, &Activation<T>, Box<dyn Backward<T> + 'a>),
    ) {
        let mut input = self.engine.array(x.dim());
        input.assign(x);
        let mut input = Arc::new(input);
        for step in &steps.0 {
            let Forward { output, back } = self.step(step.operation, &input);
            release(std::mem::replace(&mut input, output), self.engine());
            after(step, &input, back);
        }
        release(input, self.engine());
    }

    fn step(&self, operation: Operation, input: &Activation<T>) -> Forward<'_, T> {
        match operation {
            Operation::Conv(conv) => self.convs[conv].forward(input),
            Operation::ReplicateConv(conv) => {
                replicate::forward(&*self.convs[conv], input, self.engine())
            }
            Operation::ConvPool(conv) => self.convs[conv].forward_pooled(self.pooling, input),
            Operation::Pool(pool) => self.pools[pool].forward(input),
        }
    }

    /// dL/dx (H×W×3): walks the steps up again, from the deepest of the `activations` to the pixels.
    ///
    /// The `losses` are asked for their gradient at each tapped layer, the deepest first. A layer's gradient and activations exist only as
    /// long as they are needed.
    ///
    /// # Panics
    /// If nothing is tapped.
    pub fn backward(
        &self,
        mut activations: Activations<T>,
        losses: &mut impl LayerLosses<T>,
    ) -> Array3<T> {
        // ANCHOR: walk_up
        let engine = self.engine();
        // The way back through the step after this one, and the gradient of that step's output.
        let mut deeper: Option<(Box<dyn Backward<T> + '_>, Array3<T>)> = None;
        while let Some(step) = activations.passed.pop() {
            let mut f = step.output;
            let replaced = (f.as_mut().and_then(Arc::get_mut))
                .is_some_and(|f| losses.replace_by_gradient(step.layer, f));
            let df = if replaced {
                let mut df = f.and_then(Arc::into_inner).expect("nobody shares it");
                if let Some((back, dy)) = deeper {
                    back.add_backward(&dy, &mut df, engine);
                    engine.recycle(dy);
                }
                df
            } else {
                let mut df = match deeper {
                    Some((back, dy)) => {
                        let df = back.backward(&dy);
                        engine.recycle(dy);
                        df
                    }
                    None => {
                        let mut df = engine.array(step.shape);
                        df.fill(T::zero());
                        df
                    }
                };
                if step.tapped {
                    losses.add_gradient(step.layer, f.as_deref(), &mut df);
                }
                if let Some(f) = f {
                    release(f, engine);
                }
                df
            };
            deeper = Some((step.back, df));
        }
        let (back, dy) = deeper.expect("a layer is tapped");
        let dx = back.backward(&dy);
        engine.recycle(dy);
        dx
        // ANCHOR_END: walk_up
    }
}

/// The losses at the tapped layers, as [`Network::backward`] meets them.
pub trait LayerLosses<T> {
    /// Adds the gradient of the losses at this layer to `df` (H×W×C), which is what deeper layers contribute. `f` are the layer's
    /// activations, of the same shape, if they were kept.
    fn add_gradient(&mut self, layer: usize, f: Option<&Array3<T>>, df: &mut Array3<T>);

    /// Replaces the activations `f` (H×W×C) by the gradient of the losses at this layer and returns true, if that takes less memory than
    /// [`add_gradient`](Self::add_gradient), which then is not called. Otherwise leaves `f` as it is.
    fn replace_by_gradient(&mut self, layer: usize, f: &mut Array3<T>) -> bool;
}

/// What a walk forward leaves: the outputs that were kept, and the way back.
pub struct Activations<'a, T: Scalar> {
    passed: Vec<Passed<'a, T>>,
    engine: &'a dyn Engine<T>,
}

/// What is left of one step.
struct Passed<'a, T> {
    layer: usize,
    /// H×W×C of its output.
    shape: (usize, usize, usize),
    /// Whether a loss needs its output.
    tapped: bool,
    /// The output, if it was kept.
    output: Option<Activation<T>>,
    back: Box<dyn Backward<T> + 'a>,
}

impl<T: Scalar> Activations<'_, T> {
    /// Whether there are none: no layer is tapped.
    pub fn is_empty(&self) -> bool {
        self.passed.is_empty()
    }

    /// The output (H×W×C) of layer number `layer`; of a convolution, *after* its ReLU.
    ///
    /// # Panics
    /// If the steps do not keep this layer.
    pub fn of(&self, layer: usize) -> &Array3<T> {
        let step = self.passed.iter().find(|step| step.layer == layer);
        let output = step.and_then(|step| step.output.as_ref());
        output.expect("the steps keep this layer")
    }
}

impl<T: Scalar> Drop for Activations<'_, T> {
    fn drop(&mut self) {
        for output in self.passed.drain(..).filter_map(|step| step.output) {
            release(output, self.engine);
        }
    }
}
