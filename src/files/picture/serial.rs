//! Pictures as one process sends them to another: their size and their bytes.

use super::Picture;
use image::{GrayImage, RgbImage};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

impl Serialize for Picture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let alpha = self.alpha.as_deref().map(GrayImage::as_raw);
        (self.rgb.dimensions(), self.rgb.as_raw(), alpha).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Picture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ((width, height), rgb, alpha) =
            <((u32, u32), Vec<u8>, Option<Vec<u8>>)>::deserialize(deserializer)?;
        let wrong = || D::Error::custom("a picture has another size than its pixels");
        let alpha = alpha.map(|alpha| GrayImage::from_raw(width, height, alpha).ok_or_else(wrong));
        let rgb = RgbImage::from_raw(width, height, rgb).ok_or_else(wrong)?;
        Ok(Self::new(rgb, alpha.transpose()?))
    }
}
