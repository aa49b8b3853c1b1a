//! Exercise 8, solved.

use ndarray::Array3;

/// dL/dx
pub fn gradient(x: &Array3<f64>) -> Array3<f64> {
    let mut dx = Array3::zeros(x.dim());
    for ((i, j, c), &here) in x.indexed_iter() {
        for (row, column) in [(i, j + 1), (i + 1, j)] {
            if let Some(there) = x.get((row, column, c)) {
                let difference = there - here;
                dx[[i, j, c]] -= difference;
                dx[[row, column, c]] += difference;
            }
        }
    }
    dx
}
