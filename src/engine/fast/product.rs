//! Products of two matrices, C = A·B, on the CPU's vectors and all threads.

use super::simd::gemm::{self, Strided};
use super::simd::{Cpu, Simd, SimdTask};
use crate::engine::SimdScalar;
use crate::method::Scalar;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// Rows of C that one parallel task computes: a multiple of every register tile's rows.
const ROW_CHUNK: usize = 48;

/// C = A·B of `a` (M×K) and `b` (K×N), which may be transposed views.
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn product<T: SimdScalar>(a: ArrayView2<T>, b: ArrayView2<T>, cpu: Cpu) -> Array2<T> {
    compute(a, b, false, cpu)
}

/// The same of two N×N matrices whose product is symmetric. What is above the diagonal is copied from below it.
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn symmetric<T: SimdScalar>(a: ArrayView2<T>, b: ArrayView2<T>, cpu: Cpu) -> Array2<T> {
    let lower = compute(a, b, true, cpu);
    let elements = lower
        .as_slice()
        .expect("a new matrix is in standard layout");
    let size = lower.nrows();
    let mut c = Array2::zeros((size, size));
    let of_rows = c
        .as_slice_mut()
        .expect("a new matrix is in standard layout");
    (of_rows.par_chunks_mut((ROW_CHUNK * size).max(1)))
        .enumerate()
        .for_each(|(chunk, rows)| {
            // In squares, so that the columns that become rows are read while they are in the cache.
            for first in (0..size).step_by(ROW_CHUNK) {
                for (i, row) in (chunk * ROW_CHUNK..).zip(rows.chunks_exact_mut(size)) {
                    for (j, c) in (first..size.min(first + ROW_CHUNK)).zip(&mut row[first..]) {
                        *c = elements[i.max(j) * size + i.min(j)];
                    }
                }
            }
        });
    c
}

/// C = A·B, or what is on and below its diagonal, and maybe more.
fn compute<T: SimdScalar>(a: ArrayView2<T>, b: ArrayView2<T>, lower: bool, cpu: Cpu) -> Array2<T> {
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
    let packed = match b.to_slice() {
        Some(b) => gemm::pack_rows(cpu, b, columns),
        None => gemm::pack(cpu, (depth, columns), |k, n| b[[k, n]]),
    };
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
            let end = (chunk + 1) * ROW_CHUNK;
            cpu.run(Rows {
                a,
                needed: if lower { columns.min(end) } else { columns },
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
    /// How many of the columns are needed.
    needed: usize,
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
            if first >= self.needed {
                break;
            }
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
