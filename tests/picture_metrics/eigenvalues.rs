//! The eigenvalues of matrices of which they are known.

use crate::metrics::eigenvalues::*;
use ndarray::Array2;

/// The matrix of second differences has the eigenvalues 2 - 2 cos(kπ/(n + 1)). A rotation of all vectors hides its form.
#[test]
fn the_eigenvalues_of_a_rotated_matrix_are_found() {
    let n = 40;
    let differences = Array2::from_shape_fn((n, n), |(i, j): (usize, usize)| {
        [2.0, -1.0].get(i.abs_diff(j)).copied().unwrap_or(0.0)
    });
    let v = ndarray::Array1::from_shape_fn(n, |i| ((i * i) as f64).sin());
    let v = v.clone().insert_axis(ndarray::Axis(1)) / v.dot(&v).sqrt();
    let reflection = Array2::eye(n) - 2.0 * v.dot(&v.t());
    let found = eigenvalues(reflection.dot(&differences).dot(&reflection));
    for (k, found) in (1..).zip(found) {
        let angle = f64::from(k) * std::f64::consts::PI / (n as f64 + 1.0);
        assert!((found - (2.0 - 2.0 * angle.cos())).abs() < 1e-12);
    }
}

#[test]
fn diagonal_and_zero_matrices_have_their_diagonals_as_eigenvalues() {
    let diagonal = Array2::from_diag(&ndarray::array![3.0, -1.0, 2.0]);
    for (found, expected) in eigenvalues(diagonal).into_iter().zip([-1.0, 2.0, 3.0]) {
        assert!((found - expected).abs() < 1e-12);
    }
    assert_eq!(eigenvalues(Array2::zeros((2, 2))), [0.0, 0.0]);
}
