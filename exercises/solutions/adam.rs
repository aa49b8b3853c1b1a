//! Exercise 9, solved.

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// A step.
pub fn step(x: &mut [f64], gradient: &[f64], m: &mut [f64], v: &mut [f64], t: i32, rate: f64) {
    for (k, g) in gradient.iter().enumerate() {
        m[k] = BETA1 * m[k] + (1.0 - BETA1) * g;
        v[k] = BETA2 * v[k] + (1.0 - BETA2) * g * g;
        let m = m[k] / (1.0 - BETA1.powi(t));
        let v = v[k] / (1.0 - BETA2.powi(t));
        x[k] -= rate * m / (v.sqrt() + EPSILON);
    }
}
