//! Scales arrays and images with the filters of `fast_image_resize`.

use super::Size;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::F32x3;
use fast_image_resize::{FilterType, ImageView, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use ndarray::{Array3, Axis, concatenate, s};

/// Scales an array H×W×3 to `size` with a Catmull-Rom filter. The result is not clamped.
pub fn resize(x: &Array3<f32>, size: Size) -> Array3<f32> {
    let (height, width, _) = x.dim();
    let pixels: Vec<F32x3> = x
        .lanes(Axis(2))
        .into_iter()
        .map(|p| F32x3::new([p[0], p[1], p[2]]))
        .collect();
    let source =
        TypedImageRef::new(width as u32, height as u32, &pixels).expect("the sizes are equal");
    let cubic = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    let scaled = resample(&source, size.width, size.height, &cubic);
    let values = scaled.pixels().iter().flat_map(|pixel| pixel.0).collect();
    let shape = (size.height as usize, size.width as usize, 3);
    Array3::from_shape_vec(shape, values).expect("the sizes are equal")
}

/// [`resize`] with periodic borders: the left edge continues at the right edge, and the top at the bottom.
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
