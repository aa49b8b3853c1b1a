//! Convolution as a matrix product, by copying each position's 3×3 neighbourhood into one row ("im2col").
//!
//! A row of patches is 9·C long, in the order of the kernel: row of the neighbourhood, column, channel. Patches (positions ×
//! 9·Cin) times kernel (9·Cin × Cout) is the output, in the layout in which it is kept.
//!
//! All patches of a picture would take nine times the activations' memory (0.77 GB for conv1_2 at 666×500), so bands of
//! rows are done in turn.

use super::Padding;
use crate::ops::workspace::Workspace;
use crate::ops::{Scalar, elements, elements_mut};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Array3, ArrayView1, ArrayView4, ArrayViewMut2};
use rayon::prelude::*;
use std::ops::Range;

/// Patch elements in one band, 2 MiB of `f32`: about what a core's cache holds.
const BAND: usize = 512 * 1024;

/// Positions that a band has at the least. A product packs its kernel matrix anew, 9 MB in the deep layers, which only many
/// positions outweigh.
const POSITIONS: usize = 384;

/// The matrix 9·Cin × Cout of a kernel 3 × 3 × Cin × Cout.
pub fn kernel_matrix<T: Scalar>(kernel: ArrayView4<T>) -> Array2<T> {
    let (kh, kw, cin, cout) = kernel.dim();
    Array2::from_shape_vec((kh * kw * cin, cout), kernel.iter().copied().collect())
        .expect("a kernel has this many elements")
}

/// The convolution (H×W×Cout) of x (H×W×Cin) with a kernel matrix 9·Cin × Cout, plus the bias (Cout).
///
/// # Panics
/// If the shapes do not fit.
pub fn convolve<T: Scalar>(
    x: &Array3<T>,
    kernel: &Array2<T>,
    bias: &[T],
    padding: Padding,
    workspace: &Workspace<T>,
) -> Array3<T> {
    let (height, width, cin) = x.dim();
    let (patch, cout) = kernel.dim();
    assert_eq!(patch, 9 * cin, "x must have the kernel's input channels");
    let mut y = workspace.array((height, width, cout));
    // By the shape alone, never by the number of threads: the same sums in the same order.
    let rows = (BAND / (width * patch))
        .max(POSITIONS / width)
        .clamp(1, height);
    (elements_mut(&mut y).par_chunks_mut(rows * width * cout))
        .enumerate()
        .for_each_init(Vec::new, |patches, (band, y)| {
            let first = band * rows;
            let positions = y.len() / cout;
            patches.resize(positions * patch, T::zero());
            for (i, patches) in (first..).zip(patches.chunks_exact_mut(width * patch)) {
                copy_patches((x, padding), i, 0..width, patch, patches);
            }
            let patches = ArrayViewMut2::from_shape((positions, patch), patches)
                .expect("the buffer has this size");
            let mut y =
                ArrayViewMut2::from_shape((positions, cout), y).expect("a band is whole rows of y");
            for mut position in y.rows_mut() {
                position.assign(&ArrayView1::from(bias));
            }
            general_mat_mul(T::one(), &patches, kernel, T::one(), &mut y);
        });
    y
}

/// Copies the 3×3 neighbourhoods of the positions in these columns of row i of x (H×W×C) to `patches`: 9·C elements each,
/// what is beyond the edges as the padding says, one patch `stride` elements after the other.
#[inline(always)]
pub(super) fn copy_patches<T: Scalar>(
    (x, padding): (&Array3<T>, Padding),
    i: usize,
    columns: Range<usize>,
    stride: usize,
    patches: &mut [T],
) {
    let (height, width, channels) = x.dim();
    let x = elements(x);
    for (j, patch) in columns.zip(patches.chunks_exact_mut(stride)) {
        for (p, third) in patch[..9 * channels]
            .chunks_exact_mut(3 * channels)
            .enumerate()
        {
            // Row p of the neighbourhood is row i + p − 1 of x, and of it the columns j − 1, j, j + 1, which lie side by side.
            let row = padding.position(i + p, height);
            if let Some(row) = row
                && j > 0
                && j + 1 < width
            {
                let x = &x[(row * width + j - 1) * channels..][..3 * channels];
                for (third, &x) in third.iter_mut().zip(x) {
                    *third = x;
                }
                continue;
            }
            third.fill(T::zero());
            for (q, third) in third.chunks_exact_mut(channels).enumerate() {
                if let (Some(row), Some(column)) = (row, padding.position(j + q, width)) {
                    let position = row * width + column;
                    third.copy_from_slice(&x[position * channels..][..channels]);
                }
            }
        }
    }
}
