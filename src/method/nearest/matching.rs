//! The search for nearest neighbors by centered cosine distance.
//!
//! For each row a of a matrix A, the row b of B with the smallest
//!
//! > d(a, b) = 1 − (a − ā)·(b − b̄) / (‖a − ā‖·‖b − b̄‖)
//!
//! where ā and b̄ are the means of all rows of A and of B. Activations are never negative, so that all of them lie in a narrow cone;
//! less their mean, their directions differ.
//!
//! ‖a − ā‖ does not change which b is nearest, and is left out. All similarities at once would be a matrix as large as the number of
//! pairs: it is computed block by block, and only the best of each row is kept. Of equally near rows the first is chosen. A row whose
//! centered vector is 0 has the similarity 0 to all.

use super::cosine;
use crate::method::{Products, Scalar};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use rayon::prelude::*;

/// Rows of A in a block.
const A_ROWS: usize = 2048;

/// Rows of B in a block.
const B_ROWS: usize = 512;

/// Rows that one parallel task sums for a mean.
const MEAN_ROWS: usize = 256;

/// For each row of `a` (n×C) the number of the nearest row in `b`: several matrices with C columns, whose rows are counted through. If
/// `b` has no rows, all are 0.
///
/// # Panics
/// If the matrices have different numbers of columns, or are not in standard layout.
pub fn nearest<T: Scalar>(
    a: ArrayView2<T>,
    b: &[ArrayView2<T>],
    products: &dyn Products<T>,
) -> Vec<usize> {
    let (mean_a, mean_b) = (mean(&[a]), mean(b));
    let mut found = Vec::with_capacity(a.nrows());
    for a in blocks(a, A_ROWS) {
        let mut a = a.to_owned();
        center(a.view_mut(), &mean_a);
        let mut best = Best::new(a.nrows());
        let mut first = 0;
        for b in b.iter().flat_map(|b| blocks(*b, B_ROWS)) {
            let mut b = b.to_owned();
            center(b.view_mut(), &mean_b);
            normalize(&mut b);
            best.compare(a.view(), b.view(), first, products);
            first += b.nrows();
        }
        found.extend(best.rows);
    }
    found
}

/// For each row of `a`, the row of `b` with the largest a·b; rows of b should be [normalized](normalize).
pub(super) fn most_similar<T: Scalar>(
    a: ArrayView2<T>,
    b: ArrayView2<T>,
    products: &dyn Products<T>,
) -> Vec<usize> {
    let mut best = Best::new(a.nrows());
    for (number, b) in blocks(b, B_ROWS).enumerate() {
        best.compare(a, b, number * B_ROWS, products);
    }
    best.rows
}

/// The best of what was compared so far.
struct Best<T> {
    similarities: Vec<T>,
    rows: Vec<usize>,
}

impl<T: Scalar> Best<T> {
    fn new(rows: usize) -> Self {
        Self {
            similarities: vec![T::neg_infinity(); rows],
            rows: vec![0; rows],
        }
    }

    /// Compares all rows of `a` with those of `b`, of which the first has the number `first`.
    fn compare(
        &mut self,
        a: ArrayView2<T>,
        b: ArrayView2<T>,
        first: usize,
        products: &dyn Products<T>,
    ) {
        let similarities = products.product(a, b.t());
        let rows = (similarities.as_slice()).expect("products are in standard layout");
        (rows.par_chunks(b.nrows().max(1)))
            .zip(&mut self.similarities)
            .zip(&mut self.rows)
            .with_min_len(64)
            .for_each(|((row, best), best_row)| {
                let largest = largest(row);
                if largest > *best {
                    let at = row.iter().position(|&similarity| similarity == largest);
                    (*best, *best_row) = (largest, first + at.expect("it is one of them"));
                }
            });
        products.recycle_matrix(similarities);
    }
}

/// The largest of these numbers.
fn largest<T: Scalar>(numbers: &[T]) -> T {
    let larger = |a: T, b: T| if b > a { b } else { a };
    // Side by side, so that they fill a vector of the CPU.
    let mut lanes = [T::neg_infinity(); 16];
    let (whole, rest) = numbers.as_chunks::<16>();
    for numbers in whole {
        for (largest, &number) in lanes.iter_mut().zip(numbers) {
            *largest = larger(*largest, number);
        }
    }
    (lanes.iter().chain(rest).copied()).fold(T::neg_infinity(), larger)
}

/// The rows of a matrix in blocks of at most this many.
fn blocks<T>(m: ArrayView2<T>, rows: usize) -> impl Iterator<Item = ArrayView2<T>> {
    let starts = (0..m.nrows()).step_by(rows);
    starts.map(move |start| m.slice_move(s![start..m.nrows().min(start + rows), ..]))
}

/// The mean of all rows of these matrices. Without rows it is 0.
pub(super) fn mean<T: Scalar>(matrices: &[ArrayView2<T>]) -> Vec<f64> {
    let columns = matrices.first().map_or(0, ArrayView2::ncols);
    let mut mean = vec![0.0; columns];
    let mut count = 0;
    for matrix in matrices {
        assert_eq!(matrix.ncols(), columns, "all vectors have one length");
        count += matrix.nrows();
        let elements = matrix.to_slice().expect("vectors are in standard layout");
        let sums: Vec<Vec<f64>> = (elements.par_chunks(MEAN_ROWS * columns.max(1)))
            .map(|rows| {
                let mut sums = vec![0.0; columns];
                for row in rows.chunks_exact(columns) {
                    let pairs = sums.iter_mut().zip(row);
                    pairs.for_each(|(sum, x)| *sum += x.as_f64());
                }
                sums
            })
            .collect();
        // Added in the order of the rows, whichever thread computed them.
        for sums in sums {
            mean.iter_mut()
                .zip(sums)
                .for_each(|(mean, sum)| *mean += sum);
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= count.max(1) as f64);
    mean
}

/// Subtracts `mean` from each row.
pub(super) fn center<T: Scalar>(mut m: ArrayViewMut2<T>, mean: &[f64]) {
    let mean: Vec<T> = mean.iter().map(|&mean| T::of(mean)).collect();
    let elements = m.as_slice_mut().expect("vectors are in standard layout");
    (elements.par_chunks_mut(mean.len().max(1)))
        .with_min_len(64)
        .for_each(|row| row.iter_mut().zip(&mean).for_each(|(x, &mean)| *x -= mean));
}

/// Divides each row by its length, which is a little more than that of the vector (see `cosine`).
pub(super) fn normalize<T: Scalar>(m: &mut Array2<T>) {
    let columns = m.ncols().max(1);
    let elements = m.as_slice_mut().expect("vectors are in standard layout");
    (elements.par_chunks_mut(columns))
        .with_min_len(64)
        .for_each(cosine::normalize);
}

/// The rows with these numbers, one after the other. `elements` has rows of this many `columns`.
pub(super) fn gather<T: Scalar>(elements: &[T], columns: usize, rows: &[usize]) -> Array2<T> {
    let mut gathered = Array2::zeros((rows.len(), columns));
    let to = gathered.as_slice_mut().expect("it is in standard layout");
    (to.par_chunks_mut(columns.max(1)))
        .zip(rows)
        .with_min_len(64)
        .for_each(|(to, &row)| to.copy_from_slice(&elements[row * columns..][..columns]));
    gathered
}
