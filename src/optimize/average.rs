//! The running mean of the pictures of a run: what is left when the steps' own noise is averaged out.
//!
//! > a ← β a + (1 − β) x,  the mean is a / (1 − βᵗ) after t pictures.
//!
//! Polyak and Juditsky 1992 average all iterates; here older ones count less, with the correction of Kingma and Ba 2015.

use crate::ops::Scalar;
use ndarray::{Array3, Zip};

/// The running mean of pictures of one shape.
pub struct Average<T> {
    decay: f64,
    sum: Array3<T>,
    /// 1 − βᵗ: the weight of all that `sum` has.
    weight: f64,
}

impl<T: Scalar> Average<T> {
    /// A mean in which each picture counts `decay` (β) times as much as the next.
    pub fn new(shape: (usize, usize, usize), decay: f64) -> Self {
        Self {
            decay,
            sum: Array3::zeros(shape),
            weight: 0.0,
        }
    }

    /// Takes the next picture in.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn add(&mut self, x: &Array3<T>) {
        let (old, new) = (T::of(self.decay), T::of(1.0 - self.decay));
        Zip::from(&mut self.sum)
            .and(x)
            .par_for_each(|a, &x| *a = old * *a + new * x);
        self.weight = self.decay * self.weight + (1.0 - self.decay);
    }

    /// The mean of the pictures so far; of none, black.
    pub fn mean(&self) -> Array3<T> {
        let scale = T::of(1.0 / self.weight.max(f64::MIN_POSITIVE));
        self.sum.mapv(|a| scale * a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_picture_is_its_own_mean_and_later_ones_count_more() {
        let picture = |value: f64| Array3::from_elem((1, 2, 3), value);
        let mut average = Average::new((1, 2, 3), 0.9);
        average.add(&picture(5.0));
        assert!((average.mean()[[0, 0, 0]] - 5.0).abs() < 1e-12);
        average.add(&picture(7.0));
        // (0.9·0.1·5 + 0.1·7) / (1 − 0.81)
        let expected = (0.09 * 5.0 + 0.1 * 7.0) / 0.19;
        assert!((average.mean()[[0, 1, 2]] - expected).abs() < 1e-12);
    }
}
