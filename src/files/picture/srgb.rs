//! Finds the color profile of a picture file and converts the picture to sRGB.

use super::cmyk;
use super::profile::Profile;
use image::{DynamicImage, ImageDecoder, ImageFormat};
use std::io::Cursor;
use tiff::TiffResult;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::Tag;

/// The largest profile that is read from a TIFF, in bytes. Profiles for print have up to 3 million.
const MAX_PROFILE_BYTES: usize = 8 << 20;

/// The remark on a profile that is not used.
const UNUSABLE_PROFILE: &str =
    "its color profile is damaged, or does not fit the picture; its colors were treated as sRGB";

/// The color profile in the file, or `None` if there is none.
pub fn embedded_profile(
    decoder: &mut impl ImageDecoder,
    bytes: &[u8],
    format: ImageFormat,
) -> Option<Profile> {
    let profile = match format {
        ImageFormat::Tiff => tiff_profile(bytes).ok(),
        _ => decoder.icc_profile().ok(),
    };
    match profile {
        Some(profile) => profile.map(|bytes| Profile::new(&bytes)),
        None => Some(Profile::Damaged),
    }
}

/// The color profile in a TIFF. `image` cannot read it from a small picture, because its limit depends on the pixels.
fn tiff_profile(bytes: &[u8]) -> TiffResult<Option<Vec<u8>>> {
    let mut limits = Limits::default();
    limits.ifd_value_size = MAX_PROFILE_BYTES;
    let mut decoder = Decoder::new(Cursor::new(bytes))?.with_limits(limits);
    (decoder.find_tag(Tag::IccProfile)?)
        .map(|profile| profile.into_u8_vec())
        .transpose()
}

/// Converts `image`, decoded from `bytes`, from the colors of `profile` to sRGB. Returns a remark if the profile is not
/// sRGB. `is_gray` says whether the file stores one color channel.
///
/// If the profile does not fit the picture, the picture stays as it is.
pub fn convert(
    image: DynamicImage,
    is_gray: bool,
    profile: &Profile,
    bytes: &[u8],
    format: ImageFormat,
) -> (DynamicImage, Option<String>) {
    let conversion = match profile {
        Profile::Srgb => return (image, None),
        Profile::Damaged => return (image, Some(UNUSABLE_PROFILE.to_owned())),
        Profile::Other(conversion) => conversion,
    };
    let cmyk = cmyk::decode(bytes, format)
        .filter(|cmyk| (cmyk.width(), cmyk.height()) == (image.width(), image.height()));
    let converted = match (conversion.channels(), cmyk) {
        (1, None) if is_gray => conversion.convert(&image),
        (3, None) => conversion.convert(&image),
        (4, Some(cmyk)) => conversion.convert(&cmyk),
        _ => None,
    };
    match converted {
        Some(converted) => (converted, Some(conversion.to_string())),
        None => (image, Some(UNUSABLE_PROFILE.to_owned())),
    }
}
