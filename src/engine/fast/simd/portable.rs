//! Vectors for any CPU: plain arrays, which the compiler may or may not vectorize.

use super::Simd;
use ndarray::NdFloat;

/// Arrays of four.
#[derive(Clone, Copy)]
pub struct Portable;

/// The vector of what `f` returns for each of the four places.
///
/// Not `std::array::from_fn`: the compiler leaves its calls in place where it sees the crate in parts, and is then seven times as slow.
#[inline(always)]
fn lanes<T>(f: impl Fn(usize) -> T) -> [T; 4] {
    [f(0), f(1), f(2), f(3)]
}

// SAFETY: an array of 4 is loaded and stored.
unsafe impl<T: NdFloat> Simd<T> for Portable {
    type Vector = [T; 4];
    const LANES: usize = 4;
    const ROWS: usize = 4;

    #[inline(always)]
    fn zero(self) -> [T; 4] {
        [T::zero(); 4]
    }
    #[inline(always)]
    fn splat(self, x: T) -> [T; 4] {
        [x; 4]
    }
    #[inline(always)]
    fn add(self, a: [T; 4], b: [T; 4]) -> [T; 4] {
        lanes(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: [T; 4], b: [T; 4]) -> [T; 4] {
        lanes(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: [T; 4], b: [T; 4]) -> [T; 4] {
        lanes(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn mul_add(self, a: [T; 4], b: [T; 4], c: [T; 4]) -> [T; 4] {
        // Not fused: `T::mul_add` is slow on a CPU that has no such instruction.
        lanes(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn neg_mul_add(self, a: [T; 4], b: [T; 4], c: [T; 4]) -> [T; 4] {
        lanes(|i| c[i] - a[i] * b[i])
    }
    #[inline(always)]
    fn relu(self, v: [T; 4]) -> [T; 4] {
        lanes(|i| if v[i] < T::zero() { T::zero() } else { v[i] })
    }
    #[inline(always)]
    fn positive(self, v: [T; 4]) -> u16 {
        (0..4).map(|i| u16::from(v[i] > T::zero()) << i).sum()
    }
    #[inline(always)]
    fn interleave(self, a: [T; 4], b: [T; 4]) -> ([T; 4], [T; 4]) {
        ([a[0], b[0], a[1], b[1]], [a[2], b[2], a[3], b[3]])
    }
    #[inline(always)]
    fn select(self, v: [T; 4], bits: u16) -> [T; 4] {
        lanes(|i| if bits >> i & 1 == 1 { v[i] } else { T::zero() })
    }
    #[inline(always)]
    unsafe fn load_at(self, x: *const T) -> [T; 4] {
        // SAFETY: the caller says that four elements lie there.
        unsafe { x.cast::<[T; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn store_at(self, v: [T; 4], x: *mut T) {
        // SAFETY: the caller says that four elements lie there.
        unsafe { x.cast::<[T; 4]>().write(v) }
    }
}
