//! The numbers that everything here computes with, and sums over arrays of them.

use crate::parallel::{for_each, map};
use half::bf16;
use ndarray::{Array, Array3, Dimension, NdFloat};

/// `f32`, in which pictures are painted, or `f64`, in which gradients are checked.
pub trait Scalar: NdFloat + Default + radsort::Key + bytemuck::Pod {
    /// The value of this type nearest to `x`.
    fn of(x: f64) -> Self;
    /// The value as `f64`.
    fn as_f64(self) -> f64;

    /// A shorter format for targets that are as large as activations: bfloat16 for `f32`. `f64` stays as it is, so that checks of
    /// gradients are exact.
    type Short: Copy + Default + Send + Sync + 'static;
    /// The nearest short value.
    fn to_short(self) -> Self::Short;
    /// The value of a short one.
    fn from_short(short: Self::Short) -> Self;
}

impl Scalar for f32 {
    type Short = bf16;
    #[inline]
    fn to_short(self) -> bf16 {
        bf16::from_f32(self)
    }
    #[inline]
    fn from_short(short: bf16) -> Self {
        short.to_f32()
    }
    #[inline]
    fn of(x: f64) -> Self {
        x as f32
    }
    #[inline]
    fn as_f64(self) -> f64 {
        self.into()
    }
}

impl Scalar for f64 {
    type Short = f64;
    #[inline]
    fn to_short(self) -> f64 {
        self
    }
    #[inline]
    fn from_short(short: f64) -> Self {
        short
    }
    #[inline]
    fn of(x: f64) -> Self {
        x
    }
    #[inline]
    fn as_f64(self) -> f64 {
        self
    }
}

// ANCHOR: chunks
/// Elements that one parallel task sums: 64 KiB of `f32`, which stay in the cache.
///
/// Work is always divided by constants like this one and never by the number of threads. The order of every sum, and so
/// every bit of the result, is then the same on any number of threads.
pub(crate) const SUM_CHUNK: usize = 16 * 1024;
// ANCHOR_END: chunks

/// Σ `f(aᵢ, bᵢ)` over two arrays of one shape. It is computed in parallel and summed in `f64`: within chunks of a fixed
/// size, then over the chunks in their order.
///
/// # Panics
/// If the shapes differ, or one of them is not in standard layout.
pub(crate) fn sum_pairs<T: Scalar, D: Dimension>(
    a: &Array<T, D>,
    b: &Array<T, D>,
    f: impl Fn(f64, f64) -> f64 + Sync,
) -> f64 {
    assert_eq!(a.shape(), b.shape(), "the two arrays must have one shape");
    let [a, b] = [a, b].map(|array| array.as_slice().expect("it is in standard layout"));
    let chunks = a.chunks(SUM_CHUNK).zip(b.chunks(SUM_CHUNK));
    let sums = map(chunks, |(a, b)| sum_slices(a, b, &f));
    sums.iter().sum()
}

/// Elements that one parallel task replaces.
const MAP_CHUNK: usize = 32 * 1024;

/// Sums that are computed side by side, so that no addition waits for the one before.
const SUM_LANES: usize = 16;

// ANCHOR: lanes
/// Σ `f(aᵢ, bᵢ)` over two slices of one length: the sum of every 16th, for each of the first 16, and then of these.
pub(crate) fn sum_slices<T: Scalar>(a: &[T], b: &[T], f: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; SUM_LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<SUM_LANES>(), b.as_chunks::<SUM_LANES>());
    for chunk in 0..a.len() {
        for lane in 0..SUM_LANES {
            sums[lane] += f(a[chunk][lane].as_f64(), b[chunk][lane].as_f64());
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += f(a.as_f64(), b.as_f64());
    }
    sums.iter().sum()
}
// ANCHOR_END: lanes

/// Replaces each element of an array by `f` of it. The compiler vectorizes a loop over a slice, but not one over ndarray's iterators.
///
/// # Panics
/// If `a` is not in standard layout.
pub(crate) fn map_in_place<T: Scalar, D: Dimension>(
    a: &mut Array<T, D>,
    f: impl Fn(T) -> T + Sync,
) {
    let elements = a.as_slice_mut().expect("it is in standard layout");
    for_each(elements.chunks_mut(MAP_CHUNK), |elements| {
        for a in elements {
            *a = f(*a);
        }
    });
}

/// Replaces each element aᵢ of `a` by `f(aᵢ, bᵢ)`.
///
/// # Panics
/// If the shapes differ, or one of them is not in standard layout.
pub(crate) fn zip_in_place<T: Scalar, D: Dimension>(
    a: &mut Array<T, D>,
    b: &Array<T, D>,
    f: impl Fn(T, T) -> T + Sync,
) {
    assert_eq!(a.shape(), b.shape(), "the two arrays must have one shape");
    let a = a.as_slice_mut().expect("it is in standard layout");
    let b = b.as_slice().expect("it is in standard layout");
    let chunks = a.chunks_mut(MAP_CHUNK).zip(b.chunks(MAP_CHUNK));
    for_each(chunks, |(a, b)| {
        for k in 0..a.len() {
            a[k] = f(a[k], b[k]);
        }
    });
}

/// The elements of `a` in memory order.
///
/// # Panics
/// If `a` is not in standard layout. Every activation that this crate makes is.
pub(crate) fn elements<T>(a: &Array3<T>) -> &[T] {
    a.as_slice().expect("activations are in standard layout")
}

/// The elements of `a` in memory order, to be changed. Panics as [`elements`] does.
pub(crate) fn elements_mut<T>(a: &mut Array3<T>) -> &mut [T] {
    a.as_slice_mut()
        .expect("activations are in standard layout")
}
