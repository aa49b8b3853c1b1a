//! What a ReLU stores for the way back: one bit for each output, set if it is above 0. That is a thirty-second of the memory
//! of the output itself.

use super::simd::Simd;
use super::workspace::{Buffer, Workspace};
use crate::method::Scalar;

/// Channels that share a word of a mask.
const CHANNELS_PER_WORD: usize = 16;

/// Which outputs of a ReLU (H×W×C) are above 0; with maximum pooling, which of these are the maximum of their cell.
pub struct Mask {
    /// For each position ⌈C/16⌉ words, with channel c in bit c mod 16 of word c / 16.
    words: Buffer<u16>,
    shape: (usize, usize, usize),
}

impl Mask {
    /// A mask of this shape whose bits have any values.
    pub(super) fn new<T: Scalar>(shape: (usize, usize, usize), workspace: &Workspace<T>) -> Self {
        let words = workspace.words(shape.0 * shape.1 * words_per_position(shape.2));
        Self { words, shape }
    }

    /// Height, width and channels.
    pub fn dim(&self) -> (usize, usize, usize) {
        self.shape
    }

    /// The words of all positions, in their order.
    pub(super) fn words(&self) -> &[u16] {
        &self.words
    }

    pub(super) fn words_mut(&mut self) -> &mut [u16] {
        &mut self.words
    }
}

/// Words of a mask for one position with this many channels.
pub(super) fn words_per_position(channels: usize) -> usize {
    channels.div_ceil(CHANNELS_PER_WORD)
}

/// max(v, 0) for a vector of one position's channels that begins at channel `first`. Sets their bits in the position's `words`.
/// The channels of a position must be processed in order, since the first of a word clears it.
#[inline(always)]
pub(super) fn relu_and_mask<T, S: Simd<T>>(
    s: S,
    v: S::Vector,
    words: &mut [u16],
    first: usize,
) -> S::Vector {
    let word = &mut words[word_of(first)];
    if first.is_multiple_of(CHANNELS_PER_WORD) {
        *word = 0;
    }
    *word |= s.positive(v) << (first % CHANNELS_PER_WORD);
    s.relu(v)
}

/// Clears bits in a position's `words`: of the `lanes` channels from channel `first` on, those whose bit is not set in `bits`.
#[inline(always)]
pub(super) fn keep_bits(words: &mut [u16], first: usize, lanes: usize, bits: u16) {
    let shift = first % CHANNELS_PER_WORD;
    let of_vector = u16::MAX >> (CHANNELS_PER_WORD - lanes) << shift;
    words[word_of(first)] &= bits << shift | !of_vector;
}

/// The index of the word of a channel, among those of its position.
#[inline(always)]
pub(super) fn word_of(channel: usize) -> usize {
    channel / CHANNELS_PER_WORD
}

/// A vector of one position's channels that begins at channel `first`, 0 where the `word` of that channel has no bit.
#[inline(always)]
pub(super) fn apply_mask<T, S: Simd<T>>(s: S, v: S::Vector, word: u16, first: usize) -> S::Vector {
    s.select(v, word >> (first % CHANNELS_PER_WORD))
}
