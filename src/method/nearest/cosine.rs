//! The cosine of the angle between a vector and a fixed vector of length 1.
//!
//! > c = (t·x) / s,  s = √(‖x‖² + ε)
//!
//! and its derivative is dc/dx = t/s − c·x/s². With the small number ε both exist where x is 0: there c is 0.

use crate::method::Scalar;

/// ε. It is far below the squares of activations, and far above their rounding errors.
const EPSILON: f64 = 1e-8;

/// Numbers that are multiplied and added side by side, so that they fill a vector of the CPU.
const LANES: usize = 16;

/// Elements whose products are summed in `T`, before the sums are added up in `f64`.
const RUN: usize = 32 * LANES;

/// s of ‖x‖².
pub fn norm(square: f64) -> f64 {
    (square + EPSILON).sqrt()
}

/// a·b
pub fn dot<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in a.chunks(RUN).zip(b.chunks(RUN)) {
        let mut lanes = [T::zero(); LANES];
        let (a, a_rest) = a.as_chunks::<LANES>();
        let (b, b_rest) = b.as_chunks::<LANES>();
        for (a, b) in a.iter().zip(b) {
            for ((sum, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        }
        for ((sum, &a), &b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
            *sum += a * b;
        }
        sum += lanes.iter().map(|sum| sum.as_f64()).sum::<f64>();
    }
    sum
}

/// Divides `x` by its s.
pub fn normalize<T: Scalar>(x: &mut [T]) {
    let scale = T::of(1.0 / norm(dot(x, x)));
    x.iter_mut().for_each(|x| *x *= scale);
}

/// The two factors of dc/dx = `along`·t − `back`·x, times `scale`.
pub struct Derivative<T> {
    /// 1/s
    pub along: T,
    /// c/s²
    pub back: T,
}

impl<T: Scalar> Derivative<T> {
    /// The derivative where the cosine is `cosine` and s is `norm`, times `scale`.
    pub fn new(cosine: f64, norm: f64, scale: f64) -> Self {
        Self {
            along: T::of(scale / norm),
            back: T::of(scale * cosine / (norm * norm)),
        }
    }

    /// The derivative for one element of t and of x.
    pub fn of(&self, t: T, x: T) -> T {
        self.along * t - self.back * x
    }
}
