//! The cosine distance between vectors: how much their directions differ, whatever their lengths.
//!
//! > C(x, y) = 1 − x̂·ŷ,  x̂ = x/‖x‖,  ‖x‖ = √(Σ x² + ε)
//!
//! It is 0 for the same direction, 1 for orthogonal vectors, 2 for opposite ones. Activations after a ReLU have no negative
//! elements, so that it is at most 1. The ε makes the distance of a vector of zeros to any other 1, with a derivative of finite
//! size.
//!
//! With dx̂ = dL/dx̂,
//!
//! > dL/dx = ( dx̂ − (x̂·dx̂)·x̂ ) / ‖x‖
//!
//! with the same ε in ‖x‖: what of dx̂ points along x̂ has no effect.

use super::EPSILON;
use crate::method::Scalar;
use crate::method::loss::{Loan, Products};
use crate::parallel::{for_each, map};
use ndarray::{Array2, ArrayView2};

/// Vectors of length 1 (but for ε), and the lengths that they had.
pub struct Directions<'a, T: Scalar> {
    /// x̂, one in each row, n×C.
    pub unit: Loan<'a, T>,
    /// ‖x‖, n.
    pub lengths: Vec<T>,
}

impl<'a, T: Scalar> Directions<'a, T> {
    /// The directions of the vectors in the rows of `x` (n×C).
    pub fn of(x: ArrayView2<T>, products: &'a dyn Products<T>) -> Self {
        let mut unit = Loan::new(products.matrix(x.dim()), products);
        unit.assign(&x);
        let channels = unit.ncols().max(1);
        let rows = unit.as_slice_mut().expect("it is in standard layout");
        let lengths = map(rows.chunks_exact_mut(channels), |x| {
            let length = T::of((dot(x, x) + EPSILON).sqrt());
            x.iter_mut().for_each(|x| *x /= length);
            length
        });
        Self { unit, lengths }
    }

    /// dL/dx (n×C) of `dx` = dL/dx̂ (n×C), which it replaces.
    ///
    /// # Panics
    /// If the shape is another than that of x̂.
    pub fn backward(&self, mut dx: Array2<T>) -> Array2<T> {
        assert_eq!(dx.dim(), self.unit.dim(), "a gradient has the shape of x̂");
        let channels = dx.ncols().max(1);
        let unit = self.unit.as_slice().expect("it is in standard layout");
        let rows = dx.as_slice_mut().expect("in standard layout");
        let rows = (rows.chunks_exact_mut(channels))
            .zip(unit.chunks_exact(channels))
            .zip(&self.lengths);
        for_each(rows, |((dx, unit), &length)| {
            let along = T::of(dot(unit, dx));
            let pairs = dx.iter_mut().zip(unit);
            pairs.for_each(|(dx, &unit)| *dx = (*dx - along * unit) / length);
        });
        dx
    }
}

/// Sums of products that are computed side by side, so that vector instructions can.
const LANES: usize = 16;

/// a·b: in `T` within pieces of [`LANES`]² elements, and in `f64` over these.
fn dot<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    let pieces = a.chunks(LANES * LANES).zip(b.chunks(LANES * LANES));
    let of_piece = |(a, b): (&[T], &[T])| {
        let mut sums = [T::zero(); LANES];
        for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
            let products = a.iter().zip(b).map(|(&a, &b)| a * b);
            sums.iter_mut().zip(products).for_each(|(sum, p)| *sum += p);
        }
        sums.iter().map(|sum| sum.as_f64()).sum::<f64>()
    };
    pieces.map(of_piece).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::PlainProducts;
    use ndarray::array;

    #[test]
    fn directions_have_length_one_and_zero_has_none() {
        let x: Array2<f64> = array![[3.0, 4.0], [0.0, 0.0]];
        let directions = Directions::of(x.view(), &PlainProducts);
        let expected = array![[0.6, 0.8], [0.0, 0.0]];
        assert!(
            (&*directions.unit - &expected)
                .iter()
                .all(|d| d.abs() < 1e-7)
        );
        let back = directions.backward(array![[1.0, 1.0], [1.0, 1.0]]);
        assert!(back.iter().all(|d: &f64| d.is_finite()));
    }
}
