//! Scales arrays and images with the filters of `fast_image_resize`.

use super::Size;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::F32x3;
use fast_image_resize::{FilterType, ImageView, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use ndarray::{Array3, Axis, concatenate, s};
use std::ops::Range;

/// How far a Catmull-Rom filter reaches, in pixels.
const CATMULL_ROM_REACH: f64 = 2.0;

/// Scales an array H×W×3 to `size` with a Catmull-Rom filter. The result is not clamped.
pub fn resize(x: &Array3<f32>, size: Size) -> Array3<f32> {
    let (height, width, _) = x.dim();
    let all = (0.0, height as f64);
    resize_part(x, (width, all), size)
}

/// How the rows of a scaled picture follow from those of its source.
pub(super) struct Scaling {
    /// Where the part that is scaled begins.
    pub top: f64,
    /// Its height for each row of the result.
    pub ratio: f64,
    /// Rows of the source.
    pub from: usize,
    /// Rows of the result.
    pub to: usize,
    /// How far the filter reaches, in pixels of the smaller of both.
    pub reach: f64,
}

impl Scaling {
    /// That of a whole array with [`resize`]'s filter.
    fn of_whole(from: usize, to: usize) -> Self {
        Self {
            top: 0.0,
            ratio: from as f64 / to as f64,
            from,
            to,
            reach: CATMULL_ROM_REACH,
        }
    }

    /// The rows of the source that these rows are computed from.
    pub fn rows_behind(&self, rows: &Range<usize>) -> Range<usize> {
        let rows = self.with_margin(rows);
        let reach = self.reach * self.ratio.max(1.0) + 1.0;
        let first = self.top + rows.start as f64 * self.ratio - reach;
        let end = self.top + rows.end as f64 * self.ratio + reach;
        first.floor().max(0.0) as usize..(end.ceil() as usize).min(self.from)
    }

    /// The rows, and one or two more on each side.
    ///
    /// The library takes the first and the last row for those whose filters begin and end at the outermost source rows. That is wrong of a
    /// row whose center falls on a source row: its filter has one weight that is not 0. The outer rows are chosen so that theirs do not.
    pub fn with_margin(&self, rows: &Range<usize>) -> Range<usize> {
        let between = |row: usize| {
            let center = self.top + (row as f64 + 0.5) * self.ratio - 0.5;
            usize::from((center - center.round()).abs() < 1e-6)
        };
        let first = rows.start.saturating_sub(1);
        first.saturating_sub(between(first))..(rows.end + 1 + between(rows.end)).min(self.to)
    }

    /// Where the part of the source that becomes the rows `more` begins in the rows `behind`, and its height.
    pub fn part(&self, more: &Range<usize>, behind: &Range<usize>) -> (f64, f64) {
        let top = self.top + more.start as f64 * self.ratio - behind.start as f64;
        // Rounding must not reach beyond the last row.
        let height = (more.len() as f64 * self.ratio).min(behind.len() as f64 - top);
        (top, height)
    }
}

/// The rows of an array of this `height` that the `rows` of the array scaled to the height `to` are computed from.
pub(crate) fn rows_behind(rows: &Range<usize>, height: usize, to: usize) -> Range<usize> {
    Scaling::of_whole(height, to).rows_behind(rows)
}

/// Some `rows` of what [`resize`] makes of an array of this `height`. `x` are the [rows behind](rows_behind) them.
pub(crate) fn resize_rows(
    x: &Array3<f32>,
    height: usize,
    size: Size,
    rows: Range<usize>,
) -> Array3<f32> {
    let scaling = Scaling::of_whole(height, size.height as usize);
    let (more, behind) = (scaling.with_margin(&rows), scaling.rows_behind(&rows));
    let size = Size {
        height: more.len() as u32,
        ..size
    };
    let scaled = resize_part(x, (x.dim().1, scaling.part(&more, &behind)), size);
    let first = rows.start - more.start;
    scaled
        .slice(s![first..first + rows.len(), .., ..])
        .to_owned()
}

/// Scales the part of `x` that begins at this height, and has this height and the width of `x`.
fn resize_part(
    x: &Array3<f32>,
    (width, (top, part_height)): (usize, (f64, f64)),
    size: Size,
) -> Array3<f32> {
    let height = x.dim().0;
    let pixels: Vec<F32x3> = x
        .lanes(Axis(2))
        .into_iter()
        .map(|p| F32x3::new([p[0], p[1], p[2]]))
        .collect();
    let source =
        TypedImageRef::new(width as u32, height as u32, &pixels).expect("the sizes are equal");
    let cubic = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .crop(0.0, top, width as f64, part_height);
    let scaled = resample(&source, size.width, size.height, &cubic);
    let values = scaled.pixels().iter().flat_map(|pixel| pixel.0).collect();
    let shape = (size.height as usize, size.width as usize, 3);
    Array3::from_shape_vec(shape, values).expect("the sizes are equal")
}

/// [`resize`] with periodic borders: the left edge continues at the right edge, and the top at the bottom.
pub(crate) fn resize_torus(x: &Array3<f32>, size: Size) -> Array3<f32> {
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

/// Scales the part of `source` that the options select. The typed interface of the library compiles only the pixel types
/// that are used.
pub(super) fn resample<'a, P: PixelTrait>(
    source: &impl ImageView<Pixel = P>,
    width: u32,
    height: u32,
    options: &ResizeOptions,
) -> TypedImage<'a, P> {
    let mut target = TypedImage::new(width, height);
    Resizer::new()
        .resize_typed(source, &mut target, options)
        .expect("the crop lies inside the source");
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn an_array_is_interpolated_and_not_clamped() {
        let ramp =
            Array3::from_shape_fn((4, 8, 3), |(_, j, c)| 100.0 * j as f32 - 350.0 + c as f32);
        let large = resize(&ramp, size(16, 8));
        assert_eq!(large.dim(), (8, 16, 3));
        for j in 4..12 {
            // The center of the new pixel j lies at (j + ½) / 2 − ½ in old pixels.
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
    fn rows_that_are_scaled_by_themselves_are_those_of_the_whole() {
        let x = Array3::from_shape_fn((37, 11, 3), |(i, j, c)| ((i * 13 + j * 7 + c) % 23) as f32);
        for to in [
            size(16, 53),
            size(7, 20),
            size(11, 37),
            size(16, 150),
            size(16, 74),
        ] {
            let whole = resize(&x, to);
            let to_height = to.height as usize;
            for (first, count) in
                (0..to_height).flat_map(|first| [(first, 1), (first, 8), (first, 64)])
            {
                let rows = first..(first + count).min(to_height);
                let behind = rows_behind(&rows, 37, to_height);
                let part = resize_rows(
                    &x.slice(s![behind, .., ..]).to_owned(),
                    37,
                    to,
                    rows.clone(),
                );
                let error = (part - whole.slice(s![rows, .., ..])).mapv(f32::abs);
                assert!(
                    error.iter().all(|&error| error < 1e-4),
                    "{to} {first}: {error}"
                );
            }
        }
    }

    #[test]
    fn a_torus_is_enlarged_without_a_seam() {
        let wave = |n: usize, of: usize| (n as f32 * std::f32::consts::TAU / of as f32).sin();
        let small = Array3::from_shape_fn((24, 32, 3), |(i, j, _)| wave(i, 24) + wave(j, 32));
        // The same wave at the pixel centers of the enlarged array.
        let center =
            |n: usize, of: usize| ((n as f32 - 0.5) * std::f32::consts::TAU / of as f32).sin();
        let large = resize_torus(&small, size(64, 48));
        for ((i, j, _), value) in large.indexed_iter() {
            let expected = center(i, 48) + center(j, 64);
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
}
