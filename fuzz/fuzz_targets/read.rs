//! What each target does: reads the bytes as weights of a tiny VGG, as `TINY` in tests/common/mod.rs.

use impasto::vgg::{Architecture, Block};
use impasto::weights::{self, Bytes, Format, ReadOptions};

const TINY: Architecture = Architecture {
    name: "tiny VGG",
    blocks: &[Block::new(2, 4), Block::new(2, 6), Block::new(1, 8)],
};

pub fn read(format: Option<Format>, data: &[u8]) {
    let options = ReadOptions {
        format,
        convention: None,
        candidates: &[TINY],
    };
    // Weights or a sentence; anything else ends the program.
    let _ = weights::read(&Bytes::copy_from_slice(data), &options);
}
