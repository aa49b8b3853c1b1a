//! Exercise 9: a step of Adam (chapter 7).

/// β₁
pub const BETA1: f64 = 0.9;
/// β₂
pub const BETA2: f64 = 0.999;
/// ε
pub const EPSILON: f64 = 1e-8;

/// Changes `x` by the step number `t`, which counts from 1, given the `gradient` at `x`. `m` and `v` are the running means of all steps
/// before, 0 at first; the step changes them. All have the same length.
///
/// > m ← β₁ m + (1 − β₁) g  
/// > v ← β₂ v + (1 − β₂) g²  
/// > x ← x − rate · m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
///
/// Hint: the hats correct that m and v begin at 0; m and v themselves stay without. `BETA1.powi(t)` is β₁ᵗ.
pub fn step(x: &mut [f64], gradient: &[f64], m: &mut [f64], v: &mut [f64], t: i32, rate: f64) {
    todo!("three lines for each element")
}
