//! A clock around an engine: it measures how long each layer takes, and changes nothing.

use super::{Activation, Backward, ConvRelu, Engine, Forward, Layer};
use crate::method::{Padding, Pooling, Products, Scalar};
use ndarray::{Array1, Array2, Array3, Array4, ArrayView2};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An engine, and a clock that measures its layers. Layers are numbered in the order in which they are made.
pub(crate) struct Clock<T> {
    engine: Arc<dyn Engine<T>>,
    times: Times,
}

/// How long a layer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LayerTime {
    /// From its input to its output.
    pub forward: Duration,
    /// From the gradient of its output to that of its input.
    pub backward: Duration,
}

type Times = Arc<Mutex<Vec<LayerTime>>>;

impl<T> Clock<T> {
    /// A clock around this engine.
    pub fn new(engine: Arc<dyn Engine<T>>) -> Self {
        Self {
            engine,
            times: Times::default(),
        }
    }

    /// How long each layer has taken since this was last called. The time of a pooling layer that is computed together with
    /// the convolution before it belongs to the convolution.
    pub fn take_times(&self) -> Vec<LayerTime> {
        let mut times = self.times.lock().expect(NO_PANIC);
        let reset = vec![LayerTime::default(); times.len()];
        std::mem::replace(&mut times, reset)
    }

    fn timed<L>(&self, layer: L) -> Timed<L> {
        let mut times = self.times.lock().expect(NO_PANIC);
        times.push(LayerTime::default());
        Timed {
            layer,
            number: times.len() - 1,
            times: self.times.clone(),
        }
    }
}

const NO_PANIC: &str = "no thread panics while it holds the times";

impl<T: Scalar> Products<T> for Clock<T> {
    fn gram(&self, f: &Array3<T>) -> Array2<T> {
        self.engine.gram(f)
    }

    fn add_gram_backward(&self, f: &Array3<T>, dg: &Array2<T>, scale: T, df: &mut Array3<T>) {
        self.engine.add_gram_backward(f, dg, scale, df);
    }

    fn gram_backward_in_place(&self, f: &mut Array3<T>, dg: &Array2<T>, scale: T) {
        self.engine.gram_backward_in_place(f, dg, scale);
    }

    fn product(&self, a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
        self.engine.product(a, b)
    }

    fn symmetric_product(&self, a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
        self.engine.symmetric_product(a, b)
    }

    fn array(&self, shape: (usize, usize, usize)) -> Array3<T> {
        self.engine.array(shape)
    }

    fn recycle(&self, array: Array3<T>) {
        self.engine.recycle(array);
    }
}

impl<T: Scalar> Engine<T> for Clock<T> {
    fn conv_relu(
        &self,
        kernel: &Array4<T>,
        bias: &Array1<T>,
        padding: Padding,
    ) -> Box<dyn ConvRelu<T>> {
        Box::new(self.timed(self.engine.conv_relu(kernel, bias, padding)))
    }

    fn pool(&self, pooling: Pooling) -> Box<dyn Layer<T>> {
        Box::new(self.timed(self.engine.pool(pooling)))
    }

    fn release_memory(&self) {
        self.engine.release_memory();
    }

    fn set_spare_memory(&self, bytes: u64) {
        self.engine.set_spare_memory(bytes);
    }
}

/// A layer whose passes are measured.
struct Timed<L> {
    layer: L,
    number: usize,
    times: Times,
}

impl<L> Timed<L> {
    fn measure<'a, T: Scalar>(
        &'a self,
        forward: impl FnOnce(&'a L) -> Forward<'a, T>,
    ) -> Forward<'a, T> {
        let begin = Instant::now();
        let Forward { output, back } = forward(&self.layer);
        self.times.lock().expect(NO_PANIC)[self.number].forward += begin.elapsed();
        Forward {
            output,
            back: Box::new(TimedBack { layer: self, back }),
        }
    }
}

/// The way back through a layer, measured.
struct TimedBack<'a, T, L> {
    layer: &'a Timed<L>,
    back: Box<dyn Backward<T> + 'a>,
}

impl<T, L> TimedBack<'_, T, L> {
    fn measure<R>(self, back: impl FnOnce(Box<dyn Backward<T> + '_>) -> R) -> R {
        let Timed { times, number, .. } = self.layer;
        let begin = Instant::now();
        let result = back(self.back);
        times.lock().expect(NO_PANIC)[*number].backward += begin.elapsed();
        result
    }
}

impl<T, L> Backward<T> for TimedBack<'_, T, L> {
    fn backward(self: Box<Self>, dy: &Array3<T>) -> Array3<T> {
        self.measure(|back| back.backward(dy))
    }

    fn add_backward(self: Box<Self>, dy: &Array3<T>, dx: &mut Array3<T>, products: &dyn Products<T>)
    where
        T: Scalar,
    {
        self.measure(|back| back.add_backward(dy, dx, products));
    }
}

impl<T: Scalar> Layer<T> for Timed<Box<dyn Layer<T>>> {
    fn forward<'a>(&'a self, x: &Activation<T>) -> Forward<'a, T> {
        self.measure(|layer| layer.forward(x))
    }
}

impl<T: Scalar> Layer<T> for Timed<Box<dyn ConvRelu<T>>> {
    fn forward<'a>(&'a self, x: &Activation<T>) -> Forward<'a, T> {
        self.measure(|layer| layer.forward(x))
    }
}

impl<T: Scalar> ConvRelu<T> for Timed<Box<dyn ConvRelu<T>>> {
    fn forward_pooled<'a>(&'a self, pooling: Pooling, x: &Activation<T>) -> Forward<'a, T> {
        self.measure(|layer| layer.forward_pooled(pooling, x))
    }
}
