//! ICC color profiles (ICC.1:2022) and their conversion to sRGB (IEC 61966-2-1).
//!
//! A profile maps device values to XYZ or Lab, by curves and a matrix or by a table. From there, the matrix and the curve of
//! sRGB give the values that the network was trained on. Colors outside sRGB are clipped (relative colorimetric), unless the
//! profile has a table that compresses them (perceptual). Black-point compensation is not applied.

use image::{DynamicImage, RgbImage, RgbaImage};
use moxcms::{
    ColorProfile, DataColorSpace, Layout, ProfileText, RenderingIntent, Transform16BitExecutor,
    TransformOptions,
};
use std::fmt;
use std::sync::Arc;

/// The number of rows that are converted at a time. The conversion needs a 16-bit copy of them.
const STRIP_ROWS: u32 = 64;

/// The longest profile description that a remark repeats, in characters.
const MAX_NAME_CHARS: usize = 60;

/// The step between two 8-bit levels, in 16-bit values.
const LEVEL: u16 = 257;

/// A parsed profile.
pub enum Profile {
    /// sRGB, to within one 8-bit level. No conversion is needed.
    Srgb,
    /// Another color space.
    Other(Conversion),
    /// The profile cannot be parsed, or its color space is not supported.
    Damaged,
}

/// A conversion from the color space of a profile to sRGB.
pub struct Conversion {
    transform: Arc<Transform16BitExecutor>,
    /// 1 for gray, 3 for RGB, 4 for CMYK.
    channels: usize,
    /// The description in the profile, if it is short and printable.
    name: Option<String>,
}

impl Profile {
    /// Parses an ICC profile.
    pub fn new(bytes: &[u8]) -> Self {
        match Conversion::new(bytes) {
            None => Self::Damaged,
            Some(conversion) if conversion.is_identity() => Self::Srgb,
            Some(conversion) => Self::Other(conversion),
        }
    }
}

impl Conversion {
    fn new(bytes: &[u8]) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(bytes).ok()?;
        let (channels, layout) = match profile.color_space {
            DataColorSpace::Gray => (1, Layout::Gray),
            DataColorSpace::Rgb => (3, Layout::Rgb),
            DataColorSpace::Cmyk => (4, Layout::Rgba),
            _ => return None,
        };
        // Perceptual if the profile has that table, else an intent for which it has one. Without tables all intents are the same.
        let rendering_intent = if profile.lut_a_to_b_perceptual.is_some() {
            RenderingIntent::Perceptual
        } else if profile.lut_a_to_b_colorimetric.is_some() {
            RenderingIntent::RelativeColorimetric
        } else if profile.lut_a_to_b_saturation.is_some() {
            RenderingIntent::Saturation
        } else {
            RenderingIntent::Perceptual
        };
        let options = TransformOptions {
            rendering_intent,
            prefer_fixed_point: false,
            ..TransformOptions::default()
        };
        let srgb = ColorProfile::new_srgb();
        let transform = profile.create_transform_16bit(layout, &srgb, Layout::Rgb, options);
        Some(Self {
            transform: transform.ok()?,
            channels,
            name: profile.description.as_ref().and_then(name),
        })
    }

    /// Whether the conversion changes no gray and no color of a 9×9×9 lattice by more than one level.
    fn is_identity(&self) -> bool {
        let grays = (0..=255).map(|level| [level * LEVEL; 3]);
        let sides = || (0..=8u16).map(|step| step * (u16::MAX / 8));
        let lattice = sides()
            .flat_map(|r| sides().flat_map(move |g| sides().map(move |b| [r, g, b])))
            .filter(|_| self.channels == 3);
        let colors: Vec<[u16; 3]> = grays.chain(lattice).collect();
        let source: Vec<u16> = (colors.iter())
            .flat_map(|color| &color[..self.channels.min(3)])
            .copied()
            .collect();
        self.channels < 4
            && self.apply(&source).is_some_and(|converted| {
                (converted.iter().zip(colors.as_flattened())).all(|(a, b)| a.abs_diff(*b) <= LEVEL)
            })
    }

    /// The number of channels that a picture must have: 1 (gray), 3 (RGB) or 4 (CMYK).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Converts a picture to sRGB with 8 bits per channel. The computation uses 16 bits. Alpha is preserved. Returns `None`
    /// if the conversion fails.
    ///
    /// Gray is expected as R = G = B, and CMYK in the channels red, green, blue and alpha.
    pub fn convert(&self, picture: &DynamicImage) -> Option<DynamicImage> {
        let (width, height) = (picture.width(), picture.height());
        let has_alpha = self.channels < 4 && picture.color().has_alpha();
        let channels = if has_alpha { 4 } else { 3 };
        let mut bytes = Vec::with_capacity(channels * width as usize * height as usize);
        for top in (0..height).step_by(STRIP_ROWS as usize) {
            let strip = picture.crop_imm(0, top, width, STRIP_ROWS.min(height - top));
            let strip = strip.into_rgba16();
            let pixels = strip.as_raw().as_chunks::<4>().0;
            let source: Vec<u16> = (pixels.iter())
                .flat_map(|pixel| &pixel[..self.channels])
                .copied()
                .collect();
            for (color, pixel) in self.apply(&source)?.chunks_exact(3).zip(pixels) {
                bytes.extend(color.iter().copied().map(round_to_level));
                bytes.extend(has_alpha.then_some(round_to_level(pixel[3])));
            }
        }
        if has_alpha {
            RgbaImage::from_vec(width, height, bytes).map(DynamicImage::from)
        } else {
            RgbImage::from_vec(width, height, bytes).map(DynamicImage::from)
        }
    }

    fn apply(&self, source: &[u16]) -> Option<Vec<u16>> {
        let mut converted = vec![0; source.len() / self.channels * 3];
        let done = self.transform.transform(source, &mut converted);
        done.is_ok().then_some(converted)
    }
}

/// The remark on a picture that was converted.
impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.name.as_deref().unwrap_or("the profile of the file");
        write!(f, "its colors were converted from {from} to sRGB")
    }
}

/// The nearest 8-bit level.
fn round_to_level(value: u16) -> u8 {
    ((u32::from(value) + u32::from(LEVEL) / 2) / u32::from(LEVEL)) as u8
}

/// The description of a profile, if it is short and printable.
fn name(text: &ProfileText) -> Option<String> {
    let text = match text {
        ProfileText::PlainString(text) => text,
        ProfileText::Localizable(texts) => &texts.first()?.value,
        ProfileText::Description(text) => &text.ascii_string,
    };
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let is_printable = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
    let is_short = (1..=MAX_NAME_CHARS).contains(&text.chars().count());
    (is_short && text.chars().all(is_printable)).then(|| text.to_owned())
}

/// The sRGB profile for files that are written. It has the same bytes each time.
pub fn srgb() -> Vec<u8> {
    let mut srgb = ColorProfile::new_srgb();
    // For a display, the media white point is that of the profile connection space (ICC.1:2022, 9.2.36).
    srgb.media_white_point = Some(srgb.white_point);
    // The default CICP tag declares a limited range, with black at 16 and white at 235.
    srgb.cicp = None;
    let mut bytes = srgb.encode().expect("sRGB has a matrix and curves");
    // A fixed creation date: year, month, day, hour, minute, second.
    for (at, part) in [2000u16, 1, 1, 0, 0, 0].into_iter().enumerate() {
        bytes[24 + 2 * at..][..2].copy_from_slice(&part.to_be_bytes());
    }
    bytes
}
