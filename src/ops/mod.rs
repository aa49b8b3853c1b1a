//! The operations of the network: each file holds one, its forward and its backward side by side.
//!
//! Activations are `Array3`, height × width × channels (HWC): the channels of one position lie next to each other. There
//! is no batch axis: one picture at a time. Arrays must be in ndarray's standard layout, which is what it makes unless it
//! is told otherwise; operations panic if they are not, or if shapes do not fit. Every operation is generic over `f32`, in
//! which pictures are painted, and `f64`, in which the gradients are checked.
//!
//! For an operation y = f(x) inside a loss L, `backward` takes dL/dy and returns dL/dx. In the code these are called `dy`
//! and `dx`. Weights are fixed, so no gradient with respect to them is ever needed.

pub mod conv;
pub mod gram;
pub mod pool;
pub mod project;
pub mod relu;
pub mod transport;
pub mod workspace;

use crate::kernels::Dispatch;
use ndarray::{Array3, NdFloat};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use workspace::Workspace;

/// The numbers that an operation computes with: `f32`, or `f64` where a gradient is checked.
pub trait Scalar: NdFloat + Default + Dispatch + radsort::Key {
    /// This type's nearest value to `x`.
    fn of(x: f64) -> Self;
    /// The value as `f64`.
    fn as_f64(self) -> f64;
}

impl Scalar for f32 {
    fn of(x: f64) -> Self {
        x as f32
    }
    fn as_f64(self) -> f64 {
        self.into()
    }
}

impl Scalar for f64 {
    fn of(x: f64) -> Self {
        x
    }
    fn as_f64(self) -> f64 {
        self
    }
}

/// Elements in one piece of parallel elementwise work: 64 KiB of `f32`, so that a piece stays in the cache.
///
/// Work is always cut by this constant and never by the number of threads, so that results do not depend on it.
const PIECE: usize = 16 * 1024;

/// The elements of `a` in memory order.
///
/// # Panics
/// If `a` is not in standard layout. Every activation that this crate makes is.
pub(crate) fn elements<T>(a: &Array3<T>) -> &[T] {
    a.as_slice().expect("activations are in standard layout")
}

/// The elements of `a` in memory order, to be changed. Panics as [`elements`] does.
pub(crate) fn elements_mut<T>(a: &mut Array3<T>) -> &mut [T] {
    a.as_slice_mut()
        .expect("activations are in standard layout")
}

/// Σ `f(aᵢ, bᵢ)` over two arrays of one shape, in parallel.
///
/// It adds up in `f64` and in an order that is the same for any number of threads: within pieces of fixed size, then over
/// the pieces.
///
/// # Panics
/// If the shapes differ.
pub(crate) fn sum_pairs<T: Scalar>(
    a: &Array3<T>,
    b: &Array3<T>,
    f: impl Fn(f64, f64) -> f64 + Sync,
) -> f64 {
    assert_eq!(a.dim(), b.dim(), "the two arrays must have one shape");
    let pieces: Vec<f64> = (elements(a).par_chunks(PIECE))
        .zip(elements(b).par_chunks(PIECE))
        .map(|(a, b)| {
            a.iter()
                .zip(b)
                .map(|(&a, &b)| f(a.as_f64(), b.as_f64()))
                .sum()
        })
        .collect();
    pieces.iter().sum()
}

/// Does `work` for each item. Every thread takes one after the other, whichever is next, with buffers of its own of these
/// lengths.
pub(crate) fn share_out<T: Scalar, I: Send, const N: usize>(
    items: Vec<I>,
    lengths: [usize; N],
    workspace: &Workspace<T>,
    work: impl Fn(&mut [Vec<T>; N], I) + Sync,
) {
    let threads = rayon::current_num_threads().min(items.len());
    let items = Mutex::new(items.into_iter());
    (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
        let mut buffers = None;
        loop {
            let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(item) = next else { break };
            let buffers =
                buffers.get_or_insert_with(|| lengths.map(|length| workspace.buffer(length)));
            work(buffers, item);
        }
        for buffer in buffers.into_iter().flatten() {
            workspace.recycle_buffer(buffer);
        }
    });
}
