//! Vectors and matrix products for each kind of CPU, and what else needs `unsafe`: it is nowhere but here.
//!
//! A [`Kernel`] is a piece of work written once, over any [`Simd`]. [`Cpu::run`] compiles it for each instruction set and
//! runs the one for this CPU. [`gemm`] holds the matrix products that nearly all of the time goes into.
#![allow(unsafe_code, reason = "each block says why it is sound")]

/// The methods of [`Simd`] that are one intrinsic each, for a type that exists only where the CPU has it.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! intrinsics {
    ($($name:ident($($arg:ident),*) = $intrinsic:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: Self::Vector),*) -> Self::Vector {
            // SAFETY: `self` exists only where the CPU has the instruction set.
            unsafe { $intrinsic }
        }
    )*};
}

mod cpu;
pub mod gemm;
mod memory;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use cpu::{Cpu, Dispatch, UnknownCpu};
pub(crate) use memory::map;
pub use memory::return_freed_memory;

/// Most lanes that a vector has.
pub const MOST_LANES: usize = 16;

/// Vectors of `T` in one instruction set. A value of a type that implements this is the proof that the CPU has it.
///
/// Sums of products are fused ([`mul_add`](Self::mul_add)) where the instruction set has it, so results differ in the last
/// bits from one instruction set to the next, and from nothing else.
///
/// # Safety
/// `load_at` and `store_at` must touch [`LANES`](Self::LANES) elements and nothing else.
pub unsafe trait Simd<T>: Copy + Send + Sync {
    /// A vector.
    type Vector: Copy;
    /// Its elements; a divisor of [`MOST_LANES`].
    const LANES: usize;
    /// Rows of a matrix product that are summed at once, two vectors each, within the registers.
    const ROWS: usize;

    /// `x` in every lane.
    fn splat(self, x: T) -> Self::Vector;
    /// The first elements of `x`, which must have a vector of them.
    #[inline(always)]
    fn load(self, x: &[T]) -> Self::Vector {
        // SAFETY: a vector of elements lies there.
        unsafe { self.load_at(x[..Self::LANES].as_ptr()) }
    }
    /// Sets the first elements of `x`, which must have a vector of them.
    #[inline(always)]
    fn store(self, v: Self::Vector, x: &mut [T]) {
        // SAFETY: a vector of elements lies there.
        unsafe { self.store_at(v, x[..Self::LANES].as_mut_ptr()) }
    }
    /// a + b
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a − b
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a · b
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// a · b + c
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// c − a · b
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// max(v, 0); a NaN stays one.
    fn relu(self, v: Self::Vector) -> Self::Vector;
    /// Which lanes are above 0: one bit each, the first lane's lowest.
    fn positive(self, v: Self::Vector) -> u16;
    /// The lanes whose bits are set, 0 in the others.
    fn keep(self, v: Self::Vector, bits: u16) -> Self::Vector;

    /// Loads from an address.
    ///
    /// # Safety
    /// A vector of elements must lie there.
    unsafe fn load_at(self, x: *const T) -> Self::Vector;
    /// Stores to an address.
    ///
    /// # Safety
    /// A vector of elements must lie there.
    unsafe fn store_at(self, v: Self::Vector, x: *mut T);
}

/// Work over vectors.
pub trait Kernel<T> {
    /// What it yields.
    type Output;
    /// Does it. Must be `#[inline(always)]`, and so must what it calls with `simd`: only then is it compiled for the
    /// instruction set.
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}

/// Asks for the memory in which element `at` of x lies, if there is one, to be brought into the cache.
#[inline(always)]
pub fn prefetch<T>(x: &[T], at: usize) {
    let address = x.as_ptr().wrapping_add(at).cast::<i8>();
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has SSE, and asking for an address, even for none of ours, neither reads it nor fails.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The first elements of x; if it has no vector of them, all that it has, and zeros.
#[inline(always)]
pub fn load_some<T: Copy + Default, S: Simd<T>>(s: S, x: &[T]) -> S::Vector {
    if x.len() >= S::LANES {
        return s.load(x);
    }
    let mut whole = [T::default(); MOST_LANES];
    whole[..x.len()].copy_from_slice(x);
    s.load(&whole)
}

/// Sets the first elements of x; if it has no vector of them, all that it has.
#[inline(always)]
pub fn store_some<T: Copy + Default, S: Simd<T>>(s: S, v: S::Vector, x: &mut [T]) {
    if x.len() >= S::LANES {
        return s.store(v, x);
    }
    let mut whole = [T::default(); MOST_LANES];
    s.store(v, &mut whole);
    x.copy_from_slice(&whole[..x.len()]);
}
