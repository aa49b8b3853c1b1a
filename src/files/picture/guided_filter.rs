//! The guided filter: smooths an array, but not across the edges of another, the guide.
//!
//! In each square window the output is to be a linear function α·I + β of the guide I, as near as possible to the input p:
//!
//! > α = cov(I, p) / (var(I) + ε),  β = mean(p) − α·mean(I),  output = mean(α)·I + mean(β)
//!
//! where the last two means are over all windows that a pixel is in. Where the guide varies by less than √ε, α is near 0 and the output is
//! the mean of the input; an edge of the guide stays. All means are box sums, whose cost does not depend on the size of the window.
//! Source: He, Sun and Tang 2010, Guided Image Filtering, equations 5, 6 and 8.

use crate::parallel::for_each;
use ndarray::{Array2, Zip};

/// The output for the `input` (H×W), with windows of 2·`radius` + 1 pixels a side. At a border only the part of a window inside counts.
///
/// # Panics
/// If the sizes differ.
pub fn guided_filter(
    guide: &Array2<f64>,
    input: &Array2<f64>,
    radius: usize,
    epsilon: f64,
) -> Array2<f64> {
    let mean = |array: &Array2<f64>| box_mean(array, radius);
    let (mean_guide, mean_input) = (mean(guide), mean(input));
    let square = mean(&(guide * guide));
    let product = mean(&(guide * input));
    let mut alpha = product - &mean_guide * &mean_input;
    (Zip::from(&mut alpha).and(&square).and(&mean_guide)).for_each(|alpha, square, mean| {
        *alpha /= (square - mean * mean).max(0.0) + epsilon;
    });
    let beta = mean_input - &alpha * &mean_guide;
    mean(&alpha) * guide + mean(&beta)
}

/// The mean of each pixel's window.
fn box_mean(array: &Array2<f64>, radius: usize) -> Array2<f64> {
    let across = mean_of_rows(array, radius);
    mean_of_rows(&across.t().as_standard_layout().to_owned(), radius).reversed_axes()
}

/// The mean of the neighbors of each element in its row.
fn mean_of_rows(array: &Array2<f64>, radius: usize) -> Array2<f64> {
    let mut means = Array2::zeros(array.dim());
    let width = array.ncols();
    let rows = means.outer_iter_mut().zip(array.outer_iter());
    for_each(rows, |(mut means, row)| {
        // sums[j] is the sum of all elements before j.
        let mut sums = Vec::with_capacity(width + 1);
        sums.push(0.0);
        for value in row {
            sums.push(sums[sums.len() - 1] + value);
        }
        for (j, mean) in means.iter_mut().enumerate() {
            let (from, to) = (j.saturating_sub(radius), (j + radius + 1).min(width));
            *mean = (sums[to] - sums[from]) / (to - from) as f64;
        }
    });
    means
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    #[test]
    fn an_edge_of_the_guide_stays_and_noise_is_flattened() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let edge = Array2::from_shape_fn((40, 60), |(_, j)| if j < 30 { 0.2 } else { 0.8 });
        let noisy = edge.mapv(|v| v + rng.random_range(-0.1..0.1));
        let smooth = guided_filter(&edge, &noisy, 4, 1e-3);
        for ((i, j), &value) in smooth.indexed_iter() {
            assert!((value - edge[(i, j)]).abs() < 0.06, "{i} {j}: {value}");
        }
        let error = |array: &Array2<f64>| (array - &edge).mapv(|e| e * e).sum();
        assert!(error(&smooth) < 0.05 * error(&noisy));
        // Without the edge in the guide it is the mean of means.
        let blurred = guided_filter(&Array2::zeros((40, 60)), &edge, 4, 1e-3);
        assert!((blurred[(20, 29)] - 0.2).abs() > 0.2);
    }

    #[test]
    fn a_window_at_the_border_is_the_part_inside() {
        let array = Array2::from_shape_fn((3, 4), |(i, j)| (10 * i + j) as f64);
        let means = box_mean(&array, 1);
        assert_eq!(means[(0, 0)], (0.0 + 1.0 + 10.0 + 11.0) / 4.0);
        assert_eq!(means[(1, 3)], (2.0 + 3.0 + 12.0 + 13.0 + 22.0 + 23.0) / 6.0);
        assert_eq!(box_mean(&array, 100)[(2, 2)], array.mean().unwrap());
    }

    #[test]
    fn a_single_pixel_stays() {
        let one = Array2::from_elem((1, 1), 0.3);
        assert!((guided_filter(&one, &one, 5, 1e-3)[(0, 0)] - 0.3).abs() < 1e-15);
    }
}
