//! Memory that one operation leaves to the next, and one iteration to the next.
//!
//! Every iteration asks for the same buffers in the same order. Fresh from the system, each of their pages would have to be
//! cleared and mapped anew, which takes as long as some layers.

use super::Scalar;
use super::conv::Engine;
use ndarray::{Array1, Array3, s};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What operations compute with: an engine, buffers that are not in use, and a clock.
#[derive(Default)]
pub struct Workspace<T> {
    engine: Engine,
    numbers: Spare<T>,
    /// Of masks.
    pub(crate) words: Spare<u16>,
    /// Nanoseconds that threads have spent on each [`Phase`].
    spent: [AtomicU64; 3],
}

/// A step of the fast convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// From pictures to tiles.
    InputTransforms,
    /// The matrix products, tiles times kernels.
    Products,
    /// From products to pictures.
    OutputTransforms,
}

impl Phase {
    /// In the order in which they are done.
    pub const ALL: [Self; 3] = [
        Self::InputTransforms,
        Self::Products,
        Self::OutputTransforms,
    ];
}

impl<T: Scalar> Workspace<T> {
    /// One without buffers.
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            ..Self::default()
        }
    }

    /// How to compute.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// An array of this shape; what it holds is left from before.
    pub(crate) fn array(&self, shape: (usize, usize, usize)) -> Array3<T> {
        let length = shape.0 * shape.1 * shape.2;
        let elements = Array1::from(self.numbers.take(length)).slice_move(s![..length]);
        (elements.into_shape_with_order(shape)).expect("it has this many elements")
    }

    /// A buffer of this length at least; what it holds is left from before.
    pub(crate) fn buffer(&self, length: usize) -> Vec<T> {
        self.numbers.take(length)
    }

    /// Bytes of buffers that the system was asked for so far: after the first iteration there are no more.
    pub fn bytes_asked_for(&self) -> u64 {
        let asked = [&self.numbers.asked, &self.words.asked];
        asked
            .iter()
            .map(|asked| asked.load(Ordering::Relaxed))
            .sum()
    }

    /// Does `work`, and remembers how long it took.
    pub(crate) fn time<R>(&self, phase: Phase, work: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let result = work();
        let nanoseconds = begin.elapsed().as_nanos() as u64;
        self.spent[phase as usize].fetch_add(nanoseconds, Ordering::Relaxed);
        result
    }

    /// How long threads have worked on this phase since this was last asked.
    pub fn take_time(&self, phase: Phase) -> Duration {
        Duration::from_nanos(self.spent[phase as usize].swap(0, Ordering::Relaxed))
    }

    /// Takes back an array that nobody needs any more.
    pub fn recycle(&self, array: Array3<T>) {
        self.recycle_buffer(array.into_raw_vec_and_offset().0);
    }

    /// Takes back a buffer that nobody needs any more.
    pub(crate) fn recycle_buffer(&self, buffer: Vec<T>) {
        self.numbers.give(buffer);
    }
}

/// Buffers of one type that are not in use.
pub(crate) struct Spare<T> {
    buffers: Mutex<Vec<Vec<T>>>,
    /// Bytes that the system was asked for.
    asked: AtomicU64,
}

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self {
            buffers: Mutex::default(),
            asked: AtomicU64::new(0),
        }
    }
}

impl<T: Copy + Default> Spare<T> {
    /// A buffer of this length at least: the shortest spare one that will do. If none will, the longest gives way to a new one,
    /// so that there are never more than are in use at the busiest moment.
    pub(crate) fn take(&self, length: usize) -> Vec<T> {
        let mut spare = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = (0..spare.len()).filter(|&i| spare[i].len() >= length);
        if let Some(best) = fitting.min_by_key(|&i| spare[i].len()) {
            return spare.swap_remove(best);
        }
        if let Some(largest) = (0..spare.len()).max_by_key(|&i| spare[i].len()) {
            spare.swap_remove(largest);
        }
        drop(spare);
        let bytes = (length * size_of::<T>()) as u64;
        self.asked.fetch_add(bytes, Ordering::Relaxed);
        vec![T::default(); length]
    }

    /// Keeps a buffer for later.
    pub(crate) fn give(&self, buffer: Vec<T>) {
        let mut spare = self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push(buffer);
    }
}
