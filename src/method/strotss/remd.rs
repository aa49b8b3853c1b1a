//! The relaxed earth mover's distance (Kolkin, Salavon and Shakhnarovich 2019, section 2.2, after Kusner, Sun, Kolkin and
//! Weinberger 2015).
//!
//! The earth mover's distance is the least cost of moving the n vectors x onto the m vectors y, if each x gives 1/n and each y
//! takes 1/m. Without the second condition, each x moves to the nearest y; without the first, each y is reached from the nearest x.
//! Both costs are too low, and the greater is the better bound:
//!
//! > L = max( (1/n)·Σᵢ minⱼ Cᵢⱼ, (1/m)·Σⱼ minᵢ Cᵢⱼ )
//!
//! The derivative with respect to C is 1/n, or 1/m, at the pairs where the greater sum has its minima, and 0 elsewhere. C are
//! [cosine](super::directions) distances, so with the pairs P and s = 1/n or 1/m
//!
//! > dL/dx̂ᵢ = −s·Σ ŷⱼ over j with (i, j) in P.

use super::directions::Directions;
use crate::method::Scalar;
use crate::method::loss::{Loan, Products};
use crate::method::scalar::map_in_place;
use crate::parallel::{for_each, map};
use ndarray::{Array2, ArrayView2};

/// L and dL/dX (n×C) for the vectors in the rows of `x` (n×C) and of `y` (m×C). 0 if there are none in one of them.
///
/// # Panics
/// If the two have different numbers of columns.
pub fn value_and_gradient<T: Scalar>(
    x: ArrayView2<T>,
    y: ArrayView2<T>,
    products: &dyn Products<T>,
) -> (f64, Array2<T>) {
    let mut dx = products.zeros(x.dim());
    if x.is_empty() || y.is_empty() {
        return (0.0, dx);
    }
    let (x, y) = (Directions::of(x, products), Directions::of(y, products));
    let costs = products.product(x.unit.view(), y.unit.t());
    let mut costs = Loan::new(costs, products);
    map_in_place(&mut costs, |cosine| T::one() - cosine);
    let pairs = Pairs::cheapest(&costs);
    let share = T::of(pairs.share);
    let channels = dx.ncols();
    let rows = dx
        .as_slice_mut()
        .expect("a new matrix is in standard layout");
    let rows = rows.chunks_exact_mut(channels).zip(&pairs.of_row);
    for_each(rows, |(dx, partners)| {
        for &j in partners {
            let pairs = dx.iter_mut().zip(y.unit.row(j));
            pairs.for_each(|(dx, &y)| *dx -= share * y);
        }
    });
    (pairs.value, x.backward(dx))
}

/// Which vectors are moved onto which, and what that costs.
pub(super) struct Pairs {
    /// L
    pub value: f64,
    /// For each i, the j that it is paired with.
    pub of_row: Vec<Vec<usize>>,
    /// The part of the mass that each pair moves, s: dL/dCᵢⱼ.
    pub share: f64,
}

impl Pairs {
    /// The pairs of the greater of the two sums, for costs C (n×m, neither 0).
    pub fn cheapest<T: Scalar>(costs: &Array2<T>) -> Self {
        let (n, m) = costs.dim();
        let elements = costs.as_slice().expect("costs are in standard layout");
        let in_rows: Vec<(T, usize)> = map(elements.chunks_exact(m), smallest);
        let in_columns = smallest_in_columns(elements, m);
        let mean = |found: &[(T, usize)]| {
            found.iter().map(|(cost, _)| cost.as_f64()).sum::<f64>() / found.len() as f64
        };
        let (by_rows, by_columns) = (mean(&in_rows), mean(&in_columns));
        if by_rows >= by_columns {
            return Self {
                value: by_rows,
                of_row: in_rows.into_iter().map(|(_, j)| vec![j]).collect(),
                share: 1.0 / n as f64,
            };
        }
        let mut of_row = vec![Vec::new(); n];
        for (j, (_, i)) in in_columns.into_iter().enumerate() {
            of_row[i].push(j);
        }
        Self {
            value: by_columns,
            of_row,
            share: 1.0 / m as f64,
        }
    }
}

/// The smallest of a row, and where it is: the first of equal ones.
fn smallest<T: Scalar>(row: &[T]) -> (T, usize) {
    let mut found = (row[0], 0);
    for (j, &cost) in row.iter().enumerate() {
        if cost < found.0 {
            found = (cost, j);
        }
    }
    found
}

/// The smallest of each of `m` columns, and the row it is in: the first of equal ones.
fn smallest_in_columns<T: Scalar>(costs: &[T], m: usize) -> Vec<(T, usize)> {
    let mut found: Vec<(T, usize)> = costs[..m].iter().map(|&cost| (cost, 0)).collect();
    for (i, row) in costs.chunks_exact(m).enumerate().skip(1) {
        for (found, &cost) in found.iter_mut().zip(row) {
            if cost < found.0 {
                *found = (cost, i);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_greater_sum_decides() {
        // Rows: 1 and 2; columns: 1, 2 and 6.
        let pairs = Pairs::cheapest(&array![[1.0, 3.0, 6.0], [4.0, 2.0, 7.0]]);
        assert_eq!(pairs.value, 3.0);
        assert_eq!(pairs.of_row, [vec![0, 2], vec![1]]);
        assert_eq!(pairs.share, 1.0 / 3.0);
        // Rows: 1 and 4; the only column: 1.
        let pairs = Pairs::cheapest(&array![[1.0], [4.0]]);
        assert_eq!(pairs.value, 2.5);
        assert_eq!(pairs.of_row, [vec![0], vec![0]]);
    }
}
