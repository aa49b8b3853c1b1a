//! Products of two matrices, C = A·B, on the CPU's vectors and all threads.

use super::simd::gemm::{self, Strided};
use super::simd::{Cpu, Simd, SimdTask};
use crate::engine::SimdScalar;
use crate::method::Scalar;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// Rows of C that one parallel task computes: a multiple of every register tile's rows.
const ROW_CHUNK: usize = 96;

/// C = A·B of `a` (M×K) and `b` (K×N), which may be transposed views.
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn product<T: SimdScalar>(a: ArrayView2<T>, b: ArrayView2<T>, cpu: Cpu) -> Array2<T> {
    let ((rows, depth), columns) = (a.dim(), b.ncols());
    assert_eq!(
        depth,
        b.nrows(),
        "A must have as many columns as B has rows"
    );
    let mut c = Array2::zeros((rows, columns));
    if c.is_empty() || depth == 0 {
        return c;
    }
    let packed = gemm::pack(cpu, (depth, columns), |k, n| b[[k, n]]);
    // A with columns side by side, as transposed matrices have them, is as good as one with rows side by side.
    let a_in_memory_order;
    let (elements, row_stride, depth_stride) = match (a.to_slice(), a.reversed_axes().to_slice()) {
        (Some(elements), _) => (elements, depth, 1),
        (None, Some(elements)) => (elements, 1, rows),
        (None, None) => {
            a_in_memory_order = a.as_standard_layout();
            let elements = a_in_memory_order.as_slice();
            (elements.expect("it is in standard layout"), depth, 1)
        }
    };
    let of_rows = c
        .as_slice_mut()
        .expect("a new matrix is in standard layout");
    (of_rows.par_chunks_mut(ROW_CHUNK * columns))
        .enumerate()
        .for_each(|(chunk, c)| {
            let a = Strided {
                elements: &elements[chunk * ROW_CHUNK * row_stride..],
                row_stride,
                depth_stride,
            };
            cpu.run(Rows {
                a,
                packed: &packed,
                depth,
                columns,
                c,
            });
        });
    c
}

/// Some rows of a product.
struct Rows<'a, T> {
    /// From the first of the rows on.
    a: Strided<'a, T>,
    /// B in panels.
    packed: &'a [T],
    depth: usize,
    columns: usize,
    c: &'a mut [T],
}

impl<T: Scalar> SimdTask<T> for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let (columns, width) = (self.columns, 2 * S::LANES);
        let shape = (self.c.len() / columns, self.depth);
        for (panel, b) in self.packed.chunks_exact(self.depth * width).enumerate() {
            let first = panel * width;
            if first + width <= columns {
                gemm::panel(s, shape, self.a, b, (&mut self.c[first..], columns), false);
                continue;
            }
            // The last panel, which has fewer columns.
            let mut c = vec![T::zero(); shape.0 * width];
            gemm::panel(s, shape, self.a, b, (&mut c, width), false);
            let rows = self.c.chunks_exact_mut(columns);
            for (row, found) in rows.zip(c.chunks_exact(width)) {
                row[first..].copy_from_slice(&found[..columns - first]);
            }
        }
    }
}
