//! Winograd's algorithm.

use super::{Comparison, Verdict, as_position};
use impasto::gradients::operands::random;
use ndarray::Array1;

type Four = [f64; 4];

/// The three transforms: two outputs by four multiplications.
pub fn winograd(
    inputs: &dyn Fn([f64; 4]) -> Four,
    kernel: &dyn Fn([f64; 3]) -> Four,
    outputs: &dyn Fn(Four) -> [f64; 2],
) -> Verdict {
    for seed in 40..45 {
        let numbers: Array1<f64> = random(7, seed);
        let d: [f64; 4] = std::array::from_fn(|k| numbers[k]);
        let g: [f64; 3] = std::array::from_fn(|k| numbers[4 + k]);
        let (u, v) = (inputs(d), kernel(g));
        let direct = |g: [f64; 3]| [0, 1].map(|k| d[k] * g[0] + d[k + 1] * g[1] + d[k + 2] * g[2]);
        let [y0, y1] = direct(g);
        // The products m₁ … m₄ as they are written in the exercise, to say at which of the three transforms it fails.
        let found = outputs(std::array::from_fn(|k| u[k] * v[k]));
        let right_u = [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]];
        let right_v = [
            g[0],
            (g[0] + g[1] + g[2]) / 2.0,
            (g[0] - g[1] + g[2]) / 2.0,
            g[2],
        ];
        let products = |u: Four, v: Four| -> Four { std::array::from_fn(|k| u[k] * v[k]) };
        let right = products(right_u, right_v);
        let [given_u, given_v] = [products(right_u, v), products(u, right_v)];
        let differs = |found: Four| {
            let mut pairs = found.into_iter().zip(right);
            pairs.position(|(a, b)| (a - b).abs() > 1e-12)
        };
        let doubled: Four = std::array::from_fn(|k| {
            if k == 1 || k == 2 {
                2.0 * right_v[k]
            } else {
                right_v[k]
            }
        });
        let comparison = Comparison::of("y", format!("d = {d:.3?}, g = {g:.3?}")).with_axes(1);
        let reversed = direct([g[2], g[1], g[0]]);
        let comparison = comparison.suspect("the kernel is reversed", as_position(&reversed));
        let verdict = comparison.is(&as_position(&found), &as_position(&[y0, y1]));
        verdict.map_err(|wrong| {
            if (0..4).all(|k| (v[k] - doubled[k]).abs() < 1e-12) {
                format!("{wrong}: are the halves of g₀ ± g₁ + g₂ missing?")
            } else if let Some(k) = differs(given_u) {
                format!("{wrong}: the kernel's factor of m[{k}] is not that of the text above")
            } else if let Some(k) = differs(given_v) {
                format!("{wrong}: the inputs' factor of m[{k}] is not that of the text above")
            } else {
                format!("{wrong}: the products are right: which sums of them give y?")
            }
        })?;
    }
    Ok(())
}
