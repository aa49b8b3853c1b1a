//! The running mean of the pictures of a run. It averages out the noise of the optimizer's steps.
//!
//! > m ← m + (1 − β) / (1 − βᵗ) · (x − m) for picture number t
//!
//! Polyak and Juditsky 1992 average all iterates equally. Here older ones count less, with the bias correction of Kingma and Ba
//! 2015.

use super::Scalar;
use super::big_array::{BigArray, Storage, for_each_block};
use serde::{Deserialize, Serialize};

/// The running mean of pictures of one shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub struct Average<T: Scalar> {
    decay: f64,
    mean: BigArray<T>,
    /// 1 − βᵗ
    weight: f64,
}

impl<T: Scalar> Average<T> {
    /// A mean of pictures like `x`, kept where `x` is, in which each picture counts `decay` (β) times as much as the next.
    pub fn new(x: &BigArray<T>, decay: f64) -> Self {
        Self {
            decay,
            mean: x.zeros_like(),
            weight: 0.0,
        }
    }

    /// The same, kept in this storage.
    pub fn moved_to(self, storage: &Storage) -> Self {
        Self {
            mean: self.mean.moved_to(storage),
            ..self
        }
    }

    /// Adds the next picture.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn add(&mut self, x: &BigArray<T>) {
        self.weight = self.decay * self.weight + (1.0 - self.decay);
        let share = T::of((1.0 - self.decay) / self.weight);
        for_each_block([&mut self.mean], [x], |[m], [x]| {
            m.iter_mut()
                .zip(x)
                .for_each(|(m, &x)| *m += share * (x - *m));
        });
    }

    /// The mean of the pictures so far; zeros if there are none.
    pub fn mean(&self) -> &BigArray<T> {
        &self.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    #[test]
    fn the_first_picture_is_its_own_mean_and_later_ones_count_more() {
        let picture = |value: f64| BigArray::from(Array3::from_elem((1, 2, 3), value));
        let mut average = Average::new(&picture(0.0), 0.9);
        average.add(&picture(5.0));
        assert!((average.mean().to_array()[[0, 0, 0]] - 5.0).abs() < 1e-12);
        average.add(&picture(7.0));
        // (0.9·0.1·5 + 0.1·7) / (1 − 0.81)
        let expected = (0.09 * 5.0 + 0.1 * 7.0) / 0.19;
        assert!((average.mean().to_array()[[0, 1, 2]] - expected).abs() < 1e-12);
    }
}
