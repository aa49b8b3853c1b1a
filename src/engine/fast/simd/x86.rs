//! AVX-512 and AVX2 with FMA.

use super::Simd;
use core::arch::x86_64::*;

/// AVX-512F, and AVX2 and FMA, which come with it. Made only where the CPU has them.
#[derive(Clone, Copy)]
pub struct Avx512(());

/// AVX2 and FMA. Made only where the CPU has them.
#[derive(Clone, Copy)]
pub struct Avx2(());

impl Avx512 {
    /// # Safety
    /// The CPU must have AVX-512F.
    pub unsafe fn new() -> Self {
        Self(())
    }
}

impl Avx2 {
    /// # Safety
    /// The CPU must have AVX2 and FMA.
    pub unsafe fn new() -> Self {
        Self(())
    }
}

// SAFETY: a vector of 16 is loaded and stored.
unsafe impl Simd<f32> for Avx512 {
    type Vector = __m512;
    const LANES: usize = 16;
    const ROWS: usize = 14;

    intrinsics! {
        zero() = _mm512_setzero_ps();
        add(a, b) = _mm512_add_ps(a, b);
        sub(a, b) = _mm512_sub_ps(a, b);
        mul(a, b) = _mm512_mul_ps(a, b);
        mul_add(a, b, c) = _mm512_fmadd_ps(a, b, c);
        neg_mul_add(a, b, c) = _mm512_fnmadd_ps(a, b, c);
        // Of a NaN and a number it takes the second.
        relu(v) = _mm512_max_ps(_mm512_setzero_ps(), v);
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn positive(self, v: __m512) -> u16 {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(v, _mm512_setzero_ps()) }
    }
    #[inline(always)]
    fn interleave(self, a: __m512, b: __m512) -> (__m512, __m512) {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe {
            // Lane l of b has number 16 + l.
            let first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
            let lower = _mm512_permutex2var_ps(a, first, b);
            (lower, _mm512_permutex2var_ps(a, second, b))
        }
    }
    #[inline(always)]
    fn select(self, v: __m512, bits: u16) -> __m512 {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe { _mm512_maskz_mov_ps(bits, v) }
    }
    #[inline(always)]
    unsafe fn load_at(self, x: *const f32) -> __m512 {
        // SAFETY: the CPU has the instruction set, and the caller says that 16 elements lie there.
        unsafe { _mm512_loadu_ps(x) }
    }
    #[inline(always)]
    unsafe fn store_at(self, v: __m512, x: *mut f32) {
        // SAFETY: the CPU has the instruction set, and the caller says that 16 elements lie there.
        unsafe { _mm512_storeu_ps(x, v) }
    }
}

// SAFETY: a vector of 8 is loaded and stored.
unsafe impl Simd<f32> for Avx2 {
    type Vector = __m256;
    const LANES: usize = 8;
    const ROWS: usize = 6;
    const STEPS_AT_ONCE: usize = 4;

    intrinsics! {
        zero() = _mm256_setzero_ps();
        add(a, b) = _mm256_add_ps(a, b);
        sub(a, b) = _mm256_sub_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
        neg_mul_add(a, b, c) = _mm256_fnmadd_ps(a, b, c);
        // Of a NaN and a number it takes the second.
        relu(v) = _mm256_max_ps(_mm256_setzero_ps(), v);
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    fn positive(self, v: __m256) -> u16 {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(v, _mm256_setzero_ps())) as u16 }
    }
    #[inline(always)]
    fn interleave(self, a: __m256, b: __m256) -> (__m256, __m256) {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe {
            // Within each half of a vector, and then the halves put in order.
            let (even, odd) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let first = _mm256_permute2f128_ps::<0x20>(even, odd);
            (first, _mm256_permute2f128_ps::<0x31>(even, odd))
        }
    }
    #[inline(always)]
    fn select(self, v: __m256, bits: u16) -> __m256 {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe {
            let lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let set = _mm256_and_si256(_mm256_set1_epi32(bits.into()), lane);
            _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lane)))
        }
    }
    #[inline(always)]
    unsafe fn load_at(self, x: *const f32) -> __m256 {
        // SAFETY: the CPU has the instruction set, and the caller says that 8 elements lie there.
        unsafe { _mm256_loadu_ps(x) }
    }
    #[inline(always)]
    unsafe fn store_at(self, v: __m256, x: *mut f32) {
        // SAFETY: the CPU has the instruction set, and the caller says that 8 elements lie there.
        unsafe { _mm256_storeu_ps(x, v) }
    }
}
