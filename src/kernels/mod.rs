//! The one place with `unsafe`: code compiled for instruction sets that not every CPU has, chosen at run time.
#![allow(unsafe_code, reason = "each block says why it is sound")]

/// Runs `f` compiled for the widest vectors that this CPU has.
///
/// `f` and what it calls must be inlined for this to have an effect. No instruction set changes a result: Rust neither
/// reorders sums nor contracts a product and a sum into one rounding.
pub fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f")]
        fn avx512<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        #[target_feature(enable = "avx2")]
        fn avx2<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the CPU has AVX-512F, as just detected.
            return unsafe { avx512(f) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the CPU has AVX2, as just detected.
            return unsafe { avx2(f) };
        }
    }
    f()
}
