//! What is computed element by element, with arrays that are kept in memory or on disk.

use super::scratch::DiskArray;
use super::{BigArray, Place};
use crate::method::Scalar;
use crate::method::scalar::{SUM_CHUNK, elements, elements_mut, sum_slices};
use crate::parallel::{for_each, map};
use std::ops::{Deref, DerefMut};

/// Elements of a block: 256 KiB of `f32`. A whole number of [`SUM_CHUNK`]s, so that sums have the same bits as those of arrays in memory.
pub(super) const BLOCK: usize = 4 * SUM_CHUNK;

/// Calls `f` with each block of the arrays that it changes, and of those that it reads, in parallel.
///
/// # Panics
/// If their shapes differ.
pub(crate) fn for_each_block<T: Scalar, const M: usize, const N: usize>(
    changed: [&mut BigArray<T>; M],
    read: [&BigArray<T>; N],
    f: impl Fn([&mut [T]; M], [&[T]; N]) + Sync,
) {
    let shape = changed.first().map_or_else(|| read[0].dim(), |a| a.dim());
    assert!(changed.iter().all(|a| a.dim() == shape), "one shape");
    assert!(read.iter().all(|a| a.dim() == shape), "one shape");
    let blocks = (shape.0 * shape.1 * shape.2).div_ceil(BLOCK);
    let mut changed = changed.map(|array| array.blocks_mut().into_iter());
    let tasks = (0..blocks).map(|_| changed.each_mut().map(Iterator::next));
    for_each(tasks.enumerate(), |(number, mut changed)| {
        let read = read.map(|array| array.block(number));
        f(
            (changed.each_mut()).map(|block| &mut **block.as_mut().expect("as many as the others")),
            read.each_ref().map(|block| &**block),
        );
    });
}

/// Σ `f(aᵢ, bᵢ)` over two arrays, with the bits of the same sum in memory.
///
/// # Panics
/// If their shapes differ.
pub(crate) fn sum_blocks<T: Scalar>(
    a: &BigArray<T>,
    b: &BigArray<T>,
    f: impl Fn(f64, f64) -> f64 + Sync,
) -> f64 {
    assert_eq!(a.dim(), b.dim(), "the two arrays must have one shape");
    let chunks = map(0..a.len().div_ceil(BLOCK), |number| {
        let (a, b) = (a.block(number), b.block(number));
        let pairs = a.chunks(SUM_CHUNK).zip(b.chunks(SUM_CHUNK));
        Vec::from_iter(pairs.map(|(a, b)| sum_slices(a, b, &f)))
    });
    chunks.iter().flatten().sum()
}

impl<T: Scalar> BigArray<T> {
    pub(super) fn len(&self) -> usize {
        let (height, width, channels) = self.shape;
        height * width * channels
    }

    /// aᵀb
    pub fn inner(&self, other: &Self) -> f64 {
        sum_blocks(self, other, |a, b| a * b)
    }

    /// a ← a + factor·b
    pub fn add_scaled(&mut self, factor: f64, other: &Self) {
        let factor = T::of(factor);
        for_each_block([self], [other], |[a], [b]| {
            a.iter_mut().zip(b).for_each(|(a, &b)| *a += factor * b);
        });
    }

    /// a ← factor·a
    pub fn scale(&mut self, factor: f64) {
        let factor = T::of(factor);
        for_each_block([self], [], |[a], []| {
            a.iter_mut().for_each(|a| *a = factor * *a)
        });
    }

    /// a ← b
    pub fn assign(&mut self, other: &Self) {
        for_each_block([self], [other], |[a], [b]| a.copy_from_slice(b));
    }

    /// b − a, in place of a.
    pub(crate) fn subtracted_from(mut self, b: &Self) -> Self {
        for_each_block([&mut self], [b], |[a], [b]| {
            a.iter_mut().zip(b).for_each(|(a, &b)| *a = b - *a);
        });
        self
    }

    /// −a, kept in place of a `spare` array, or else where a is.
    pub(crate) fn negated(&self, spare: Option<Self>) -> Self {
        let mut negated = spare.unwrap_or_else(|| self.zeros_like());
        for_each_block([&mut negated], [self], |[n], [a]| {
            n.iter_mut().zip(a).for_each(|(n, &a)| *n = -a);
        });
        negated
    }

    /// A copy of a, kept in place of a `spare` array, or else where a is. Unlike a clone it has no more memory than it needs: that of an
    /// engine's array may be longer.
    pub(crate) fn copied(&self, spare: Option<Self>) -> Self {
        let mut copy = spare.unwrap_or_else(|| self.zeros_like());
        copy.assign(self);
        copy
    }

    /// The largest |a|; 0 of an array without elements.
    pub(crate) fn max_abs(&self) -> f64 {
        let largest = map(0..self.len().div_ceil(BLOCK), |number| {
            let block = self.block(number);
            (block.iter()).fold(0.0, |most: f64, a| most.max(a.as_f64().abs()))
        });
        largest.into_iter().fold(0.0, f64::max)
    }

    /// Whether every element is a finite number.
    pub fn is_finite(&self) -> bool {
        let blocks = 0..self.len().div_ceil(BLOCK);
        let finite = map(blocks, |number| {
            self.block(number).iter().all(|a| a.is_finite())
        });
        finite.into_iter().all(|finite| finite)
    }

    /// Calls `visit` with each block, one after the other.
    pub(super) fn visit_blocks<E>(
        &self,
        mut visit: impl FnMut(&[T]) -> Result<(), E>,
    ) -> Result<(), E> {
        (0..self.len().div_ceil(BLOCK)).try_for_each(|number| visit(&self.block(number)))
    }

    /// Overwrites a block.
    pub(super) fn set_block(&mut self, number: usize, elements: &[T]) {
        let from = number * BLOCK;
        match &mut self.place {
            Place::Memory(array) => {
                elements_mut(array)[from..from + elements.len()].copy_from_slice(elements);
            }
            Place::Disk(disk) => disk.write(from, elements),
        }
    }

    fn block(&self, number: usize) -> Block<'_, T> {
        let (from, to) = (number * BLOCK, (number * BLOCK + BLOCK).min(self.len()));
        match &self.place {
            Place::Memory(array) => Block::Memory(&elements(array)[from..to]),
            Place::Disk(disk) => Block::Disk(load(disk, from, to - from)),
        }
    }

    fn blocks_mut(&mut self) -> Vec<BlockMut<'_, T>> {
        match &mut self.place {
            Place::Memory(array) => {
                let blocks = elements_mut(array).chunks_mut(BLOCK);
                blocks.map(BlockMut::Memory).collect()
            }
            Place::Disk(disk) => {
                let disk = &*disk;
                let offsets = (0..disk.len()).step_by(BLOCK);
                let block = |from| BlockMut::Disk {
                    elements: Vec::new(),
                    from,
                    disk,
                };
                offsets.map(block).collect()
            }
        }
    }
}

fn load<T: Scalar>(disk: &DiskArray<T>, from: usize, length: usize) -> Vec<T> {
    let mut elements = vec![T::zero(); length];
    disk.read(from, &mut elements);
    elements
}

/// A block of an array.
enum Block<'a, T> {
    Memory(&'a [T]),
    Disk(Vec<T>),
}

impl<T> Deref for Block<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Memory(elements) => elements,
            Self::Disk(elements) => elements,
        }
    }
}

/// A block that is changed. One on disk is read when it is first used, and written when it is dropped.
enum BlockMut<'a, T: Scalar> {
    Memory(&'a mut [T]),
    Disk {
        /// Empty until it is used.
        elements: Vec<T>,
        from: usize,
        disk: &'a DiskArray<T>,
    },
}

impl<T: Scalar> Deref for BlockMut<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Memory(elements) => elements,
            Self::Disk { elements, .. } => elements,
        }
    }
}

impl<T: Scalar> DerefMut for BlockMut<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::Memory(elements) => elements,
            Self::Disk {
                elements,
                from,
                disk,
            } => {
                if elements.is_empty() {
                    *elements = load(disk, *from, BLOCK.min(disk.len() - *from));
                }
                elements
            }
        }
    }
}

impl<T: Scalar> Drop for BlockMut<'_, T> {
    fn drop(&mut self) {
        if let Self::Disk {
            elements,
            from,
            disk,
        } = self
            && !elements.is_empty()
        {
            disk.write(*from, elements);
        }
    }
}
