//! The rectified linear unit, y = max(x, 0).
//!
//! Of all that goes through it, backward needs to know one bit each: whether it was above 0. Those bits are the [`Mask`], a
//! thirty-second of the activations themselves.

use super::workspace::Workspace;
use super::{Scalar, elements, elements_mut};
use crate::kernels::Simd;
use ndarray::Array3;
use rayon::prelude::*;

/// Channels that share a word of a mask.
const GROUP: usize = 16;

/// Which activations (H×W×C) are above 0.
#[derive(Debug)]
pub struct Mask {
    /// For each position ⌈C/16⌉ words, channel c in bit c mod 16 of word c / 16.
    words: Vec<u16>,
    shape: (usize, usize, usize),
}

impl Mask {
    /// A mask for this shape, its bits yet to be set.
    pub(crate) fn new<T>(shape: (usize, usize, usize), workspace: &Workspace<T>) -> Self {
        let words = workspace.words.take(shape.0 * shape.1 * words(shape.2));
        Self { words, shape }
    }

    /// Height, width and channels.
    pub fn dim(&self) -> (usize, usize, usize) {
        self.shape
    }

    /// The words in the order of positions, ⌈C/16⌉ each.
    pub(crate) fn words(&self) -> &[u16] {
        &self.words
    }

    pub(crate) fn words_mut(&mut self) -> &mut [u16] {
        &mut self.words
    }

    /// Leaves its memory to others.
    pub(crate) fn recycle<T>(self, workspace: &Workspace<T>) {
        workspace.words.give(self.words);
    }
}

/// Words of a mask for one position with this many channels.
pub(crate) fn words(channels: usize) -> usize {
    channels.div_ceil(GROUP)
}

/// max(v, 0) for a vector of one position's channels, `first` and those after it, whose bits are set in the position's words.
/// Channels must come in order: the first of a word clears it.
#[inline(always)]
pub(crate) fn cut<T, S: Simd<T>>(s: S, v: S::Vector, words: &mut [u16], first: usize) -> S::Vector {
    let word = &mut words[first / GROUP];
    if first.is_multiple_of(GROUP) {
        *word = 0;
    }
    *word |= s.positive(v) << (first % GROUP);
    s.relu(v)
}

/// A vector of one position's channels, `first` and those after it, 0 where the position's words have no bit.
#[inline(always)]
pub(crate) fn keep<T, S: Simd<T>>(s: S, v: S::Vector, words: &[u16], first: usize) -> S::Vector {
    s.keep(v, words[first / GROUP] >> (first % GROUP))
}

/// Replaces each element of `x` (H×W×C) with max(x, 0), and says which were above it.
///
/// A NaN stays a NaN, so that a broken run is noticed instead of looking like a black picture.
pub fn forward<T: Scalar>(x: &mut Array3<T>, workspace: &Workspace<T>) -> Mask {
    let mut mask = Mask::new(x.dim(), workspace);
    let (_, width, channels) = x.dim();
    (elements_mut(x).par_chunks_mut(width * channels))
        .zip(mask.words.par_chunks_mut(width * words(channels)))
        .for_each(|(x, mask)| {
            let positions = x.chunks_exact_mut(channels);
            for (x, mask) in positions.zip(mask.chunks_exact_mut(words(channels))) {
                for (x, word) in x.chunks_mut(GROUP).zip(mask) {
                    *word = 0;
                    for (bit, x) in x.iter_mut().enumerate() {
                        *word |= u16::from(*x > T::zero()) << bit;
                        *x = if *x < T::zero() { T::zero() } else { *x };
                    }
                }
            }
        });
    mask
}

/// dL/dx of `dy` = dL/dy (H×W×C): dL/dy where the mask says that y > 0, else 0.
///
/// At the kink, x = 0, the derivative is taken to be 0.
///
/// # Panics
/// If the shapes differ.
pub fn backward<T: Scalar>(mask: &Mask, dy: &Array3<T>, workspace: &Workspace<T>) -> Array3<T> {
    assert_eq!(mask.dim(), dy.dim(), "mask and dy must have one shape");
    let (_, width, channels) = dy.dim();
    let mut dx = workspace.array(dy.dim());
    (elements_mut(&mut dx).par_chunks_mut(width * channels))
        .zip(elements(dy).par_chunks(width * channels))
        .zip(mask.words.par_chunks(width * words(channels)))
        .for_each(|((dx, dy), mask)| {
            let positions = (dx.chunks_exact_mut(channels)).zip(dy.chunks_exact(channels));
            for ((dx, dy), mask) in positions.zip(mask.chunks_exact(words(channels))) {
                for (c, (dx, &dy)) in dx.iter_mut().zip(dy).enumerate() {
                    let above = mask[c / GROUP] >> (c % GROUP) & 1 == 1;
                    *dx = if above { dy } else { T::zero() };
                }
            }
        });
    dx
}
