//! Small copies of pictures, as text that stands in a page.

use crate::files::picture::{FloatPicture, Picture, Size};
use base64::prelude::{BASE64_STANDARD, Engine};

/// The quality of the JPEGs: brush strokes look as painted, and a picture of 1200 pixels has about half a megabyte.
const QUALITY: u8 = 85;

/// A small copy of a picture.
pub struct Thumbnail {
    /// A JPEG as a `data:` URI.
    pub uri: String,
    /// The size of this copy.
    pub size: Size,
}

impl Thumbnail {
    /// A copy with at most `edge` pixels along the long edge. Transparent pixels are blended with white.
    pub fn of(picture: &Picture, edge: u32) -> Self {
        Self::encode(&picture.at_most(edge))
    }

    /// The same of a painted picture, which may be larger than memory.
    pub fn of_painted(picture: &FloatPicture, edge: u32) -> Self {
        Self::encode(&picture.preview(edge))
    }

    fn encode(picture: &Picture) -> Self {
        let mut uri = "data:image/jpeg;base64,".to_owned();
        BASE64_STANDARD.encode_string(picture.to_jpeg(QUALITY), &mut uri);
        Self {
            uri,
            size: picture.size(),
        }
    }
}
