//! Colour profiles (ICC.1:2022): what the numbers of a file mean, and how they become sRGB (IEC 61966-2-1).
//!
//! A profile leads from a device's numbers to XYZ or Lab, by curves and a matrix or by a table; sRGB's own matrix and curve lead
//! on to the numbers that the network learnt from. Colours that sRGB does not have are cut off (relative colorimetric), unless the
//! profile brings a table that compresses them (perceptual). Its black is not stretched to ours.

use image::{DynamicImage, RgbImage, RgbaImage};
use moxcms::{
    ColorProfile, DataColorSpace, Layout, ProfileText, RenderingIntent, Transform16BitExecutor,
    TransformOptions,
};
use std::fmt;
use std::sync::Arc;

/// How many rows are converted at a time: they are widened to 16 bits.
const STRIP: u32 = 64;

/// The longest description of a profile that is repeated, in characters.
const LONGEST_NAME: usize = 60;

/// One of 256 levels, in 16 bits.
const LEVEL: u16 = 257;

/// What a profile says.
pub enum Profile {
    /// What is assumed without one, to a level of 8 bits.
    Srgb,
    /// Something else.
    Other(Conversion),
    /// Nothing that makes sense.
    Damaged,
}

/// The way from a profile's colours to sRGB.
pub struct Conversion {
    transform: Arc<Transform16BitExecutor>,
    /// Of grey, of RGB or of CMYK: 1, 3 or 4.
    channels: usize,
    /// How the profile calls itself, if that fits a line.
    name: Option<String>,
}

impl Profile {
    /// Parses an ICC profile.
    pub fn new(bytes: &[u8]) -> Self {
        match Conversion::new(bytes) {
            None => Self::Damaged,
            Some(conversion) if conversion.is_idle() => Self::Srgb,
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
        // Perceptual, or what else there is a table for; without tables all are the same.
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

    /// Whether nothing moves by more than a level, of all greys and of a lattice of colours.
    fn is_idle(&self) -> bool {
        let greys = (0..=255).map(|level| [level * LEVEL; 3]);
        let sides = || (0..=8u16).map(|step| step * (u16::MAX / 8));
        let lattice = sides()
            .flat_map(|r| sides().flat_map(move |g| sides().map(move |b| [r, g, b])))
            .filter(|_| self.channels == 3);
        let colours: Vec<[u16; 3]> = greys.chain(lattice).collect();
        let source: Vec<u16> = (colours.iter())
            .flat_map(|colour| &colour[..self.channels.min(3)])
            .copied()
            .collect();
        self.channels < 4
            && self.apply(&source).is_some_and(|converted| {
                (converted.iter().zip(colours.as_flattened())).all(|(a, b)| a.abs_diff(*b) <= LEVEL)
            })
    }

    /// So many channels must a picture have: 1, 3 or 4 (which are C, M, Y and K).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The picture in sRGB with 8 bits a channel, converted at 16; its alpha, if it has one, stays. `None` if it cannot be
    /// converted.
    ///
    /// Of grey, R = G = B is given; of CMYK, the inks are in the places of red, green, blue and alpha.
    pub fn convert(&self, picture: &DynamicImage) -> Option<DynamicImage> {
        let (width, height) = (picture.width(), picture.height());
        let alpha = self.channels < 4 && picture.color().has_alpha();
        let channels = if alpha { 4 } else { 3 };
        let mut bytes = Vec::with_capacity(channels * width as usize * height as usize);
        for top in (0..height).step_by(STRIP as usize) {
            let strip = picture.crop_imm(0, top, width, STRIP.min(height - top));
            let strip = strip.into_rgba16();
            let pixels = strip.as_raw().as_chunks::<4>().0;
            let source: Vec<u16> = (pixels.iter())
                .flat_map(|pixel| &pixel[..self.channels])
                .copied()
                .collect();
            for (colour, pixel) in self.apply(&source)?.chunks_exact(3).zip(pixels) {
                bytes.extend(colour.iter().copied().map(level));
                bytes.extend(alpha.then_some(level(pixel[3])));
            }
        }
        if alpha {
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

/// What is said when it was taken.
impl fmt::Display for Conversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.name.as_deref().unwrap_or("the profile of the file");
        write!(f, "its colours were converted from {from} to sRGB")
    }
}

/// The nearest of 256 levels.
fn level(value: u16) -> u8 {
    ((u32::from(value) + u32::from(LEVEL) / 2) / u32::from(LEVEL)) as u8
}

/// A description that fits a line.
fn name(text: &ProfileText) -> Option<String> {
    let text = match text {
        ProfileText::PlainString(text) => text,
        ProfileText::Localizable(texts) => &texts.first()?.value,
        ProfileText::Description(text) => &text.ascii_string,
    };
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let printable = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
    let short = (1..=LONGEST_NAME).contains(&text.chars().count());
    (short && text.chars().all(printable)).then(|| text.to_owned())
}

/// The profile of sRGB, for files that are written: the same bytes each time.
pub fn srgb() -> Vec<u8> {
    let mut srgb = ColorProfile::new_srgb();
    // A display's white is adapted to the profile's own (ICC.1:2022, 9.2.36).
    srgb.media_white_point = Some(srgb.white_point);
    // It would say that black is 16 and white 235.
    srgb.cicp = None;
    let mut bytes = srgb.encode().expect("sRGB is matrix and curves");
    // Year, month, day, hour, minute and second of its making.
    for (at, part) in [2000u16, 1, 1, 0, 0, 0].into_iter().enumerate() {
        bytes[24 + 2 * at..][..2].copy_from_slice(&part.to_be_bytes());
    }
    bytes
}
