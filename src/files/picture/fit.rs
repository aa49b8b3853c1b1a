//! Crops and scales pictures.

#[cfg(feature = "cli")]
use super::SizeRequest;
use super::resize::{Scaling, resample};
use super::{Picture, Size};
use fast_image_resize::images::TypedImageRef;
use fast_image_resize::pixels::F32;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions};
use image::imageops::crop_imm;
use image::{GrayImage, RgbImage};
use std::ops::Range;

/// The radius of the Lanczos filter, in pixels of the smaller picture.
const LANCZOS_RADIUS: f64 = 3.0;

/// Pixels of a fitted picture that are computed at a time, at most. A smaller picture is one block.
const BLOCK_PIXELS: usize = 4 << 20;

/// Pixels of the source that are scaled horizontally at a time, unless a row has more. Fewer would take longer: the weights of the filter are
/// computed anew for each strip.
const STRIP_PIXELS: usize = 4 << 20;

impl Picture {
    /// Crops the picture around its center to the aspect ratio of `size`, and scales it to `size` with a Lanczos filter
    /// (a = 3; wider in source pixels when the picture shrinks).
    pub fn fit(&self, size: Size) -> Self {
        let from = self.size();
        if from == size {
            return self.clone();
        }
        let rgb = fit_channels::<3>(self.rgb.as_raw(), from, size);
        Self::new(
            RgbImage::from_vec(size.width, size.height, rgb).expect("the size is right"),
            self.alpha.as_ref().map(|alpha| fit_gray(alpha, size)),
        )
    }

    /// The rows of [`fit`](Self::fit)'s result in blocks, for a picture that is not to be in memory as a whole.
    pub(crate) fn fit_in_blocks(&self, size: Size) -> FittedBlocks<'_> {
        let is_fitted = self.size() == size;
        FittedBlocks {
            picture: self,
            size,
            rows: if is_fitted {
                size.height as usize
            } else {
                rows_of_block(size)
            },
        }
    }

    /// A copy, scaled down if the long edge has more than `edge` pixels.
    #[cfg(feature = "cli")]
    pub(crate) fn at_most(&self, edge: u32) -> Self {
        let size = self.size();
        if size.width.max(size.height) <= edge {
            return self.clone();
        }
        self.fit(SizeRequest::LongEdge(edge).of(size))
    }

    /// Cuts `margin` (a share of the width) off the left and the right, and the same share of the height off the top and
    /// the bottom. At least one pixel remains each way.
    pub fn trimmed(&self, margin: f64) -> Self {
        let Size { width, height } = self.size();
        let trim = |edge: u32| {
            let cut = ((f64::from(edge) * margin).round() as u32).min((edge - 1) / 2);
            (cut, edge - 2 * cut)
        };
        let ((left, width), (top, height)) = (trim(width), trim(height));
        Self::new(
            crop_imm(&*self.rgb, left, top, width, height).to_image(),
            (self.alpha.as_deref())
                .map(|alpha| crop_imm(alpha, left, top, width, height).to_image()),
        )
    }
}

/// A picture that is fitted to a size, a block of rows at a time.
pub(crate) struct FittedBlocks<'a> {
    picture: &'a Picture,
    size: Size,
    /// Rows of a block. The last may have fewer.
    rows: usize,
}

impl FittedBlocks<'_> {
    /// The width and height of the fitted picture.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The number of the block with this row.
    pub fn block_of(&self, row: usize) -> usize {
        row / self.rows
    }

    /// The first row of a block, and its pixels. Their alpha is not fitted.
    pub fn block(&self, number: usize) -> (usize, Picture) {
        let (from, first) = (self.picture.size(), number * self.rows);
        if from == self.size {
            return (first, self.picture.clone());
        }
        let rows = first..(first + self.rows).min(self.size.height as usize);
        let height = rows.len() as u32;
        let rgb = fit_rows::<3>(self.picture.rgb.as_raw(), from, self.size, rows);
        let block = RgbImage::from_vec(self.size.width, height, rgb).expect("the size is right");
        (first, block.into())
    }
}

fn rows_of_block(size: Size) -> usize {
    (BLOCK_PIXELS / size.width as usize).clamp(1, size.height as usize)
}

/// Crops and scales as [`Picture::fit`] does.
pub(super) fn fit_gray(gray: &GrayImage, size: Size) -> GrayImage {
    let (width, height) = gray.dimensions();
    let from = Size { width, height };
    if from == size {
        return gray.clone();
    }
    let levels = fit_channels::<1>(gray.as_raw(), from, size);
    GrayImage::from_vec(size.width, size.height, levels).expect("the size is right")
}

/// Crops and scales the pixels of a picture of `N` channels from size `from` to `size`. `bytes` are the pixels in rows.
fn fit_channels<const N: usize>(bytes: &[u8], from: Size, size: Size) -> Vec<u8> {
    let height = size.height as usize;
    let block = rows_of_block(size);
    let mut fitted = Vec::with_capacity(N * size.width as usize * height);
    for first in (0..height).step_by(block) {
        let rows = first..(first + block).min(height);
        fitted.extend(fit_rows::<N>(bytes, from, size, rows));
    }
    fitted
}

/// These rows of the result.
///
/// The channels are scaled one after the other, as `f32`: the library's code for this kind of pixel is all that is compiled. Its code for `u8`
/// is 30 times as long, since it has a copy for each precision of the weights.
fn fit_rows<const N: usize>(bytes: &[u8], from: Size, size: Size, rows: Range<usize>) -> Vec<u8> {
    // The largest crop with the aspect ratio of `size`, in fractions of a pixel.
    let (width, height) = (f64::from(from.width), f64::from(from.height));
    let aspect = f64::from(size.width) / f64::from(size.height);
    let (crop_width, crop_height) = (width.min(height * aspect), height.min(width / aspect));
    let (left, top) = ((width - crop_width) / 2.0, (height - crop_height) / 2.0);
    // Only the rows that these are computed from. Widening all rows of a tall strip could need gigabytes.
    let scaling = Scaling {
        top,
        ratio: crop_height / f64::from(size.height),
        from: from.height as usize,
        to: size.height as usize,
        reach: LANCZOS_RADIUS,
    };
    let (behind, more) = (scaling.rows_behind(&rows), scaling.with_margin(&rows));
    let (behind_top, behind_height) = scaling.part(&more, &behind);
    // Horizontally first, then vertically, as common tools do. In between, levels are rounded and overshoot is clamped to 0..255.
    let lanczos = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    let vertical = lanczos.crop(0.0, behind_top, f64::from(size.width), behind_height);

    let (source_width, fitted_width) = (from.width as usize, size.width as usize);
    let source = &bytes[N * source_width * behind.start..N * source_width * behind.end];
    let mut fitted = vec![0; N * fitted_width * rows.len()];
    for channel in 0..N {
        let mut narrowed = Vec::with_capacity(fitted_width * behind.len());
        for strip in source.chunks((STRIP_PIXELS / source_width).max(1) * N * source_width) {
            let levels = strip.chunks_exact(N).map(|pixel| f32::from(pixel[channel]));
            let levels: Vec<F32> = levels.map(F32::new).collect();
            let rows = (levels.len() / source_width) as u32;
            let strip =
                TypedImageRef::new(from.width, rows, &levels).expect("the strip has these rows");
            let horizontal = lanczos.crop(left, 0.0, crop_width, f64::from(rows));
            let scaled = resample(&strip, size.width, rows, &horizontal);
            let levels = scaled.pixels().iter().map(level);
            narrowed.extend(levels.map(|level| F32::new(level.into())));
        }
        let narrowed = TypedImageRef::new(size.width, behind.len() as u32, &narrowed)
            .expect("all strips have these rows");
        let scaled = resample(&narrowed, size.width, more.len() as u32, &vertical);
        let scaled = &scaled.pixels()[(rows.start - more.start) * fitted_width..];
        for (to, value) in fitted.chunks_exact_mut(N).zip(scaled) {
            to[channel] = level(value);
        }
    }
    fitted
}

/// The nearest level.
fn level(value: &F32) -> u8 {
    (value.0.clamp(0.0, 255.0) + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn fitting_crops_around_the_center() {
        // A red, a green and a blue third. A square in the middle is green.
        let stripes = Picture::from(RgbImage::from_fn(90, 30, |x, _| {
            Rgb([0, 1, 2].map(|third| if x / 30 == third { 255 } else { 0 }))
        }));
        let square = stripes.fit(size(12, 12));
        assert_eq!(square.size(), size(12, 12));
        assert_eq!(square.rgb.get_pixel(6, 6), &Rgb([0, 255, 0]));
        assert!(square.rgb.pixels().all(|p| p[1] > 200));
    }

    /// Widening all rows would take 30 GB.
    #[test]
    fn a_tall_strip_is_cropped_before_it_is_widened() {
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
    fn rows_that_are_fitted_by_themselves_are_those_of_the_whole() {
        let (from, level) = (size(11, 37), |n: usize| ((n * 37) ^ (n >> 3)) as u8);
        let bytes: Vec<u8> = (0..3 * 11 * 37).map(level).collect();
        for to in [
            size(16, 53),
            size(7, 20),
            size(11, 74),
            size(33, 111),
            size(40, 37),
            size(5, 9),
        ] {
            let (width, height) = (to.width as usize, to.height as usize);
            let whole = fit_rows::<3>(&bytes, from, to, 0..height);
            for (first, count) in (0..height).flat_map(|first| [(first, 1), (first, 8)]) {
                let rows = first..(first + count).min(height);
                let part = fit_rows::<3>(&bytes, from, to, rows.clone());
                assert_eq!(part.len(), 3 * width * rows.len());
                for (a, b) in part.iter().zip(&whole[3 * width * first..]) {
                    assert_eq!(a, b, "{to} {rows:?}");
                }
            }
        }
    }

    #[test]
    fn trimming_removes_a_frame() {
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
    fn fitting_to_one_pixel_works() {
        let picture = Picture::from(RgbImage::from_pixel(5, 9, Rgb([9, 8, 7])));
        let one = picture.fit(size(1, 1));
        assert_eq!(one.rgb.as_raw(), &[9, 8, 7]);
    }
}
