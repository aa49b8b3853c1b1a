//! NEON, which every 64-bit Arm has.

use super::Simd;
use core::arch::aarch64::*;

/// NEON. Made only where the CPU has it.
#[derive(Clone, Copy)]
pub struct Neon(());

impl Neon {
    /// # Safety
    /// The CPU must have NEON.
    pub unsafe fn new() -> Self {
        Self(())
    }
}

// SAFETY: a vector of 4 is loaded and stored.
unsafe impl Simd<f32> for Neon {
    type Vector = float32x4_t;
    const LANES: usize = 4;
    const ROWS: usize = 12;

    intrinsics! {
        zero() = vdupq_n_f32(0.0);
        add(a, b) = vaddq_f32(a, b);
        sub(a, b) = vsubq_f32(a, b);
        mul(a, b) = vmulq_f32(a, b);
        mul_add(a, b, c) = vfmaq_f32(c, a, b);
        neg_mul_add(a, b, c) = vfmsq_f32(c, a, b);
        // A NaN goes through.
        relu(v) = vmaxq_f32(vdupq_n_f32(0.0), v);
    }
    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe { vdupq_n_f32(x) }
    }
    #[inline(always)]
    fn positive(self, v: float32x4_t) -> u16 {
        // SAFETY: `self` exists only where the CPU has the instruction set; an array of four is a vector.
        unsafe {
            let lanes = vld1q_u32([1, 2, 4, 8].as_ptr());
            vaddvq_u32(vandq_u32(vcgtzq_f32(v), lanes)) as u16
        }
    }
    #[inline(always)]
    fn interleave(self, a: float32x4_t, b: float32x4_t) -> (float32x4_t, float32x4_t) {
        // SAFETY: `self` exists only where the CPU has the instruction set.
        unsafe { (vzip1q_f32(a, b), vzip2q_f32(a, b)) }
    }
    #[inline(always)]
    fn select(self, v: float32x4_t, bits: u16) -> float32x4_t {
        // SAFETY: `self` exists only where the CPU has the instruction set; an array of four is a vector.
        unsafe {
            let lanes = vld1q_u32([1, 2, 4, 8].as_ptr());
            let set = vtstq_u32(vdupq_n_u32(bits.into()), lanes);
            vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(v), set))
        }
    }
    #[inline(always)]
    unsafe fn load_at(self, x: *const f32) -> float32x4_t {
        // SAFETY: the CPU has the instruction set, and the caller says that 4 elements lie there.
        unsafe { vld1q_f32(x) }
    }
    #[inline(always)]
    unsafe fn store_at(self, v: float32x4_t, x: *mut f32) {
        // SAFETY: the CPU has the instruction set, and the caller says that 4 elements lie there.
        unsafe { vst1q_f32(x, v) }
    }
}
