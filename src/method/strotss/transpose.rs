//! The transposed matrix, in memory order.

use crate::method::Scalar;
use crate::parallel::for_each;
use ndarray::ArrayView2;

/// Columns that are read together: 64 bytes of `f32`, the unit in which memory is read.
const BLOCK: usize = 16;

/// Writes Aᵀ (n×m, row by row) to `transposed`.
///
/// # Panics
/// If `a` (m×n) is not in standard layout, or the lengths differ.
pub(super) fn transpose<T: Scalar>(a: ArrayView2<T>, transposed: &mut [T]) {
    let (m, n) = a.dim();
    let a = a.to_slice().expect("it is in standard layout");
    assert_eq!(a.len(), transposed.len(), "as many elements");
    if a.is_empty() {
        return;
    }
    let blocks = transposed.chunks_mut(BLOCK * m).enumerate();
    for_each(blocks, |(block, transposed)| {
        let first = block * BLOCK;
        for (i, row) in a.chunks_exact(n).enumerate() {
            for (j, &a) in row[first..n.min(first + BLOCK)].iter().enumerate() {
                transposed[j * m + i] = a;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn rows_become_columns() {
        let a = Array2::from_shape_fn((5, 37), |(i, j)| (100 * i + j) as f32);
        let mut transposed = Array2::zeros((37, 5));
        transpose(a.view(), transposed.as_slice_mut().unwrap());
        assert_eq!(transposed, a.t());
    }
}
