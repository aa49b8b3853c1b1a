//! Finds the color profile of a picture file and converts the picture to sRGB.

use super::PictureErrorKind;
use super::profile::Profile;
use super::source::Source;
use image::{DynamicImage, ImageDecoder};
use tiff::TiffResult;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::Tag;

/// The largest profile that is read from a TIFF, in bytes. Profiles for print have up to 3 million.
const MAX_PROFILE_BYTES: usize = 8 << 20;

/// The remark on a profile that is not used.
const UNUSABLE_PROFILE: &str =
    "its color profile is damaged, or does not fit the picture; its colors were treated as sRGB";

/// The color profile that a decoder finds, or `None` if there is none.
pub fn embedded_profile(decoder: &mut impl ImageDecoder) -> Option<Profile> {
    match decoder.icc_profile() {
        Ok(bytes) => bytes.map(|bytes| Profile::new(&bytes)),
        Err(_) => Some(Profile::Damaged),
    }
}

/// That of a TIFF. `image` cannot read it from a small picture, because its limit depends on the pixels.
///
/// # Errors
/// If the system cannot read the file.
pub fn tiff_profile(source: Source) -> Result<Option<Profile>, PictureErrorKind> {
    let read = || -> TiffResult<Option<Vec<u8>>> {
        let mut limits = Limits::default();
        limits.ifd_value_size = MAX_PROFILE_BYTES;
        let mut decoder = Decoder::new(source)?.with_limits(limits);
        (decoder.find_tag(Tag::IccProfile)?)
            .map(|profile| profile.into_u8_vec())
            .transpose()
    };
    match read().map_err(PictureErrorKind::of_tiff) {
        Ok(bytes) => Ok(bytes.map(|bytes| Profile::new(&bytes))),
        Err(error @ PictureErrorKind::Unreadable(_)) => Err(error),
        Err(_) => Ok(Some(Profile::Damaged)),
    }
}

/// Converts `image` from the colors of `profile` to sRGB. Returns a remark if the profile is not sRGB. `is_gray` says whether the file
/// stores one color channel; `cmyk` decodes the amounts of ink, if that is what it stores.
///
/// If the profile does not fit the picture, the picture stays as it is.
pub fn convert(
    image: DynamicImage,
    is_gray: bool,
    profile: &Profile,
    cmyk: impl FnOnce() -> Option<DynamicImage>,
) -> (DynamicImage, Option<String>) {
    let conversion = match profile {
        Profile::Srgb => return (image, None),
        Profile::Damaged => return (image, Some(UNUSABLE_PROFILE.to_owned())),
        Profile::Other(conversion) => conversion,
    };
    let cmyk =
        cmyk().filter(|cmyk| (cmyk.width(), cmyk.height()) == (image.width(), image.height()));
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
