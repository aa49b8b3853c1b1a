//! Pictures as JPEG, for the page to show.

use crate::files::picture::{Picture, source};
use image::{ImageReader, Limits};

const QUALITY: u8 = 88;

/// The most memory that decoding a picture may take to make a small one of it, in bytes.
const MAX_MEMORY: u64 = 1 << 30;

/// A picture as JPEG, with at most `edge` pixels along its long edge.
pub fn jpeg(picture: &Picture, edge: u32) -> Vec<u8> {
    picture.at_most(edge).to_jpeg(QUALITY)
}

/// A small picture of this PNG or JPEG; `None` if it is none, or takes too much memory.
pub fn smaller(bytes: &[u8], edge: u32) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(source::of_bytes(bytes))
        .with_guessed_format()
        .ok()?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let image = reader.decode().ok()?.into_rgb8();
    Some(jpeg(&image.into(), edge))
}
