//! Pictures as JPEG, for the page to show.

use crate::files::picture::{Picture, SizeRequest};
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

const QUALITY: u8 = 88;

/// A picture as JPEG, with at most `edge` pixels along its long edge.
pub fn jpeg(picture: &Picture, edge: u32) -> Vec<u8> {
    let size = picture.size();
    let smaller = (size.width.max(size.height) > edge)
        .then(|| picture.fit(SizeRequest::LongEdge(edge).of(size)));
    let image = smaller.as_ref().unwrap_or(picture).image();
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(
            image.as_raw(),
            image.width(),
            image.height(),
            ExtendedColorType::Rgb8,
        )
        .expect("it is of that size, and memory takes it");
    bytes
}

/// A small picture of this PNG or JPEG; nothing if it is none.
pub fn smaller(bytes: &[u8], edge: u32) -> Vec<u8> {
    let image = image::load_from_memory(bytes).map(image::DynamicImage::into_rgb8);
    image.map_or_else(|_| Vec::new(), |image| jpeg(&image.into(), edge))
}
