//! What a CPU can do at most: the roof that matrix products are measured against.

use super::{Cpu, Simd, SimdTask};
use std::hint::black_box;
use std::time::Instant;

/// Sums that are computed side by side. A multiply-add takes about four cycles and two begin in each, so that eight suffice; and
/// twelve fit into the registers of every instruction set.
const SUMS: usize = 12;
/// Multiply-adds of each sum between two looks at the clock.
const STEPS: usize = 20_000;
/// The best of so many measurements counts.
const MEASUREMENTS: usize = 200;

/// Multiplications and additions of `f32` a second that all threads of this pool reach together when they only multiply and add, in
/// their registers.
pub fn peak_rate(cpu: Cpu) -> f64 {
    let of_threads = rayon::broadcast(|_| {
        let rate = |_| {
            let begin = Instant::now();
            let lanes = cpu.run::<f32, _>(MultiplyAdd);
            (2 * SUMS * STEPS * lanes) as f64 / begin.elapsed().as_secs_f64()
        };
        (0..MEASUREMENTS).map(rate).fold(0.0, f64::max)
    });
    of_threads.into_iter().sum()
}

struct MultiplyAdd;

impl SimdTask<f32> for MultiplyAdd {
    /// Lanes.
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd<f32>>(self, s: S) -> usize {
        // Sums of x ← x/2 + 1 stay between 0 and 2.
        let (half, one) = (s.splat(black_box(0.5)), s.splat(black_box(1.0)));
        let mut sums = [one; SUMS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, half, one);
            }
        }
        let all = sums.into_iter().fold(one, |all, sum| s.add(all, sum));
        black_box(s.positive(all));
        S::LANES
    }
}
