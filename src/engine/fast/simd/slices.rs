//! Loads and stores that may end within a vector, and those of several vectors with one bounds check.

use super::{MAX_LANES, Simd};
use std::ops::Range;

/// Loads vectors from x, each `stride` elements after the one before.
///
/// # Panics
/// If x is too short.
#[inline(always)]
pub fn load_strided<T: Copy, S: Simd<T>, const N: usize>(
    s: S,
    x: &[T],
    stride: usize,
) -> [S::Vector; N] {
    assert!(x.len() >= extent::<N>(stride, S::LANES));
    // SAFETY: x holds vectors at all multiples of `stride` up to N − 1, as asserted.
    unsafe {
        let mut vectors = [s.load_at(x.as_ptr()); N];
        for (n, vector) in vectors.iter_mut().enumerate() {
            *vector = s.load_at(x.as_ptr().add(n * stride));
        }
        vectors
    }
}

/// Stores vectors to x, each `stride` elements after the one before.
///
/// # Panics
/// If x is too short.
#[inline(always)]
pub fn store_strided<T, S: Simd<T>, const N: usize>(
    s: S,
    vectors: [S::Vector; N],
    x: &mut [T],
    stride: usize,
) {
    assert!(x.len() >= extent::<N>(stride, S::LANES));
    for (n, &vector) in vectors.iter().enumerate() {
        // SAFETY: x has room for vectors at all multiples of `stride` up to N − 1, as asserted.
        unsafe { s.store_at(vector, x.as_mut_ptr().add(n * stride)) };
    }
}

/// The elements from the beginning of the first of `N` vectors to the end of the last. Saturated, so that it lies beyond any slice if it
/// overflows.
#[inline(always)]
fn extent<const N: usize>(stride: usize, lanes: usize) -> usize {
    const { assert!(N > 0) };
    stride.saturating_mul(N - 1).saturating_add(lanes)
}

/// Distances from an element of a slice to others, for all of which there is one bounds check.
pub struct Offsets<const N: usize> {
    offsets: [usize; N],
    largest: usize,
}

impl<const N: usize> Offsets<N> {
    /// These distances.
    #[inline(always)]
    pub fn new(offsets: [usize; N]) -> Self {
        let mut largest = 0;
        for &offset in &offsets {
            largest = largest.max(offset);
        }
        Self { offsets, largest }
    }

    /// Loads the vectors that begin at these distances from element `range.start` of x. If the range is shorter than a vector, the other
    /// lanes are 0.
    ///
    /// # Panics
    /// If x is too short.
    #[inline(always)]
    pub fn load<T: Copy + Default, S: Simd<T>>(
        &self,
        s: S,
        x: &[T],
        range: Range<usize>,
    ) -> [S::Vector; N] {
        let mut vectors = [s.zero(); N];
        if range.len() >= S::LANES {
            let x = &x[range.start..];
            assert!(x.len() >= S::LANES && x.len() - S::LANES >= self.largest);
            for (n, vector) in vectors.iter_mut().enumerate() {
                // SAFETY: the vector at the largest distance lies in x, as asserted, and so do all others.
                *vector = unsafe { s.load_at(x.as_ptr().add(self.offsets[n])) };
            }
        } else {
            for (n, vector) in vectors.iter_mut().enumerate() {
                *vector = load_partial(s, &x[self.offsets[n]..][range.clone()]);
            }
        }
        vectors
    }

    /// The elements at these distances from element `first` of x.
    ///
    /// # Panics
    /// If x is too short.
    #[inline(always)]
    pub fn get<T: Copy>(&self, x: &[T], first: usize) -> [T; N] {
        let x = &x[first..];
        assert!(x.len() > self.largest);
        let mut elements = [x[self.largest]; N];
        for (n, element) in elements.iter_mut().enumerate() {
            // SAFETY: x has the element at the largest distance, as asserted, and so all others.
            *element = unsafe { *x.get_unchecked(self.offsets[n]) };
        }
        elements
    }
}

/// Loads a vector from the beginning of x. If x is shorter than a vector, the other lanes are 0.
#[inline(always)]
pub fn load_partial<T: Copy + Default, S: Simd<T>>(s: S, x: &[T]) -> S::Vector {
    if x.len() >= S::LANES {
        return s.load(x);
    }
    let mut whole = [T::default(); MAX_LANES];
    whole[..x.len()].copy_from_slice(x);
    s.load(&whole)
}

/// Stores a vector to the beginning of x. If x is shorter than a vector, the other lanes are dropped.
#[inline(always)]
pub fn store_partial<T: Copy + Default, S: Simd<T>>(s: S, v: S::Vector, x: &mut [T]) {
    if x.len() >= S::LANES {
        return s.store(v, x);
    }
    let mut whole = [T::default(); MAX_LANES];
    s.store(v, &mut whole);
    x.copy_from_slice(&whole[..x.len()]);
}
