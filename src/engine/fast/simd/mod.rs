//! Vectors and matrix products for each kind of CPU. All `unsafe` code of the crate is in this folder.
//!
//! A [`SimdTask`] is a computation that is written once, over any [`Simd`]. [`Cpu::run`] compiles it for each instruction set and
//! runs the version for this CPU. [`gemm`] has the matrix products, which take nearly all of the time.
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
mod peak;
mod portable;
mod slices;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use cpu::{CPU_VARIABLE, Cpu, Dispatch, UnknownCpu};
pub use memory::return_freed_memory;
pub(crate) use memory::{LARGE_PAGE, map_file, use_large_pages};
pub use peak::peak_rate;
pub use slices::{Offsets, load_partial, load_strided, store_partial, store_strided};

/// The most lanes that a vector of any instruction set has.
pub const MAX_LANES: usize = 16;

/// Bytes of a cache line.
pub const LINE: usize = 64;

/// Vectors of `T` in one instruction set. A value of a type that implements this proves that the CPU has the instruction set.
///
/// Products and sums are fused ([`mul_add`](Self::mul_add)) where the instruction set can. Results of two instruction sets
/// therefore differ in their last bits.
///
/// # Safety
/// `load_at` and `store_at` must touch [`LANES`](Self::LANES) elements and nothing else.
pub unsafe trait Simd<T>: Copy + Send + Sync {
    /// A vector.
    type Vector: Copy;
    /// The number of elements of a vector; a divisor of [`MAX_LANES`].
    const LANES: usize;
    /// Rows of a register tile of a matrix product, at most 14: this many rows of two vectors fit into the registers.
    const ROWS: usize;
    /// Steps of the depth that the loop of a matrix product takes at once. It moves its pointers and counts once for all of them, so that more
    /// of the instructions that the CPU can begin in a cycle are multiplications. That matters where a step has few.
    const STEPS_AT_ONCE: usize = 1;

    /// 0 in every lane.
    fn zero(self) -> Self::Vector;
    /// `x` in every lane.
    fn splat(self, x: T) -> Self::Vector;
    /// Loads the first elements of `x`, which must have at least [`LANES`](Self::LANES).
    #[inline(always)]
    fn load(self, x: &[T]) -> Self::Vector {
        // SAFETY: a vector of elements lies there.
        unsafe { self.load_at(x[..Self::LANES].as_ptr()) }
    }
    /// Stores to the first elements of `x`, which must have at least [`LANES`](Self::LANES).
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
    /// The lanes of a and b in turns, a₀ b₀ a₁ b₁ …: those of their first halves, and those of their second halves.
    fn interleave(self, a: Self::Vector, b: Self::Vector) -> (Self::Vector, Self::Vector);
    /// The lanes whose bits are set, and 0 in the others.
    fn select(self, v: Self::Vector, bits: u16) -> Self::Vector;

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

/// A computation over vectors.
pub trait SimdTask<T> {
    /// Its result.
    type Output;
    /// Computes. This must be `#[inline(always)]`, and so must every function that it passes `simd` to: only then are they
    /// compiled for the instruction set. Inner loops go by index, or over one slice, not by `zip`, `map` or an array's `into_iter`: there is no
    /// link-time optimization, and without it the compiler may leave calls to those.
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}

/// Asks the CPU to load what is at this address, if there is anything, into its L1 cache.
#[inline(always)]
pub fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    prefetch_with_hint::<{ core::arch::x86_64::_MM_HINT_T0 }, T>(address);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// The same, into the L2 cache.
#[inline(always)]
pub fn prefetch_to_l2<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    prefetch_with_hint::<{ core::arch::x86_64::_MM_HINT_T1 }, T>(address);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// As [`prefetch`], for a cache line that will be written: other cores give up their copies of it now, and the store need not wait for that.
#[inline(always)]
pub fn prefetch_to_write<T>(address: *const T) {
    // In assembly, since the compiler makes a prefetch for reading of the intrinsic, unless the target has the feature `prfchw`.
    #[cfg(target_arch = "x86_64")]
    // SAFETY: asking for an address, even for none of ours, neither reads nor writes it, nor fails. A CPU without the instruction does nothing.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) address.addr(), options(nostack, nomem, preserves_flags));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch_with_hint<const HINT: i32, T>(address: *const T) {
    // SAFETY: every x86-64 has SSE, and asking for an address, even for none of ours, neither reads it nor fails.
    unsafe { core::arch::x86_64::_mm_prefetch::<HINT>(address.cast()) };
}

/// Transposes a square of as many rows as vectors have lanes; other rows are not used.
///
/// Each step interleaves row r with row r + LANES/2, for each r below LANES/2, into the rows 2r and 2r + 1. After log₂ LANES steps rows and
/// columns have changed places.
#[inline(always)]
pub fn transpose<T: Copy, S: Simd<T>>(s: S, rows: &mut [S::Vector; MAX_LANES]) {
    for _ in 0..S::LANES.ilog2() {
        let from = *rows;
        for r in 0..S::LANES / 2 {
            let (first, second) = s.interleave(from[r], from[r + S::LANES / 2]);
            (rows[2 * r], rows[2 * r + 1]) = (first, second);
        }
    }
}
