//! Adam (Kingma and Ba 2015, algorithm 1).
//!
//! With the gradient g at step t, elementwise:
//!
//! > m ← β₁ m + (1 − β₁) g  
//! > v ← β₂ v + (1 − β₂) g²  
//! > x ← x − learning rate · m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)

use super::Scalar;
use super::big_array::{BigArray, Storage, for_each_block};
use serde::{Deserialize, Serialize};

const BETA1: f64 = 0.9;

/// The usual β₂.
pub const BETA2: f64 = 0.999;

const EPSILON: f64 = 1e-8;

/// Adam with β₁ = 0.9, ε = 1e-8, and its state for one picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub struct Adam<T: Scalar> {
    learning_rate: f64,
    beta2: f64,
    /// The running mean of the gradient.
    m: BigArray<T>,
    /// The running mean of its square.
    v: BigArray<T>,
    /// The number of steps taken.
    t: i32,
}

impl<T: Scalar> Adam<T> {
    /// An optimizer for pictures like `x`, whose state is kept where `x` is. The learning rate is about the largest change of a pixel in one step, in
    /// units of 0..255. β₂ is [`BETA2`].
    pub fn new(x: &BigArray<T>, learning_rate: f64) -> Self {
        Self {
            learning_rate,
            beta2: BETA2,
            m: x.zeros_like(),
            v: x.zeros_like(),
            t: 0,
        }
    }

    /// The same with another β₂, 0 to below 1.
    pub fn with_beta2(self, beta2: f64) -> Self {
        Self { beta2, ..self }
    }

    /// The same, with another learning rate, and its running means changed by `m` and by `v`: to another size. It counts its steps on.
    pub fn map(
        self,
        learning_rate: f64,
        m: impl FnOnce(&BigArray<T>) -> BigArray<T>,
        v: impl FnOnce(&BigArray<T>) -> BigArray<T>,
    ) -> Self {
        Self {
            learning_rate,
            m: m(&self.m),
            v: v(&self.v),
            ..self
        }
    }

    /// The same, with its state in this storage.
    pub fn moved_to(self, storage: &Storage) -> Self {
        Self {
            m: self.m.moved_to(storage),
            v: self.v.moved_to(storage),
            ..self
        }
    }

    /// Whether its state is for pictures of this shape.
    pub fn fits(&self, shape: (usize, usize, usize)) -> bool {
        self.m.dim() == shape && self.v.dim() == shape
    }

    /// Takes one step: changes `x`, given the `gradient` at `x`.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn step(&mut self, x: &mut BigArray<T>, gradient: &BigArray<T>) {
        self.t = self.t.saturating_add(1);
        // ANCHOR: step
        // learning rate · m̂ / (√v̂ + ε) = rate · m / (spread · √v + ε)
        let rate = T::of(self.learning_rate / (1.0 - BETA1.powi(self.t)));
        let spread = T::of(1.0 / (1.0 - self.beta2.powi(self.t)).sqrt());
        let (beta1, beta2, epsilon) = (T::of(BETA1), T::of(self.beta2), T::of(EPSILON));
        let (rest1, rest2) = (T::of(1.0 - BETA1), T::of(1.0 - self.beta2));
        for_each_block(
            [x, &mut self.m, &mut self.v],
            [gradient],
            |[x, m, v], [g]| {
                let means = m.iter_mut().zip(v);
                for ((x, &g), (m, v)) in x.iter_mut().zip(g).zip(means) {
                    *m = beta1 * *m + rest1 * g;
                    *v = beta2 * *v + rest2 * g * g;
                    *x -= rate * *m / (v.sqrt() * spread + epsilon);
                }
            },
        );
        // ANCHOR_END: step
    }
}
