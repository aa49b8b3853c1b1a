//! Shared helpers for pictures that are written.

use impasto::picture::{Depth, Encoding, FloatPicture, OutputFile};
use impasto::vgg::MEAN;
use ndarray::Array3;
use std::path::Path;

/// A gradient with values below 0 and above 255: the input array of the network, and the picture.
pub fn gradient() -> (Array3<f32>, FloatPicture) {
    let x = Array3::from_shape_fn((12, 17, 3), |(i, j, c)| {
        (3.7 * i as f32 + 19.3 * j as f32 + 0.31 * c as f32) - 40.0 - MEAN[c]
    });
    let picture = FloatPicture::from_array(&x);
    (x, picture)
}

pub fn write(file: &Path, picture: &FloatPicture, encoding: Encoding) {
    let output = OutputFile::new(file).unwrap();
    let output = output.with_encoding(encoding).unwrap();
    output.write(picture).unwrap();
}

pub fn with_text(text: &[(&str, &str)]) -> Encoding {
    let text = text
        .iter()
        .map(|&(key, text)| (key.to_owned(), text.to_owned()));
    Encoding {
        text: text.collect(),
        ..Encoding::default()
    }
}

pub fn sixteen_bits() -> Encoding {
    Encoding {
        depth: Depth::Sixteen,
        ..Encoding::default()
    }
}

pub fn with_alpha() -> Encoding {
    Encoding {
        alpha: true,
        ..Encoding::default()
    }
}
