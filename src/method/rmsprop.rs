//! RMSprop (Tieleman and Hinton 2012, lecture 6.5), with the constants and the place of ε that PyTorch has.
//!
//! With the gradient g, elementwise, and v = 0 at first:
//!
//! > v ← α v + (1 − α) g²  
//! > x ← x − learning rate · g / (√v + ε)
//!
//! It is Adam without momentum and without the corrections of the first steps: there, v is small, so that the first step changes
//! each element by 1/√(1 − α) = 10 times the learning rate.
//!
//! Steps hardly depend on the gradient's scale unless it is near ε. A gradient by pixels in units of 0..255 is 255 times smaller
//! than one by pixels in units of 0..1: multiply the loss by 255 to take the same steps as a program that has the latter.

use super::Scalar;
use super::big_array::{BigArray, Storage, for_each_block};
use serde::{Deserialize, Serialize};

const ALPHA: f64 = 0.99;
const EPSILON: f64 = 1e-8;

/// RMSprop with α = 0.99, ε = 1e-8, without momentum and not centered, and its state for one picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub struct Rmsprop<T: Scalar> {
    learning_rate: f64,
    /// The running mean of the gradient's square.
    v: BigArray<T>,
}

impl<T: Scalar> Rmsprop<T> {
    /// An optimizer for pictures, or any parameters, like `x`, whose state is kept where `x` is. The learning rate is about the size of a step after the
    /// first hundred, in units of the parameters.
    pub fn new(x: &BigArray<T>, learning_rate: f64) -> Self {
        Self {
            learning_rate,
            v: x.zeros_like(),
        }
    }

    /// The same, with its state in this storage.
    pub fn moved_to(self, storage: &Storage) -> Self {
        Self {
            v: self.v.moved_to(storage),
            ..self
        }
    }

    /// Whether its state is for pictures of this shape.
    pub fn fits(&self, shape: (usize, usize, usize)) -> bool {
        self.v.dim() == shape
    }

    /// Takes one step: changes `x`, given the `gradient` at `x`.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn step(&mut self, x: &mut BigArray<T>, gradient: &BigArray<T>) {
        let (rate, epsilon) = (T::of(self.learning_rate), T::of(EPSILON));
        let (alpha, rest) = (T::of(ALPHA), T::of(1.0 - ALPHA));
        for_each_block([x, &mut self.v], [gradient], |[x, v], [g]| {
            for ((x, v), &g) in x.iter_mut().zip(v).zip(g) {
                *v = alpha * *v + rest * g * g;
                *x -= rate * g / (v.sqrt() + epsilon);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn two_steps_are_those_computed_by_hand() {
        let mut x = BigArray::from(array![[[1.0, 1.0, 1.0]]]);
        let mut rmsprop = Rmsprop::new(&x, 0.1);
        rmsprop.step(&mut x, &array![[[2.0, -3.0, 0.0]]].into());
        let at = |x: &BigArray<f64>, c: usize| x.to_array()[[0, 0, c]];
        // v = 0.01·g², so that the step is 0.1·g/(0.1·|g|) = ±1.
        let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(near(at(&x, 0), 0.0) && near(at(&x, 1), 2.0));
        rmsprop.step(&mut x, &array![[[1.0, 4.0, 0.0]]].into());
        // v = 0.99·0.04 + 0.01·1 = 0.0496, and 0.99·0.09 + 0.01·16 = 0.2491.
        assert!(near(at(&x, 0), -0.1 / 0.0496_f64.sqrt()));
        assert!(near(at(&x, 1), 2.0 - 0.4 / 0.2491_f64.sqrt()));
        assert_eq!(at(&x, 2), 1.0);
        assert!(rmsprop.fits((1, 1, 3)) && !rmsprop.fits((1, 3, 1)));
    }
}
