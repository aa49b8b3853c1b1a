//! Exercise 3, solved.

use ndarray::Array3;

/// How many pixels the cell with this row and column has.
fn count(cell: (usize, usize), size: (usize, usize)) -> f64 {
    let along = |cell: usize, length: usize| (length - 2 * cell).min(2);
    (along(cell.0, size.0) * along(cell.1, size.1)) as f64
}

/// The means.
pub fn forward(x: &Array3<f64>) -> Array3<f64> {
    let (height, width, channels) = x.dim();
    let mut y = Array3::zeros((height.div_ceil(2), width.div_ceil(2), channels));
    for ((i, j, c), x) in x.indexed_iter() {
        y[[i / 2, j / 2, c]] += x / count((i / 2, j / 2), (height, width));
    }
    y
}

/// dL/dx
pub fn backward(dy: &Array3<f64>, size: (usize, usize)) -> Array3<f64> {
    Array3::from_shape_fn((size.0, size.1, dy.dim().2), |(i, j, c)| {
        dy[[i / 2, j / 2, c]] / count((i / 2, j / 2), size)
    })
}
