//! What a CPU can do at most: the roof that matrix products are measured against.

use super::{Cpu, Simd, SimdTask};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Multiply-adds of each sum in a round: about ten milliseconds.
const STEPS: usize = 2_000_000;
/// The best of so many rounds counts.
const ROUNDS: usize = 8;

/// Multiplications and additions of `f32` a second that all threads of this pool reach together when they only multiply and add, in
/// their registers.
pub fn peak_rate(cpu: Cpu) -> f64 {
    let round = |_| {
        let of_threads = rayon::broadcast(|_| {
            let begin = Instant::now();
            let numbers = cpu.run::<f32, _>(MultiplyAdd);
            ((2 * STEPS * numbers) as f64, begin.elapsed())
        });
        let work: f64 = of_threads.iter().map(|(work, _)| work).sum();
        let slowest = of_threads.iter().map(|(_, time)| *time).max();
        work / slowest.unwrap_or(Duration::MAX).as_secs_f64()
    };
    (0..ROUNDS).map(round).fold(0.0, f64::max)
}

struct MultiplyAdd;

impl SimdTask<f32> for MultiplyAdd {
    /// How many numbers are summed side by side.
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd<f32>>(self, s: S) -> usize {
        // As many as the matrix products have: more than the CPU needs to begin multiply-adds in every cycle, though each takes
        // several.
        if S::ROWS >= 12 {
            multiply_add::<S, 24>(s)
        } else {
            multiply_add::<S, 12>(s)
        }
    }
}

#[inline(always)]
fn multiply_add<S: Simd<f32>, const SUMS: usize>(s: S) -> usize {
    // x ← x/2 + 1 stays between 1 and 2.
    let (half, one) = (s.splat(black_box(0.5)), s.splat(black_box(1.0)));
    let mut sums = [one; SUMS];
    for sum in &mut sums {
        *sum = s.splat(black_box(1.5));
    }
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = s.mul_add(*sum, half, one);
        }
    }
    let all = sums.into_iter().fold(one, |all, sum| s.add(all, sum));
    black_box(s.positive(all));
    SUMS * S::LANES
}
