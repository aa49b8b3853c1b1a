//! The style losses' values against plain computations.

use super::{activations, close, loss, masked_loss, whole};
use crate::common::random;
use impasto::method::matrix_root::root;
use impasto::method::style::projection::{self, Directions};
use impasto::method::style::transport::{Masses, quantiles, transport};
use impasto::method::style::{MomentsLoss, SlicedLoss, WassersteinLoss};
use impasto::method::{GramLoss, PlainProducts, StyleLoss, StyleLossKind, gram};
use ndarray::{Array2, Array3, Axis, s};

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The cost W² of moving `values` to `target`, and its gradient divided by 2.
fn transported(values: &[f64], weights: Option<&[f64]>, target: &[f64]) -> (f64, Vec<f64>) {
    let total = weights.map_or(values.len() as f64, |w| w.iter().sum());
    let mut pulls = values.to_vec();
    let masses = Masses { weights, total };
    let cost = transport(&mut pulls, masses, target, &mut Vec::new());
    (cost, pulls)
}

#[test]
fn transport_pairs_equally_many_numbers_in_order() {
    for count in [1, 2, 7, 100] {
        let [a, b] = [1, 2].map(|seed| random::<f64, _, _>(count, seed).to_vec());
        let unweighted = Masses {
            weights: None,
            total: count as f64,
        };
        let steps = quantiles(&b, unweighted, count);
        assert_eq!(steps, sorted(&b));
        let pairs = sorted(&a).into_iter().zip(&steps);
        let expected = pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>() / count as f64;
        let (cost, pulls) = transported(&a, None, &steps);
        assert!(close(cost, expected), "{cost} and not {expected}");
        // Each number is pulled to its partner, the step of the same rank.
        for (at, pull) in pulls.iter().enumerate() {
            let rank = a.iter().filter(|&&other| other < a[at]).count();
            assert!((pull - (a[at] - steps[rank]) / count as f64).abs() < 1e-14);
        }
    }
}

#[test]
fn transport_compares_the_quantile_functions_of_different_counts() {
    let (a, b) = ([0.5, -1.0, 2.0], [0.0, 1.0]);
    // The thirds −1, 0.5, 2 against the halves 0, 1. The border between the halves divides the middle third.
    let expected = (1.0 + (0.25 + 0.25) / 2.0 + 1.0) / 3.0;
    assert!(close(transported(&a, None, &b).0, expected));
    // A number with weight 2 counts like two numbers. A number with weight 0 does not count.
    let (cost, pulls) = transported(&[3.0, -1.0, 9.0], Some(&[2.0, 1.0, 0.0]), &b);
    let (twice, each) = transported(&[3.0, -1.0, 3.0], None, &b);
    assert!(close(cost, twice));
    assert!(close(pulls[0], each[0] + each[2]) && close(pulls[1], each[1]));
    assert_eq!(pulls[2], 0.0);
    // With fewer steps than numbers, each step is a mean.
    let masses = Masses {
        weights: Some(&[1.0, 1.0, 2.0][..]),
        total: 4.0,
    };
    assert_eq!(quantiles(&[4.0, 2.0, 7.0], masses, 2), [3.0, 7.0]);
}

#[test]
fn the_random_directions_are_an_orthonormal_basis() {
    for channels in [1, 3, 64, 200] {
        let Directions::Given(d) = Directions::<f64>::random_basis(channels) else {
            panic!("the random basis is given by its directions");
        };
        let rest = d.dot(&d.t()) - Array2::<f64>::eye(channels);
        assert!(rest.iter().all(|rest| rest.abs() < 1e-13));
    }
}

/// (s/K) Σ W², computed by sorting lists of equal length.
fn sliced_by_hand(f: &Array3<f64>, style: &Array3<f64>, directions: &Directions<f64>) -> f64 {
    let (positions, channels) = (f.dim().0 * f.dim().1, f.dim().2);
    let [p, q] = [f, style].map(|f| {
        let mut p = Array2::zeros((channels, positions));
        projection::forward(f, directions, p.view_mut());
        p
    });
    let cost = |k: usize| {
        let [p, q] = [&p, &q].map(|p| sorted(p.row(k).as_slice().unwrap()));
        p.iter().zip(&q).map(|(p, q)| (p - q).powi(2)).sum::<f64>() / positions as f64
    };
    let costs: f64 = (0..channels).map(cost).sum();
    let mean = gram::matrix(style).mean_axis(Axis(0)).unwrap();
    mean.dot(&mean) / 2.0 / (channels * channels) as f64 * costs
}

#[test]
fn the_sliced_and_the_histogram_loss_are_sums_over_sorted_lists() {
    let (f, style) = (activations((5, 4, 6), 1), activations((2, 10, 6), 2));
    let samples = [whole(&style)];
    let sliced = loss(StyleLossKind::Sliced, &samples, &f);
    assert!(close(
        sliced,
        sliced_by_hand(&f, &style, &Directions::random_basis(6))
    ));
    let histogram = loss(StyleLossKind::Histogram, &samples, &f);
    let gram = loss(StyleLossKind::Gram, &samples, &f);
    let axes = sliced_by_hand(&f, &style, &Directions::Axes);
    assert!(close(histogram, gram + axes) && gram > 0.0 && axes > 0.0);
}

#[test]
fn a_loss_type_computes_the_same_as_its_kind() {
    let (f, style) = (activations((5, 4, 6), 11), activations((2, 7, 6), 12));
    let basis = Directions::random_basis(6);
    for (kind, (value, gradient)) in [
        (
            StyleLossKind::Gram,
            GramLoss::new(&style).value_and_gradient(&f),
        ),
        (
            StyleLossKind::Moments,
            MomentsLoss::new(&style).value_and_gradient(&f),
        ),
        (
            StyleLossKind::Sliced,
            SlicedLoss::new(&style, basis).value_and_gradient(&f),
        ),
    ] {
        let (expected, expected_gradient) = masked_loss(kind, &[whole(&style)], None, &f);
        assert_eq!((value, gradient), (expected, expected_gradient), "{kind}");
        assert!(value > 0.0);
    }
}

#[test]
fn the_moments_loss_compares_mean_and_covariance() {
    let (f, style) = (activations((5, 4, 3), 3), activations((3, 3, 3), 4));
    let moments = |f: &Array3<f64>| {
        let f = gram::matrix(f).to_owned();
        let mean = f.mean_axis(Axis(0)).unwrap();
        let centred = &f - &mean;
        (mean, centred.t().dot(&centred) / f.nrows() as f64)
    };
    let ((mean, covariance), (wanted, wanted_covariance)) = (moments(&f), moments(&style));
    let means = (&mean - &wanted).mapv(|d| d * d).sum() * wanted.dot(&wanted) / 18.0;
    let covariances = (covariance - wanted_covariance).mapv(|d| d * d).sum() / 36.0;
    let ours = loss(StyleLossKind::Moments, &[whole(&style)], &f);
    assert!(close(ours, means + covariances));
}

/// The roots of these matrices are checked by themselves.
#[test]
fn the_wasserstein_loss_of_few_positions_is_that_of_their_covariance() {
    let channels = 12;
    let mean_and_covariance = |f: &Array3<f64>, mask: Option<&Array2<f64>>| {
        let (h, w, n) = f.dim();
        let rows = f.to_shape((h * w, n)).unwrap().to_owned();
        let weights = mask.map_or_else(|| Array2::ones((h, w)), Array2::clone);
        let weights = weights.to_shape((h * w, 1)).unwrap().to_owned();
        let total = weights.sum();
        let mean = (&rows * &weights).sum_axis(Axis(0)) / total;
        let rows = rows - &mean;
        (mean, (&rows * &weights).t().dot(&rows) / total)
    };
    let mask = random::<f64, _, _>((3, 2), 6).mapv(f64::abs);
    // Of a painting with few positions, and of one with many.
    let [few, many] =
        [((2, 4), 1), ((5, 4), 2)].map(|((h, w), seed)| activations((h, w, channels), seed));
    let f = activations((3, 2, channels), 3);
    for style in [&few, &many] {
        for mask in [None, Some(&mask)] {
            let (mean, covariance) = mean_and_covariance(&f, mask);
            let (target_mean, target) = mean_and_covariance(style, None);
            let a = root(&target, &PlainProducts).clone();
            let middle = root(&a.dot(&covariance).dot(&a), &PlainProducts).clone();
            let means = (&mean - &target_mean).mapv(|d| d * d).sum();
            let traces = covariance.diag().sum() + target.diag().sum() - 2.0 * middle.diag().sum();
            let expected = (means + traces) / channels as f64;
            let (ours, _) = masked_loss(StyleLossKind::Wasserstein, &[whole(style)], mask, &f);
            // The roots of what should be 0 are as large as those of rounding errors.
            assert!(
                (ours / expected - 1.0).abs() < 1e-6,
                "{ours} for {expected}"
            );
        }
    }
    // It is 0 at its target, and at a mixture of two halves of it.
    let halves =
        [few.slice(s![..1, .., ..]), few.slice(s![1.., .., ..])].map(|half| half.to_owned());
    for samples in [&[whole(&few)][..], &halves.each_ref().map(whole)] {
        let (ours, gradient) = masked_loss(StyleLossKind::Wasserstein, samples, None, &few);
        assert!(ours.abs() < 1e-14, "{ours:e}");
        assert!(gradient.iter().all(|g| g.abs() < 1e-8));
    }
}

/// The roots of both covariances have the same rounding errors there.
#[test]
fn in_single_precision_the_wasserstein_loss_is_zero_at_its_target() {
    for shape in [(9, 8, 30), (61, 83, 40)] {
        let painting = activations(shape, 4).mapv(|f| f as f32);
        let (value, _) = WassersteinLoss::new(&painting).value_and_gradient(&painting);
        assert_eq!(value, 0.0, "{shape:?}");
    }
}
