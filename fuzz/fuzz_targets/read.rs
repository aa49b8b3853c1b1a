//! Reading the bytes as weights of a tiny VGG, which all targets do. It is `TINY` of tests/common/mod.rs.

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
    // Weights and errors are both fine. A panic is what the fuzzer looks for.
    let _ = weights::read(&Bytes::copy_from_slice(data), &options);
}
