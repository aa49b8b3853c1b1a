//! The fast engine: Winograd's convolution, with a quarter of the multiplications or less, on the CPU's widest vectors.
//!
//! - [`conv`] chooses between `winograd` and, for few channels, `few_channels`, and computes the ReLU, its mask and the average
//!   pooling together with the convolution.
//! - `gram`, `product` and `pool` compute the rest of what networks and losses need.
//! - `mask` is what a ReLU stores for the way back: one bit for each output.
//! - `workspace` lends buffers, so that one iteration uses the memory of the one before.
//! - `phases` measures the steps inside a Winograd convolution.
//! - `simd` has the vectors and matrix products of each kind of CPU, and all `unsafe` code.

#![allow(
    clippy::needless_range_loop,
    reason = "inner loops go by index: see `SimdTask::run`"
)]

pub mod conv;
mod few_channels;
mod gram;
mod mask;
mod phases;
mod pool;
mod product;
pub(crate) mod simd;
mod winograd;
mod workspace;

pub use conv::FastConv;
pub use mask::Mask;
pub(crate) use phases::{Phase, Phases};
pub use simd::peak_rate;

use crate::engine::{ConvRelu, Engine, Layer, SimdScalar};
use crate::method::{Padding, Pooling, Products, Scalar};
use ndarray::{Array1, Array2, Array3, Array4, ArrayView2};
use pool::FastPool;
use simd::Cpu;
use std::sync::Arc;
use workspace::Workspace;

/// The fast engine. Clones share their workspace and their phase times.
pub struct Fast<T> {
    cpu: Cpu,
    workspace: Arc<Workspace<T>>,
    phases: Arc<Phases>,
}

impl<T> Clone for Fast<T> {
    fn clone(&self) -> Self {
        Self {
            cpu: self.cpu,
            workspace: self.workspace.clone(),
            phases: self.phases.clone(),
        }
    }
}

impl<T: Scalar> Fast<T> {
    /// An engine that uses these instructions.
    pub fn new(cpu: Cpu) -> Self {
        Self {
            cpu,
            workspace: Arc::default(),
            phases: Arc::default(),
        }
    }

    /// How long the steps of its Winograd convolutions take.
    #[cfg(feature = "cli")]
    pub(crate) fn phases(&self) -> Arc<Phases> {
        self.phases.clone()
    }

    /// Bytes of buffers that it has asked the system for so far. On one thread there are no more after the first iteration at a size, until
    /// the next size; on several, how many are in use at a time is partly chance, and there may be a few more.
    pub fn allocated_bytes(&self) -> u64 {
        self.workspace.allocated_bytes()
    }
}

impl<T: SimdScalar> Products<T> for Fast<T> {
    fn gram(&self, f: &Array3<T>) -> Array2<T> {
        gram::forward(f, self.cpu, &self.workspace)
    }

    fn add_gram_backward(&self, f: &Array3<T>, dg: &Array2<T>, scale: T, df: &mut Array3<T>) {
        gram::add_backward(f, dg, scale, df, self.cpu, &self.workspace);
    }

    fn gram_backward_in_place(&self, f: &mut Array3<T>, dg: &Array2<T>, scale: T) {
        gram::backward_in_place(f, dg, scale, self.cpu, &self.workspace);
    }

    fn product(&self, a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
        product::product(a, b, self.cpu, &self.workspace)
    }

    fn symmetric_product(&self, a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
        product::symmetric(a, b, self.cpu, &self.workspace)
    }

    fn array(&self, shape: (usize, usize, usize)) -> Array3<T> {
        self.workspace.array(shape)
    }

    fn recycle(&self, array: Array3<T>) {
        self.workspace.recycle(array);
    }
}

impl<T: SimdScalar> Engine<T> for Fast<T> {
    fn conv_relu(
        &self,
        kernel: &Array4<T>,
        bias: &Array1<T>,
        padding: Padding,
    ) -> Box<dyn ConvRelu<T>> {
        Box::new(FastConv::new(kernel, bias, padding, self))
    }

    fn pool(&self, pooling: Pooling) -> Box<dyn Layer<T>> {
        Box::new(FastPool::new(pooling, self))
    }

    fn release_memory(&self) {
        self.workspace.release();
    }

    fn set_spare_memory(&self, bytes: u64) {
        self.workspace.set_spare(bytes);
    }
}
