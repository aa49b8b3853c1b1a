//! Matrix products, C = A·B, in panels of two vectors' width.
//!
//! A register tile of C, up to [`Simd::ROWS`] rows by two vectors, is summed over the whole depth, or a part of it, before it is stored.
//! Each step multiplies one element of each row of A, broadcast to a vector, by two vectors of a row of B. A is read in place. B is packed
//! in panels of [`panel_width`] columns, row after row, so that it is read in memory order.
//!
//! What is needed next must arrive from the cache that all cores share, or from memory. It is prefetched evenly while a panel is multiplied,
//! since the cache is too slow to deliver it at once.
//!
//! Every element of a product is the sum of its terms, or of the sums of its parts, in the order of the depth, wherever the tiles begin. So
//! the division of A's rows into tiles does not change a bit of the result.

use super::{Cpu, Dispatch, LINE, Simd, SimdTask, prefetch, prefetch_to_l2};
use crate::parallel::for_each;

/// B is prefetched this many multiplications of two vectors ahead. The distance is a time, and therefore more steps with a tile of fewer
/// rows.
const AHEAD: usize = 448;

/// A, or its transpose, in place: element (r, k) is at index `r · row_stride + k · depth_stride`.
#[derive(Clone, Copy)]
pub struct Strided<'a, T> {
    /// The elements from (0, 0) on.
    pub elements: &'a [T],
    /// Elements from one row to the next.
    pub row_stride: usize,
    /// Elements from one column to the next.
    pub depth_stride: usize,
}

/// A panel of B.
pub struct Panel<'a, T> {
    /// Rows of two vectors.
    pub elements: &'a [T],
    /// What is prefetched to the L2 cache meanwhile: at most a cache line in each step, as far as the steps suffice.
    pub next: &'a [T],
}

/// The panels of B, `packed`, of this length each. The next of each is the one after it.
pub fn panels<T>(packed: &[T], length: usize) -> impl Iterator<Item = Panel<'_, T>> {
    let next = packed.chunks_exact(length).skip(1).chain([&[][..]]);
    (packed.chunks_exact(length).zip(next)).map(|(elements, next)| Panel { elements, next })
}

/// Columns in a panel of B and of C: two vectors.
pub fn panel_width<T: Dispatch>(cpu: Cpu) -> usize {
    struct Width;
    impl<T> SimdTask<T> for Width {
        type Output = usize;
        #[inline(always)]
        fn run<S: Simd<T>>(self, _: S) -> usize {
            2 * S::LANES
        }
    }
    cpu.run::<T, _>(Width)
}

/// Packs B (`depth` × `columns`), whose elements are `element(k, n)`, in panels one after the other. Unused columns of the last
/// panel are 0.
pub fn pack<T: Dispatch + Copy + Default + Send>(
    cpu: Cpu,
    (depth, columns): (usize, usize),
    element: impl Fn(usize, usize) -> T + Sync,
) -> Vec<T> {
    let width = panel_width::<T>(cpu);
    let mut packed = vec![T::default(); columns.div_ceil(width) * depth * width];
    let panels = packed.chunks_exact_mut(depth * width).enumerate();
    for_each(panels, |(panel, packed)| {
        for (k, row) in packed.chunks_exact_mut(width).enumerate() {
            for (n, value) in (panel * width..columns).zip(row) {
                *value = element(k, n);
            }
        }
    });
    packed
}

/// One panel of C (`rows` × two vectors, rows `c_stride` apart) = A (`rows` × `depth`) times a panel of B (`depth` rows of two
/// vectors). If `accumulate`, the product is added to C.
///
/// # Panics
/// If a slice is too short.
#[inline(always)]
pub fn panel<T: Copy, S: Simd<T>>(
    simd: S,
    (rows, depth): (usize, usize),
    a: Strided<T>,
    b: Panel<T>,
    c: (&mut [T], usize),
    accumulate: bool,
) {
    panel_in_parts(simd, (rows, depth, depth), a, b, c, accumulate);
}

/// As [`panel`], but of the depth, `terms` at a time are added up, and then added to C. The larger a sum is, the more each addition to it
/// rounds off.
///
/// # Panics
/// As [`panel`].
#[inline(always)]
pub fn panel_in_parts<T: Copy, S: Simd<T>>(
    simd: S,
    (rows, depth, terms): (usize, usize, usize),
    a: Strided<T>,
    b: Panel<T>,
    (c, c_stride): (&mut [T], usize),
    accumulate: bool,
) {
    if rows == 0 {
        return;
    }
    let width = 2 * S::LANES;
    // The offset of the last of this many steps; saturated, so that it lies beyond any slice if it overflows.
    let last = |count: usize, step: usize| (count - 1).saturating_mul(step);
    assert!(depth > 0 && terms > 0);
    assert!(
        a.elements.len() > last(rows, a.row_stride).saturating_add(last(depth, a.depth_stride))
    );
    assert!(b.elements.len() >= last(depth, width).saturating_add(width));
    assert!(c.len() >= last(rows, c_stride).saturating_add(width));
    const { assert!(S::ROWS <= 14, "there are versions for up to 14 rows") };
    // About equal tiles: 15 rows as 8 and 7, not as 14 and 1, since a tile of one row takes as long as one of four.
    let mut row = 0;
    let tiles = rows.div_ceil(S::ROWS);
    // In place of nothing, the beginning of B is prefetched, which is in the cache.
    let next_step = (b.next.len().div_ceil(tiles * depth)).min(LINE / size_of::<T>());
    let mut next = if b.next.is_empty() {
        b.elements
    } else {
        b.next
    }
    .as_ptr();
    for left in (1..=tiles).rev() {
        let of_tile = (rows - row).div_ceil(left);
        let c = (c[row * c_stride..].as_mut_ptr(), c_stride);
        for first in (0..depth).step_by(terms) {
            let depth = terms.min(depth - first);
            let a = (
                a.elements[row * a.row_stride + first * a.depth_stride..].as_ptr(),
                a.row_stride,
                a.depth_stride,
            );
            let b = b.elements[first * width..].as_ptr();
            let accumulate = accumulate || first > 0;
            // A version for each number of rows, whose sums stay in registers.
            macro_rules! tile_of {
                ($($rows:literal)*) => {
                    match of_tile {
                        $(
                            // SAFETY: `$rows` rows from `row` on and `depth` steps from `first` on exist, and the slices hold all of their
                            // elements, as asserted.
                            $rows if $rows <= S::ROWS => unsafe {
                                tile::<T, S, $rows>(simd, depth, a, b, (next, next_step), c, accumulate);
                            },
                        )*
                        _ => unreachable!("a tile has between 1 and {} rows", S::ROWS),
                    }
                };
            }
            tile_of!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
            next = next.wrapping_add(depth * next_step);
        }
        row += of_tile;
    }
}

/// `ROWS` rows of [`panel`]. Meanwhile what lies at `next` is prefetched, `next_step` elements in each step, which are a cache line at most.
/// The few steps that do not fill a group prefetch nothing.
///
/// # Safety
/// For rows r below `ROWS`, depths k below `depth` and l below two vectors' lanes, r·a.1 + k·a.2, k times two vectors
/// + l and r·c.1 + l must lie within what a.0, b and c.0 point to.
#[inline(always)]
unsafe fn tile<T: Copy, S: Simd<T>, const ROWS: usize>(
    simd: S,
    depth: usize,
    (mut a, a_row, a_depth): (*const T, usize, usize),
    mut b: *const T,
    (mut next, next_step): (*const T, usize),
    (c, c_stride): (*mut T, usize),
    accumulate: bool,
) {
    // SAFETY: all offsets are those of which the caller says that they lie within; the pointers are moved on to the next depth
    // by `wrapping_add`, and not read once they have passed the last.
    unsafe {
        // Sums begin at 0 and not with the first products, so that the loop takes all steps in groups.
        let mut sums = [[simd.zero(); 2]; ROWS];
        let group = S::STEPS_AT_ONCE * next_step;
        for _ in 0..depth / S::STEPS_AT_ONCE {
            prefetch_to_l2(next);
            // If the steps of a group move on by a line at most, one prefetch serves them all.
            if group > LINE / size_of::<T>() {
                for step in 1..S::STEPS_AT_ONCE {
                    prefetch_to_l2(next.wrapping_add(step * next_step));
                }
            }
            next = next.wrapping_add(group);
            for _ in 0..S::STEPS_AT_ONCE {
                add_products(simd, (a, a_row), b, &mut sums);
                a = a.wrapping_add(a_depth);
                b = b.wrapping_add(2 * S::LANES);
            }
        }
        for _ in 0..depth % S::STEPS_AT_ONCE {
            add_products(simd, (a, a_row), b, &mut sums);
            a = a.wrapping_add(a_depth);
            b = b.wrapping_add(2 * S::LANES);
        }
        for (r, &[first, second]) in sums.iter().enumerate() {
            let c = c.add(r * c_stride);
            let next = c.add(S::LANES);
            if accumulate {
                simd.store_at(simd.add(simd.load_at(c), first), c);
                simd.store_at(simd.add(simd.load_at(next), second), next);
            } else {
                simd.store_at(first, c);
                simd.store_at(second, next);
            }
        }
    }
}

/// Adds the products of a column of A and a row of B to the sums, and prefetches a later row of B.
///
/// # Safety
/// Two vectors must lie at `b`, and for each r below `ROWS` an element at `a` + r · `a_row`.
#[inline(always)]
unsafe fn add_products<T: Copy, S: Simd<T>, const ROWS: usize>(
    simd: S,
    (a, a_row): (*const T, usize),
    b: *const T,
    sums: &mut [[S::Vector; 2]; ROWS],
) {
    // SAFETY: the caller says that these elements exist.
    unsafe {
        // ANCHOR: step
        let (first, second) = (simd.load_at(b), simd.load_at(b.add(S::LANES)));
        let ahead = b.wrapping_add(AHEAD / ROWS * 2 * S::LANES);
        prefetch(ahead);
        if size_of::<S::Vector>() >= LINE {
            prefetch(ahead.wrapping_add(S::LANES));
        }
        for (r, sum) in sums.iter_mut().enumerate() {
            let a = simd.splat(*a.add(r * a_row));
            *sum = [
                simd.mul_add(a, first, sum[0]),
                simd.mul_add(a, second, sum[1]),
            ];
        }
        // ANCHOR_END: step
    }
}
