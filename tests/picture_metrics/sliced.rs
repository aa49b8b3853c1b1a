//! The sliced distance of shifted and of equal sets.

use crate::metrics::sliced::*;
use ndarray::Array2;

#[test]
fn the_distance_of_a_shifted_set_is_the_root_mean_square_of_the_shifts_projections() {
    let x = Array2::from_shape_fn((500, 3), |(i, c)| ((i * (c + 2)) as f32).sin());
    let shifted = &x + &ndarray::array![3.0, 0.0, 4.0];
    let distance = Quantiles::of(&x).distance(&Quantiles::of(&shifted));
    // The shift has length 5; a projection on a random direction has the mean square 25 / 3.
    assert!((distance - (25f64 / 3.0).sqrt()).abs() < 0.4, "{distance}");
    assert_eq!(Quantiles::of(&x).distance(&Quantiles::of(&x)), 0.0);
}

#[test]
fn a_set_need_not_have_as_many_vectors_as_the_other() {
    let few = Array2::from_elem((1, 2), 1f32);
    let many = Array2::from_elem((1000, 2), 1f32);
    assert!(Quantiles::of(&few).distance(&Quantiles::of(&many)) < 1e-6);
}
