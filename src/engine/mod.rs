//! Engines: ways to compute the network's layers and the losses' Gram matrices.
//!
//! The [`Reference`] engine calls the plain functions of [`crate::method`]. The [`Fast`] engine computes the same with a quarter
//! of the multiplications on the CPU's widest vectors, and is tested against it. The network knows only the trait [`Engine`].

#[cfg(feature = "cli")]
pub(crate) mod clock;
pub mod fast;
pub mod reference;
pub(crate) mod replicate;

pub use fast::Fast;
pub use fast::simd::{CPU_VARIABLE, Cpu, UnknownCpu};
pub use reference::Reference;

pub use fast::simd::return_freed_memory;

use crate::method::scalar::zip_in_place;
use crate::method::{Padding, Pooling, Products, Scalar};
use fast::simd::Dispatch;
use ndarray::{Array1, Array3, Array4};
use std::sync::Arc;

/// A way to compute the network's layers and, as [`Products`], what losses need.
pub trait Engine<T: Scalar>: Products<T> {
    /// A convolution with this kernel, 3 × 3 × Cin × Cout (HWIO), and bias (Cout), and the ReLU after it.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn conv_relu(
        &self,
        kernel: &Array4<T>,
        bias: &Array1<T>,
        padding: Padding,
    ) -> Box<dyn ConvRelu<T>>;

    /// A pooling layer.
    fn pool(&self, pooling: Pooling) -> Box<dyn Layer<T>>;

    /// Frees the buffers that the engine keeps for reuse. Work on pictures of another size needs buffers of other lengths.
    fn release_memory(&self) {}

    /// Sets how many bytes there are to spare for what would otherwise be computed anew in each iteration, 500 MB unless set. What is kept beyond
    /// that is freed. The rest stays, also for pictures of other sizes.
    fn set_spare_memory(&self, bytes: u64) {
        let _ = bytes;
    }
}

/// A layer, as one engine computes it.
pub trait Layer<T>: Send + Sync {
    /// The output for the input `x` (H×W×Cin), and its backward pass. The output is H×W×Cout for a convolution, ⌈H/2⌉×⌈W/2⌉×Cin for
    /// a pooling.
    ///
    /// # Panics
    /// If `x` has another number of channels than the layer's inputs.
    fn forward<'a>(&'a self, x: &Activation<T>) -> Forward<'a, T>;
}

/// A convolution with its ReLU. Its [`forward`](Layer::forward) is max(conv(x), 0).
pub trait ConvRelu<T>: Layer<T> {
    /// That, pooled over cells of 2×2, ⌈H/2⌉×⌈W/2⌉×Cout, as [`pool`](crate::method::pool) defines it. The unpooled output need not exist.
    ///
    /// # Panics
    /// As [`forward`](Layer::forward).
    fn forward_pooled<'a>(&'a self, pooling: Pooling, x: &Activation<T>) -> Forward<'a, T>;
}

/// An array H×W×C between two layers. It is shared, since the way back may need it again.
pub type Activation<T> = Arc<Array3<T>>;

/// Gives the array back to the engine that made it, unless someone else still needs it.
pub(crate) fn release<T: Scalar>(activation: Activation<T>, engine: &dyn Products<T>) {
    if let Some(array) = Arc::into_inner(activation) {
        engine.recycle(array);
    }
}

/// What a layer's forward pass returns.
pub struct Forward<'a, T> {
    /// The layer's output.
    pub output: Activation<T>,
    /// Takes the gradient back through the layer.
    pub back: Box<dyn Backward<T> + 'a>,
}

/// The way back through one layer. It holds what the layer needs to know of its forward pass.
pub trait Backward<T> {
    /// dL/dx of `dy`, the gradient of the layer's output.
    ///
    /// # Panics
    /// If `dy` does not have the output's shape.
    fn backward(self: Box<Self>, dy: &Array3<T>) -> Array3<T>;

    /// Adds it to `dx` instead. An array that it takes comes from the engine of the `products`, and goes back.
    ///
    /// # Panics
    /// As [`backward`](Self::backward), and if `dx` does not have the input's shape.
    fn add_backward(self: Box<Self>, dy: &Array3<T>, dx: &mut Array3<T>, products: &dyn Products<T>)
    where
        T: Scalar,
    {
        let own = self.backward(dy);
        zip_in_place(dx, &own, |dx, own| dx + own);
        products.recycle(own);
    }
}

impl<T, F: FnOnce(&Array3<T>) -> Array3<T>> Backward<T> for F {
    fn backward(self: Box<Self>, dy: &Array3<T>) -> Array3<T> {
        (*self)(dy)
    }
}

/// The number types that every engine supports: `f32` and `f64`.
pub trait SimdScalar: Scalar + Dispatch {
    /// Makes an engine of this kind. It is a function of each type, not generic code in [`EngineKind::build`], so that the engines are compiled
    /// once, with this crate, and not again in every crate that calls `build`, which takes minutes.
    fn engine(kind: EngineKind) -> Arc<dyn Engine<Self>>;
}

impl SimdScalar for f32 {
    fn engine(kind: EngineKind) -> Arc<dyn Engine<Self>> {
        build(kind)
    }
}

impl SimdScalar for f64 {
    fn engine(kind: EngineKind) -> Arc<dyn Engine<Self>> {
        build(kind)
    }
}

fn build<T: SimdScalar>(kind: EngineKind) -> Arc<dyn Engine<T>> {
    match kind {
        EngineKind::Fast(cpu) => Arc::new(Fast::new(cpu)),
        EngineKind::Reference => Arc::new(Reference),
    }
}

/// Which engine to compute with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// The fast one, with the instructions of this CPU.
    Fast(Cpu),
    /// The plain one.
    Reference,
}

impl Default for EngineKind {
    fn default() -> Self {
        Self::Fast(Cpu::widest())
    }
}

impl EngineKind {
    /// An engine of this kind.
    pub fn build<T: SimdScalar>(self) -> Arc<dyn Engine<T>> {
        T::engine(self)
    }
}
