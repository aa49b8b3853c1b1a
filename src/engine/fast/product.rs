//! Products of two matrices, C = A·B, on the CPU's vectors and all threads.

use super::simd::gemm::{self, Panel, Strided};
use super::simd::{Cpu, Simd, SimdTask};
use super::workspace::{Buffer, Workspace};
use crate::engine::SimdScalar;
use crate::method::Scalar;
use crate::parallel::for_each;
use ndarray::{Array2, ArrayView2, s};

/// Rows of C that one parallel task computes: full register tiles, or nearly full ones.
const ROW_CHUNK: usize = 48;

/// Rows and columns of the squares that are transposed, by way of a small copy. In a matrix whose width is a power of two, the elements of a
/// column share a few places of the nearest cache and would push each other out.
const SQUARE: usize = 16;

/// Products of at most this many multiplications are computed by one thread. Waking another takes as long.
const SMALL: usize = 1 << 21;

/// C = A·B of `a` (M×K) and `b` (K×N), which may be transposed views.
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn product<T: SimdScalar>(
    a: ArrayView2<T>,
    b: ArrayView2<T>,
    cpu: Cpu,
    workspace: &Workspace<T>,
) -> Array2<T> {
    compute(a, b, false, cpu, workspace)
}

/// The same of matrices (N×K and K×N) whose product is symmetric. What is above the diagonal is copied from below it.
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn symmetric<T: SimdScalar>(
    a: ArrayView2<T>,
    b: ArrayView2<T>,
    cpu: Cpu,
    workspace: &Workspace<T>,
) -> Array2<T> {
    let mut c = compute(a, b, true, cpu, workspace);
    let size = c.nrows();
    mirror(c.as_slice_mut().expect("it is in standard layout"), size, 0);
    c
}

/// Copies the elements below the diagonal to their places above it. `rows` are some rows of the matrix, of `size` elements each, and the
/// diagonal begins in column `first` of the first of them.
///
/// The rows are halved. The block right of the upper half's diagonal is the transpose of the one below it, in the lower half; then each half
/// is a smaller problem of the same kind.
pub(super) fn mirror<T: SimdScalar>(rows: &mut [T], size: usize, first: usize) {
    let count = rows.len() / size.max(1);
    if count <= ROW_CHUNK {
        for i in 0..count {
            for j in i + 1..count {
                rows[i * size + first + j] = rows[j * size + first + i];
            }
        }
        return;
    }
    let half = count / 2;
    let (upper, lower) = rows.split_at_mut(half * size);
    let copy = |(chunk, upper): (usize, &mut [T])| {
        let column = first + chunk * SQUARE;
        let mut square = [T::zero(); SQUARE * SQUARE];
        for (number, lower) in lower.chunks(SQUARE * size).enumerate() {
            let start = first + half + number * SQUARE;
            let (height, width) = (lower.len() / size, upper.len() / size);
            for (to, row) in square
                .chunks_exact_mut(SQUARE)
                .zip(lower.chunks_exact(size))
            {
                to[..width].copy_from_slice(&row[column..column + width]);
            }
            for (i, upper) in upper.chunks_exact_mut(size).enumerate() {
                for (k, to) in upper[start..start + height].iter_mut().enumerate() {
                    *to = square[k * SQUARE + i];
                }
            }
        }
    };
    for_each(upper.chunks_mut(SQUARE * size).enumerate(), copy);
    let halves = [(upper, first), (lower, first + half)];
    for_each(halves, |(rows, first)| mirror(rows, size, first));
}

/// C = A·B, or what is on and below its diagonal, and maybe more.
fn compute<T: SimdScalar>(
    a: ArrayView2<T>,
    b: ArrayView2<T>,
    lower: bool,
    cpu: Cpu,
    workspace: &Workspace<T>,
) -> Array2<T> {
    let ((rows, depth), columns) = (a.dim(), b.ncols());
    assert_eq!(
        depth,
        b.nrows(),
        "A must have as many columns as B has rows"
    );
    let mut c = workspace.matrix((rows, columns));
    if c.is_empty() || depth == 0 {
        c.fill(T::zero());
        return c;
    }
    let threads = if rows * depth * columns <= SMALL {
        Threads::One
    } else {
        Threads::All
    };
    let packed = pack(b, T::one(), threads, cpu, workspace);
    // A with its columns side by side, as a transposed view has them, is as good as one with its rows side by side.
    let in_order;
    let (elements, row_stride, depth_stride) = match (a.to_slice(), a.reversed_axes().to_slice()) {
        (Some(elements), _) => (elements, depth, 1),
        (None, Some(elements)) => (elements, 1, rows),
        (None, None) => {
            in_order = a.as_standard_layout();
            let elements = in_order.as_slice();
            (elements.expect("it is in standard layout"), depth, 1)
        }
    };
    let of_rows = c.as_slice_mut().expect("it is in standard layout");
    let chunks = of_rows.chunks_mut(ROW_CHUNK * columns).enumerate();
    threads.for_each(chunks, |(chunk, c)| {
        let a = Strided {
            elements: &elements[chunk * ROW_CHUNK * row_stride..],
            row_stride,
            depth_stride,
        };
        let end = (chunk + 1) * ROW_CHUNK;
        cpu.run(Rows {
            a,
            packed: &packed,
            depth,
            columns,
            needed: if lower { columns.min(end) } else { columns },
            c,
        });
    });
    c
}

/// `factor`·B (K×N) in panels.
pub(super) fn pack<T: SimdScalar>(
    b: ArrayView2<T>,
    factor: T,
    threads: Threads,
    cpu: Cpu,
    workspace: &Workspace<T>,
) -> Buffer<T> {
    let (depth, columns) = b.dim();
    let width = gemm::panel_width::<T>(cpu);
    let mut packed = workspace.buffer(columns.div_ceil(width) * depth * width);
    let panels = packed.chunks_exact_mut(depth * width).enumerate();
    threads.for_each(panels, |(panel, packed)| {
        let of_panel = panel * width..columns.min((panel + 1) * width);
        let rows = b.slice(s![.., of_panel]);
        for (k, row) in rows.outer_iter().enumerate() {
            let packed = &mut packed[k * width..][..row.len()];
            let Some(slice) = row.to_slice() else {
                for n in 0..row.len() {
                    packed[n] = factor * row[n];
                }
                continue;
            };
            // The same loop: over a slice the compiler vectorizes it.
            for n in 0..slice.len() {
                packed[n] = factor * slice[n];
            }
        }
    });
    packed
}

/// How many threads compute a product, or pack a matrix.
#[derive(Clone, Copy)]
pub(super) enum Threads {
    One,
    All,
}

impl Threads {
    /// Calls `work` with each item.
    fn for_each<I: Send>(self, items: impl ExactSizeIterator<Item = I>, work: impl Fn(I) + Sync) {
        match self {
            Self::One => items.for_each(work),
            Self::All => for_each(items, work),
        }
    }
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
        for (panel, b) in gemm::panels(self.packed, self.depth * width).enumerate() {
            let first = panel * width;
            if first >= self.needed {
                break;
            }
            let c = (&mut self.c[first..], columns);
            panel_or_part(s, shape, self.a, b, c, columns - first, false);
        }
    }
}

/// As [`gemm::panel`], but C may have fewer columns left than a panel, `columns_left`; then only those are written.
///
/// # Panics
/// As [`gemm::panel`].
#[inline(always)]
pub(super) fn panel_or_part<T: Scalar, S: Simd<T>>(
    s: S,
    (rows, depth): (usize, usize),
    a: Strided<T>,
    b: Panel<T>,
    (c, c_stride): (&mut [T], usize),
    columns_left: usize,
    accumulate: bool,
) {
    let width = 2 * S::LANES;
    if columns_left >= width {
        gemm::panel(s, (rows, depth), a, b, (c, c_stride), accumulate);
        return;
    }
    let mut sums = vec![T::zero(); rows * width];
    gemm::panel(s, (rows, depth), a, b, (&mut sums, width), false);
    for (c, sums) in c.chunks_mut(c_stride).zip(sums.chunks_exact(width)) {
        for (c, &sum) in c[..columns_left].iter_mut().zip(sums) {
            *c = if accumulate { *c + sum } else { sum };
        }
    }
}
