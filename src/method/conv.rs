//! Convolution 3×3, stride 1, padding 1, plus a bias: the only kind that VGG has.
//!
//! As everywhere in deep learning it is a cross-correlation. With x beyond the edges as the [`Padding`] says,
//!
//! > y\[i, j, o\] = b\[o\] + Σ k\[p, q, c, o\] · x\[i+p−1, j+q−1, c\], over p and q in 0..3 and the input channels c.
//!
//! x\[i, j, c\] contributes to y\[i−p+1, j−q+1, o\] through k\[p, q, c, o\]. With p → 2−p and q → 2−q,
//!
//! > dL/dx\[i, j, c\] = Σ k\[2−p, 2−q, c, o\] · dL/dy\[i+p−1, j+q−1, o\], over p, q and the output channels o:
//!
//! **the backward pass of a convolution is the convolution with the kernel rotated by 180° and its channels swapped**, without
//! the bias.
//!
//! Both are computed as matrix products ("im2col"): the 3×3 neighborhood of each position becomes a row of 9·Cin numbers, in
//! the order of the kernel's axes. These rows (positions × 9·Cin) times the kernel (9·Cin × Cout) are the output, already in
//! its layout. All rows of a picture would take nine times the memory of its activations (0.77 GB for conv1_2 at 666×500), so
//! the picture is convolved in bands of a few rows of pixels.

use super::Padding;
use super::scalar::{Scalar, elements, elements_mut};
use crate::parallel::for_each_with;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array3, Array4, ArrayView2, ArrayViewMut2, s};

/// Numbers in the neighborhoods of one band: 2 MiB of `f32`, about what a core's cache holds.
const BAND_ELEMENTS: usize = 512 * 1024;

/// A band has at least this many positions. Each matrix product first copies the kernel, 9 MB in the deep layers; only many
/// positions make up for that.
const MIN_BAND_POSITIONS: usize = 384;

/// y (H×W×Cout) of `x` (H×W×Cin), with a `kernel` 3 × 3 × Cin × Cout (HWIO) and a `bias` (Cout).
///
/// # Panics
/// If the shapes do not fit.
pub fn forward<T: Scalar>(
    x: &Array3<T>,
    kernel: &Array4<T>,
    bias: &Array1<T>,
    padding: Padding,
) -> Array3<T> {
    let (height, width, cin) = x.dim();
    let (kh, kw, kernel_cin, cout) = kernel.dim();
    assert_eq!((kh, kw), (3, 3), "kernels are 3×3");
    assert_eq!(kernel_cin, cin, "x must have the kernel's input channels");
    assert_eq!(bias.len(), cout, "one bias for each output channel");
    let kernel = kernel.as_standard_layout();
    let kernel = (kernel.view().into_shape_with_order((9 * cin, cout)))
        .expect("a kernel has 9·Cin·Cout elements");
    // ANCHOR: forward
    let rows = (BAND_ELEMENTS / (width * 9 * cin))
        .max(MIN_BAND_POSITIONS / width)
        .clamp(1, height);
    let mut y = Array3::zeros((height, width, cout));
    let bands = elements_mut(&mut y).chunks_mut(rows * width * cout);
    for_each_with(bands.enumerate(), Vec::new, |neighborhoods, (band, y)| {
        let positions = y.len() / cout;
        neighborhoods.resize(positions * 9 * cin, T::zero());
        let of_rows = neighborhoods.chunks_exact_mut(width * 9 * cin);
        for (i, of_row) in (band * rows..).zip(of_rows) {
            copy_neighborhoods(x, padding, i, of_row);
        }
        let neighborhoods = ArrayView2::from_shape((positions, 9 * cin), neighborhoods)
            .expect("a neighborhood for each position");
        let mut y =
            ArrayViewMut2::from_shape((positions, cout), y).expect("a band is whole rows of y");
        y.assign(bias);
        general_mat_mul(T::one(), &neighborhoods, &kernel, T::one(), &mut y);
    });
    y
    // ANCHOR_END: forward
}

/// dL/dx (H×W×Cin) of `dy` = dL/dy (H×W×Cout), with the `kernel` (3 × 3 × Cin × Cout) of the forward pass.
///
/// # Panics
/// If the shapes do not fit.
// ANCHOR: backward
pub fn backward<T: Scalar>(dy: &Array3<T>, kernel: &Array4<T>, padding: Padding) -> Array3<T> {
    let rotated = kernel.slice(s![..;-1, ..;-1, .., ..]);
    let rotated = rotated.permuted_axes([0, 1, 3, 2]);
    let rotated = rotated.as_standard_layout().into_owned();
    let no_bias = Array1::zeros(rotated.dim().3);
    forward(dy, &rotated, &no_bias, padding)
}
// ANCHOR_END: backward

/// Copies the 3×3 neighborhoods of row i of `x` (H×W×C), 9·C numbers for each position.
// ANCHOR: neighborhoods
fn copy_neighborhoods<T: Scalar>(x: &Array3<T>, padding: Padding, i: usize, to: &mut [T]) {
    let (height, width, channels) = x.dim();
    let x = elements(x);
    for (j, to) in to.chunks_exact_mut(9 * channels).enumerate() {
        for (offset, to) in to.chunks_exact_mut(channels).enumerate() {
            let (p, q) = (offset / 3, offset % 3);
            let row = padding.position(i + p, height);
            let column = padding.position(j + q, width);
            match row.zip(column) {
                Some((row, column)) => {
                    to.copy_from_slice(&x[(row * width + column) * channels..][..channels])
                }
                None => to.fill(T::zero()),
            }
        }
    }
}
// ANCHOR_END: neighborhoods
