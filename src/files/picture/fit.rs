//! Sizes, and cropping and scaling to them.

use super::Picture;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{F32x3, U8, U8x3};
use fast_image_resize::{FilterType, ImageView, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::{
    imageops, {GrayImage, RgbImage},
};
use ndarray::{Array3, Axis, concatenate, s};
use std::fmt;
use std::str::FromStr;

/// The longest edge that may be asked for, in pixels.
const LONGEST: u32 = 32_768;

/// How far the Lanczos filter reaches, in pixels of the smaller picture.
const LANCZOS: f64 = 3.0;

/// Width and height in pixels, each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// The size of the picture whose array H×W×C this is.
    pub fn of_array<T>(x: &Array3<T>) -> Self {
        let (height, width, _) = x.dim();
        Self {
            width: width as u32,
            height: height as u32,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// The size that someone asks for, written `512` or `666x500`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeRequest {
    /// So many pixels along the longer edge, whatever the aspect.
    LongEdge(u32),
    /// Just this size: a picture of another aspect is cropped around its centre.
    Exact(Size),
}

impl SizeRequest {
    /// The size that a picture of size `from` gets.
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

impl FromStr for SizeRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let edge = |part: &str| match part.parse() {
            Ok(edge @ 1..=LONGEST) => Ok(edge),
            _ => Err(format!(
                "write pixels, from 1 to {LONGEST}: the long edge (512), or width x height (666x500)"
            )),
        };
        match text.split_once(['x', 'X', '×']) {
            None => Ok(Self::LongEdge(edge(text)?)),
            Some((width, height)) => Ok(Self::Exact(Size {
                width: edge(width)?,
                height: edge(height)?,
            })),
        }
    }
}

impl Picture {
    /// The picture cropped around its centre to the aspect of `size` and scaled to it with a Lanczos filter (a = 3, widened
    /// when it shrinks).
    pub fn fit(&self, size: Size) -> Self {
        let from = self.size();
        if from == size {
            return self.clone();
        }
        let rgb = fitted::<U8x3>(self.rgb.as_raw(), from, size);
        let rgb = rgb.pixels().iter().flat_map(|pixel| pixel.0).collect();
        let alpha = self.alpha.as_ref().map(|alpha| {
            let alpha = fitted::<U8>(alpha.as_raw(), from, size);
            let alpha = alpha.pixels().iter().map(|pixel| pixel.0).collect();
            GrayImage::from_vec(size.width, size.height, alpha).expect("it has this size")
        });
        Self {
            rgb: RgbImage::from_vec(size.width, size.height, rgb).expect("it has this size"),
            alpha,
        }
    }
}

/// The pixels of a picture of size `from`, given as bytes, cropped and scaled to `size`.
fn fitted<P: PixelTrait>(bytes: &[u8], from: Size, size: Size) -> TypedImage<'static, P> {
    // The crop: as wide and high as the aspect allows, around the centre, to parts of a pixel.
    let (width, height) = (f64::from(from.width), f64::from(from.height));
    let aspect = f64::from(size.width) / f64::from(size.height);
    let (crop_width, crop_height) = (width.min(height * aspect), height.min(width / aspect));
    let (left, top) = ((width - crop_width) / 2.0, (height - crop_height) / 2.0);
    // Only the rows that the filter reaches: a tall strip would be widened in vain.
    let reach = LANCZOS * (crop_height / f64::from(size.height)).max(1.0);
    let first = (top - reach).floor().max(0.0);
    let rows = (top + crop_height + reach).ceil().min(height) - first;
    let row = P::size() * from.width as usize;
    let strip = &bytes[first as usize * row..][..rows as usize * row];
    // First across, then down, as the common tools do: overshoot is cut off at 0 and 255 in between.
    let strip = TypedImageRef::<P>::from_buffer(from.width, rows as u32, strip);
    let strip = strip.expect("these rows have these bytes");
    let lanczos = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    let across = lanczos.crop(left, 0.0, crop_width, rows);
    let narrowed = resample(&strip, size.width, rows as u32, &across);
    let down = lanczos.crop(0.0, top - first, f64::from(size.width), crop_height);
    resample(&narrowed, size.width, size.height, &down)
}

impl Picture {
    /// The picture without its edge: of its width and of its height, this share on both ends, but for one pixel at the least.
    pub fn trimmed(&self, margin: f64) -> Self {
        let Size { width, height } = self.size();
        let edge = |edge: u32| {
            let off = ((f64::from(edge) * margin).round() as u32).min((edge - 1) / 2);
            (off, edge - 2 * off)
        };
        let ((left, width), (top, height)) = (edge(width), edge(height));
        let crop =
            |image: &RgbImage| imageops::crop_imm(image, left, top, width, height).to_image();
        Self {
            rgb: crop(&self.rgb),
            alpha: (self.alpha.as_ref())
                .map(|alpha| imageops::crop_imm(alpha, left, top, width, height).to_image()),
        }
    }
}

/// An array H×W×3 scaled to `size` with a cubic filter (Catmull and Rom's), not cut off at black and white.
pub fn resize(x: &Array3<f32>, size: Size) -> Array3<f32> {
    let (height, width, _) = x.dim();
    let pixels: Vec<F32x3> = x
        .lanes(Axis(2))
        .into_iter()
        .map(|p| F32x3::new([p[0], p[1], p[2]]))
        .collect();
    let source =
        TypedImageRef::new(width as u32, height as u32, &pixels).expect("it has so many pixels");
    let cubic = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    let scaled = resample(&source, size.width, size.height, &cubic);
    let values = scaled.pixels().iter().flat_map(|pixel| pixel.0).collect();
    let shape = (size.height as usize, size.width as usize, 3);
    Array3::from_shape_vec(shape, values).expect("it has this size")
}

/// As [`resize`], for an array that goes on at its left where it ends at its right, and so at the top and the bottom.
pub fn resize_torus(x: &Array3<f32>, size: Size) -> Array3<f32> {
    let row = concatenate![Axis(1), *x, *x, *x];
    let tiled = concatenate![Axis(0), row, row, row];
    let tripled = Size {
        width: 3 * size.width,
        height: 3 * size.height,
    };
    let (height, width) = (size.height as usize, size.width as usize);
    let middle = s![height..2 * height, width..2 * width, ..];
    resize(&tiled, tripled).slice(middle).to_owned()
}

/// The part of a picture that the options name, scaled as they say. The typed interface of the library is compiled for the
/// kinds of pixel that are used, not for all that there are.
fn resample<'a, P: PixelTrait>(
    source: &impl ImageView<Pixel = P>,
    width: u32,
    height: u32,
    options: &ResizeOptions,
) -> TypedImage<'a, P> {
    let mut target = TypedImage::new(width, height);
    Resizer::new()
        .resize_typed(source, &mut target, options)
        .expect("the part lies inside the picture");
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn a_long_edge_keeps_the_aspect_and_is_never_exceeded() {
        let ask: SizeRequest = "512".parse().unwrap();
        assert_eq!(ask.of(size(451, 300)), size(512, 341));
        assert_eq!(ask.of(size(300, 451)), size(341, 512));
        assert_eq!(ask.of(size(4000, 3)), size(512, 1));
        assert_eq!(ask.of(size(7, 7)), size(512, 512));
    }

    #[test]
    fn sizes_are_written_as_people_write_them() {
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

    #[test]
    fn fitting_crops_around_the_centre() {
        // Red, green and blue thirds: a square out of the middle is green.
        let stripes = Picture::from(RgbImage::from_fn(90, 30, |x, _| {
            Rgb([0, 1, 2].map(|third| if x / 30 == third { 255 } else { 0 }))
        }));
        let square = stripes.fit(size(12, 12));
        assert_eq!(square.size(), size(12, 12));
        assert_eq!(square.rgb.get_pixel(6, 6), &Rgb([0, 255, 0]));
        assert!(square.rgb.pixels().all(|p| p[1] > 200));
    }

    /// The strip would be 30 GB if it were widened as it is.
    #[test]
    fn a_tall_strip_is_cut_before_it_is_widened() {
        let strip = Picture::from(RgbImage::from_fn(1, 5_000_000, |_, y| {
            Rgb([(y % 2) as u8, 100, 200])
        }));
        let wide = strip.fit(size(2000, 4));
        assert_eq!(wide.size(), size(2000, 4));
        assert!(
            wide.rgb
                .pixels()
                .all(|pixel| pixel.0[0] <= 1 && pixel.0[1..] == [100, 200])
        );
    }

    #[test]
    fn an_array_is_enlarged_smoothly_and_beyond_black_and_white() {
        let ramp =
            Array3::from_shape_fn((4, 8, 3), |(_, j, c)| 100.0 * j as f32 - 350.0 + c as f32);
        let large = resize(&ramp, size(16, 8));
        assert_eq!(large.dim(), (8, 16, 3));
        for j in 4..12 {
            // Pixel centres: the new pixel j is at (j + ½) / 2 − ½ of the old ones.
            let expected = 50.0 * j as f32 - 375.0 + 2.0;
            assert!(
                (large[[3, j, 2]] - expected).abs() < 1e-2,
                "{j}: {}",
                large[[3, j, 2]]
            );
        }
        assert!(large.iter().any(|&x| x < -300.0) && large.iter().any(|&x| x > 300.0));
        assert_eq!(resize(&ramp, size(8, 4)), ramp);
    }

    #[test]
    fn trimming_takes_the_frame_off() {
        let inside = |x: u32, y: u32| (2..48).contains(&x) && (1..29).contains(&y);
        let framed = Picture::from(RgbImage::from_fn(50, 30, |x, y| {
            Rgb([if inside(x, y) { 200 } else { 0 }; 3])
        }));
        let trimmed = framed.trimmed(0.04);
        assert_eq!(trimmed.size(), size(46, 28));
        assert!(trimmed.rgb.pixels().all(|pixel| pixel.0 == [200; 3]));
        assert_eq!(framed.trimmed(0.0), framed);
        let pixel = Picture::from(RgbImage::from_pixel(1, 2, Rgb([7; 3])));
        assert_eq!(pixel.trimmed(0.45).size(), size(1, 2));
    }

    #[test]
    fn a_torus_is_enlarged_without_a_seam() {
        let wave = |n: usize, of: usize| (n as f32 * std::f32::consts::TAU / of as f32).sin();
        let small = Array3::from_shape_fn((24, 32, 3), |(i, j, _)| wave(i, 24) + wave(j, 32));
        // The sine at pixel centres half as far apart.
        let centre =
            |n: usize, of: usize| ((n as f32 - 0.5) * std::f32::consts::TAU / of as f32).sin();
        let large = resize_torus(&small, size(64, 48));
        for ((i, j, _), value) in large.indexed_iter() {
            let expected = centre(i, 48) + centre(j, 64);
            assert!(
                (value - expected).abs() < 0.01,
                "{i}, {j}: {value} for {expected}"
            );
        }
        assert!(
            (resize(&small, size(64, 48)) - large)
                .iter()
                .any(|d| d.abs() > 0.02)
        );
    }

    #[test]
    fn fitting_to_one_pixel_works() {
        let picture = Picture::from(RgbImage::from_pixel(5, 9, Rgb([9, 8, 7])));
        let one = picture.fit(size(1, 1));
        assert_eq!(one.rgb.into_raw(), [9, 8, 7]);
    }
}
