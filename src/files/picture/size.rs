//! Sizes of pictures, and how a user asks for one.

use ndarray::Array3;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The longest edge that a user may ask for, in pixels.
const MAX_EDGE: u32 = 32_768;

/// The largest number of pixels that a file may declare, as many as the largest cameras produce. A larger picture is refused
/// before memory is allocated.
pub const MAX_PIXELS: u64 = 200_000_000;

/// The width and height of a picture in pixels, each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The number of columns.
    pub width: u32,
    /// The number of rows.
    pub height: u32,
}

impl Size {
    /// The size of a picture that is stored as an array H×W×C.
    pub fn of_array<T>(x: &Array3<T>) -> Self {
        let (height, width, _) = x.dim();
        Self {
            width: width as u32,
            height: height as u32,
        }
    }

    /// H×W of such an array.
    pub(crate) fn height_and_width(self) -> (usize, usize) {
        (self.height as usize, self.width as usize)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// The size that a user asks for, written `512` or `666x500`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeRequest {
    /// The length of the longer edge in pixels. The aspect ratio is preserved.
    LongEdge(u32),
    /// This size. A picture with another aspect ratio is cropped around its center.
    Exact(Size),
}

impl SizeRequest {
    /// The size that a picture of size `from` is scaled to.
    pub fn of(self, from: Size) -> Size {
        match self {
            Self::Exact(size) => size,
            Self::LongEdge(edge) => {
                let long = f64::from(from.width.max(from.height));
                let scaled = |n: u32| (f64::from(n) * f64::from(edge) / long).round() as u32;
                Size {
                    width: scaled(from.width).max(1),
                    height: scaled(from.height).max(1),
                }
            }
        }
    }
}

impl fmt::Display for SizeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LongEdge(edge) => write!(f, "{edge}"),
            Self::Exact(size) => write!(f, "{size}"),
        }
    }
}

/// The text is not a [`SizeRequest`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("write pixels, from 1 to {MAX_EDGE}: the long edge (512), or width x height (666x500)")]
pub struct ParseSizeError;

impl FromStr for SizeRequest {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        match text.split_once(['x', 'X', '×']) {
            None => Ok(Self::LongEdge(parse_edge(text)?)),
            Some((width, height)) => Ok(Self::Exact(Size {
                width: parse_edge(width)?,
                height: parse_edge(height)?,
            })),
        }
    }
}

fn parse_edge(text: &str) -> Result<u32, ParseSizeError> {
    match text.parse() {
        Ok(edge @ 1..=MAX_EDGE) => Ok(edge),
        _ => Err(ParseSizeError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn a_long_edge_preserves_the_aspect_ratio_and_is_never_exceeded() {
        let request: SizeRequest = "512".parse().unwrap();
        assert_eq!(request.of(size(451, 300)), size(512, 341));
        assert_eq!(request.of(size(300, 451)), size(341, 512));
        assert_eq!(request.of(size(4000, 3)), size(512, 1));
        assert_eq!(request.of(size(7, 7)), size(512, 512));
    }

    #[test]
    fn a_size_is_a_long_edge_or_a_width_and_a_height() {
        let exact = SizeRequest::Exact(size(666, 500));
        for text in ["666x500", "666X500", "666×500"] {
            assert_eq!(text.parse(), Ok(exact));
        }
        for text in [
            "", "0", "-5", "12x", "x12", "0x5", "5x0", "4e3", "99999", "3x3x3",
        ] {
            assert!(text.parse::<SizeRequest>().is_err(), "{text:?}");
        }
    }
}
