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
//! pairs: it is computed block by block, and only the best of each row is kept, so that the rows of B may come one part after the other.
//! Of equally near rows the first is chosen. A row whose
//! centered vector is 0 has the similarity 0 to all.

use super::cosine;
use crate::method::loss::Loan;
use crate::method::{Products, Scalar};
use crate::parallel::{for_each, map};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};
use std::ops::Range;

/// Rows of A in a block.
const A_ROWS: usize = 2048;

/// Rows of B in a block.
const B_ROWS: usize = 512;

/// Rows that one parallel task sums for a mean. Blocks hold a multiple of it.
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
    let b: Vec<_> = b.iter().map(Rows::all).collect();
    let mut mean = Mean::default();
    b.iter().for_each(|b| mean.add(b, products));
    let mut search = Search::new(Rows::all(&a), mean, products);
    b.iter().for_each(|b| search.compare(b, products));
    search.found()
}

/// Columns of a matrix, which may be computed when they are asked for.
pub(super) trait Columns<T>: Sync {
    /// How many there are.
    fn columns(&self) -> usize;

    /// Writes their elements in the row with this number.
    fn write(&self, number: usize, to: &mut [T]);
}

impl<T: Scalar> Columns<T> for ArrayView2<'_, T> {
    fn columns(&self) -> usize {
        self.ncols()
    }

    fn write(&self, number: usize, to: &mut [T]) {
        let row = self.row(number);
        to.copy_from_slice(row.to_slice().expect("vectors are in standard layout"));
    }
}

/// Rows of a matrix, by their numbers. Its columns are in parts, side by side, as those of hypercolumns are.
#[derive(Clone)]
pub(super) struct Rows<'a, T> {
    pub parts: Vec<&'a dyn Columns<T>>,
    pub numbers: Vec<usize>,
}

impl<'a, T: Scalar> Rows<'a, T> {
    /// All rows of one matrix.
    fn all(m: &'a ArrayView2<'a, T>) -> Self {
        Self {
            numbers: (0..m.nrows()).collect(),
            parts: vec![m],
        }
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.parts.iter().map(|part| part.columns()).sum()
    }

    /// Writes the row with this number in the matrix.
    pub fn write(&self, number: usize, mut row: &mut [T]) {
        for part in &self.parts {
            let to;
            (to, row) = row.split_at_mut(part.columns());
            part.write(number, to);
        }
    }

    /// Some of the rows.
    fn block<'b>(&self, range: Range<usize>, products: &'b dyn Products<T>) -> Loan<'b, T> {
        let columns = self.columns();
        let mut block = Loan::new(products.matrix((range.len(), columns)), products);
        let rows = block.as_slice_mut().expect("it is in standard layout");
        let rows = rows.chunks_mut(columns.max(1)).zip(&self.numbers[range]);
        for_each(rows, |(row, &number)| self.write(number, row));
        block
    }
}

/// The best of what each row of A was compared with so far.
pub(super) struct Search<'a, T> {
    a: Rows<'a, T>,
    mean_a: Vec<f64>,
    mean_b: Vec<f64>,
    /// Of each row of A.
    best: Vec<Best<T>>,
    /// How many rows of B it was.
    compared: usize,
}

/// A similarity, and the number of the row of B.
type Best<T> = (T, usize);

impl<'a, T: Scalar> Search<'a, T> {
    /// Before it was compared with anything. `mean_b` is the mean of all rows that it will be compared with.
    pub fn new(a: Rows<'a, T>, mean_b: Mean, products: &dyn Products<T>) -> Self {
        let mut mean_a = Mean::default();
        mean_a.add(&a, products);
        Self {
            mean_a: mean_a.finish(),
            mean_b: mean_b.finish(),
            best: vec![(T::neg_infinity(), 0); a.numbers.len()],
            a,
            compared: 0,
        }
    }

    /// Compares with the next rows of B.
    pub fn compare(&mut self, b: &Rows<T>, products: &dyn Products<T>) {
        assert_eq!(self.a.columns(), b.columns(), "all vectors have one length");
        for range_a in blocks(self.a.numbers.len(), A_ROWS) {
            let mut a = self.a.block(range_a.clone(), products);
            center(a.view_mut(), &self.mean_a);
            for range_b in blocks(b.numbers.len(), B_ROWS) {
                let first = self.compared + range_b.start;
                let mut b = b.block(range_b, products);
                center(b.view_mut(), &self.mean_b);
                normalize(&mut b);
                let best = &mut self.best[range_a.clone()];
                compare(best, a.view(), b.view(), first, products);
            }
        }
        self.compared += b.numbers.len();
    }

    /// The number of the nearest row for each row of A: the rows of B are counted through.
    pub fn found(self) -> Vec<usize> {
        self.best.into_iter().map(|(_, row)| row).collect()
    }
}

/// For each row of `a`, the row of `b` with the largest a·b; rows of b should be [normalized](normalize).
pub(super) fn most_similar<T: Scalar>(
    a: ArrayView2<T>,
    b: ArrayView2<T>,
    products: &dyn Products<T>,
) -> Vec<usize> {
    let mut best = vec![(T::neg_infinity(), 0); a.nrows()];
    for range in blocks(b.nrows(), B_ROWS) {
        let first = range.start;
        compare(&mut best, a, b.slice(s![range, ..]), first, products);
    }
    best.into_iter().map(|(_, row)| row).collect()
}

/// Compares all rows of `a` with those of `b`, of which the first has the number `first`.
fn compare<T: Scalar>(
    best: &mut [Best<T>],
    a: ArrayView2<T>,
    b: ArrayView2<T>,
    first: usize,
    products: &dyn Products<T>,
) {
    let similarities = Loan::new(products.product(a, b.t()), products);
    let rows = (similarities.as_slice()).expect("products are in standard layout");
    for_each(rows.chunks(b.nrows().max(1)).zip(best), |(row, best)| {
        let largest = largest(row);
        if largest > best.0 {
            let at = row.iter().position(|&similarity| similarity == largest);
            *best = (largest, first + at.expect("it is one of them"));
        }
    });
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

/// The numbers below `length` in blocks of at most this many.
fn blocks(length: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..length).step_by(size);
    starts.map(move |start| start..length.min(start + size))
}

/// The mean of rows that come one matrix after the other. Without rows it is 0.
#[derive(Clone, Default)]
pub(super) struct Mean {
    sums: Vec<f64>,
    count: usize,
}

impl Mean {
    /// Adds these rows.
    pub fn add<T: Scalar>(&mut self, rows: &Rows<T>, products: &dyn Products<T>) {
        self.sums.resize(rows.columns(), 0.0);
        for range in blocks(rows.numbers.len(), A_ROWS) {
            self.add_matrix(rows.block(range, products).view());
        }
    }

    /// Adds all rows of a matrix.
    fn add_matrix<T: Scalar>(&mut self, matrix: ArrayView2<T>) {
        let columns = matrix.ncols();
        self.sums.resize(columns, 0.0);
        self.count += matrix.nrows();
        let elements = matrix.to_slice().expect("vectors are in standard layout");
        let sums = map(elements.chunks(MEAN_ROWS * columns.max(1)), |rows| {
            let mut sums = vec![0.0; columns];
            for row in rows.chunks_exact(columns) {
                let pairs = sums.iter_mut().zip(row);
                pairs.for_each(|(sum, x)| *sum += x.as_f64());
            }
            sums
        });
        // Added in the order of the rows, whichever thread computed them.
        for sums in sums {
            let pairs = self.sums.iter_mut().zip(sums);
            pairs.for_each(|(mean, sum)| *mean += sum);
        }
    }

    fn finish(self) -> Vec<f64> {
        let count = self.count.max(1) as f64;
        self.sums.into_iter().map(|sum| sum / count).collect()
    }
}

/// The mean of all rows of a matrix. Without rows it is 0.
pub(super) fn mean<T: Scalar>(matrix: ArrayView2<T>) -> Vec<f64> {
    let mut mean = Mean::default();
    mean.add_matrix(matrix);
    mean.finish()
}

/// Subtracts `mean` from each row.
pub(super) fn center<T: Scalar>(mut m: ArrayViewMut2<T>, mean: &[f64]) {
    let mean: Vec<T> = mean.iter().map(|&mean| T::of(mean)).collect();
    let elements = m.as_slice_mut().expect("vectors are in standard layout");
    for_each(elements.chunks_mut(mean.len().max(1)), |row| {
        row.iter_mut().zip(&mean).for_each(|(x, &mean)| *x -= mean);
    });
}

/// Divides each row by its length, which is a little more than that of the vector (see `cosine`).
pub(super) fn normalize<T: Scalar>(m: &mut Array2<T>) {
    let columns = m.ncols().max(1);
    let elements = m.as_slice_mut().expect("vectors are in standard layout");
    for_each(elements.chunks_mut(columns), cosine::normalize);
}
