//! The style losses' values against plain computations, what masks, mixtures and regions mean, and that nothing depends on the
//! number of threads. Their derivatives are proved in `gradients.rs`.

use crate::common::{TINY, distance, inner, random, random_weights};
use impasto::engine::{Cpu, EngineKind, SimdScalar};
use impasto::method::pool::Pooling::{self, Average, Max};
use impasto::method::style::projection::{self, Directions};
use impasto::method::style::transport::{Masses, quantiles, transport};
use impasto::method::style::{Features, MomentsLoss, RegionLossBuilder, SlicedLoss};
use impasto::method::{
    ContentLoss, GramLoss, Loss, Padding, PlainProducts, Products, Scalar, StyleLoss,
    StyleLossKind, gram,
};
use impasto::network::Network;
use impasto::objective::{Objective, Region, Style, Tap, Targets};
use ndarray::{Array2, Array3, Axis, concatenate, s};

/// A painting's activations, a mask and a share.
type Sample<'a> = (&'a Array3<f64>, Option<&'a Array2<f64>>, f64);

/// All of these activations, with a share of 1.
fn whole(activations: &Array3<f64>) -> Sample<'_> {
    (activations, None, 1.0)
}

/// Positive for the most part, as activations are.
fn activations(shape: (usize, usize, usize), seed: u64) -> Array3<f64> {
    random(shape, seed).mapv(|x: f64| (x + 0.6).max(0.0))
}

fn loss(kind: StyleLossKind, samples: &[Sample], f: &Array3<f64>) -> f64 {
    masked_loss(kind, samples, None, f).0
}

/// Value and gradient of the loss of the positions that a mask shows.
fn masked_loss(
    kind: StyleLossKind,
    samples: &[Sample],
    mask: Option<&Array2<f64>>,
    f: &Array3<f64>,
) -> (f64, Array3<f64>) {
    let mut loss = RegionLossBuilder::new(kind);
    for (activations, mask, share) in samples {
        loss.add_painting(Features::new(activations, *mask), *share, &PlainProducts);
    }
    loss.finish(mask.cloned()).value_and_gradient(f)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// W² and the gradient of `values`, with weights or without.
fn transported(values: &[f64], weights: Option<&[f64]>, target: &[f64]) -> (f64, Vec<f64>) {
    let total = weights.map_or(values.len() as f64, |w| w.iter().sum());
    let mut pulls = values.to_vec();
    let masses = Masses { weights, total };
    let cost = transport(&mut pulls, masses, target, &mut Vec::new());
    (cost, pulls)
}

#[test]
fn transport_between_equally_many_numbers_pairs_them_in_order() {
    for count in [1, 2, 7, 100] {
        let [a, b] = [1, 2].map(|seed| random::<f64, _, _>(count, seed).to_vec());
        let unweighted = Masses {
            weights: None,
            total: count as f64,
        };
        let staircase = quantiles(&b, unweighted, count);
        assert_eq!(staircase, sorted(&b));
        let pairs = sorted(&a).into_iter().zip(&staircase);
        let expected = pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>() / count as f64;
        let (cost, pulls) = transported(&a, None, &staircase);
        assert!(close(cost, expected), "{cost} and not {expected}");
        // Each is pulled by the partner of its own rank.
        for (at, pull) in pulls.iter().enumerate() {
            let rank = a.iter().filter(|&&other| other < a[at]).count();
            assert!((pull - (a[at] - staircase[rank]) / count as f64).abs() < 1e-14);
        }
    }
}

#[test]
fn numbers_of_another_count_are_compared_by_their_quantile_functions() {
    let (a, b) = ([0.5, -1.0, 2.0], [0.0, 1.0]);
    // Thirds −1, 0.5, 2 against halves 0, 1: the middle third is cut in two.
    let expected = (1.0 + (0.25 + 0.25) / 2.0 + 1.0) / 3.0;
    assert!(close(transported(&a, None, &b).0, expected));
    // A weight of 2 is to be there twice; one of 0 is not to be there.
    let (cost, pulls) = transported(&[3.0, -1.0, 9.0], Some(&[2.0, 1.0, 0.0]), &b);
    let (twice, each) = transported(&[3.0, -1.0, 3.0], None, &b);
    assert!(close(cost, twice));
    assert!(close(pulls[0], each[0] + each[2]) && close(pulls[1], each[1]));
    assert_eq!(pulls[2], 0.0);
    // Fewer steps than numbers are their means.
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
            panic!("they are not the axes");
        };
        let rest = d.dot(&d.t()) - Array2::<f64>::eye(channels);
        assert!(rest.iter().all(|rest| rest.abs() < 1e-13));
    }
}

/// (s/K) Σ W², by sorting lists of one length.
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
fn a_loss_by_itself_is_the_loss_of_its_kind() {
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

#[test]
fn every_style_loss_is_zero_at_its_target_and_at_a_mixture_of_its_targets() {
    let (a, b) = (activations((3, 5, 4), 5), activations((2, 5, 4), 6));
    let both = concatenate![Axis(0), b, a];
    let share = |activations, share| (activations, None, share);
    for &kind in StyleLossKind::ALL {
        assert!(loss(kind, &[whole(&a)], &a) < 1e-28, "{kind}");
        assert!(loss(kind, &[whole(&a)], &b) > 1e-6, "{kind}");
        let twice = concatenate![Axis(0), a, a];
        assert!(loss(kind, &[whole(&a)], &twice) < 1e-28, "{kind}");
        // What counts is the ratio of the shares: three rows to two.
        let mixture = [share(&a, 0.3), share(&b, 0.2)];
        assert!(loss(kind, &mixture, &both) < 1e-28, "{kind}");
        assert!(
            loss(kind, &[share(&a, 0.1), share(&b, 0.9)], &both) > 1e-6,
            "{kind}"
        );
    }
}

#[test]
fn a_mask_shows_what_cropping_would_leave() {
    let (f, style) = (activations((6, 5, 4), 7), activations((7, 4, 4), 8));
    let rows = |height, width, shown: std::ops::Range<usize>| {
        let weight = move |(i, _)| if shown.contains(&i) { 1.0 } else { 0.0 };
        Array2::from_shape_fn((height, width), weight)
    };
    let (mask, style_mask) = (rows(6, 5, 2..5), rows(7, 4, 0..3));
    let cropped = f.slice(s![2..5, .., ..]).to_owned();
    let cropped_style = style.slice(s![0..3, .., ..]).to_owned();
    let masked = (&style, Some(&style_mask), 1.0);
    for &kind in StyleLossKind::ALL {
        let expected = loss(kind, &[whole(&cropped_style)], &cropped);
        let ours = masked_loss(kind, &[masked], Some(&mask), &f).0;
        assert!(close(ours, expected) && expected > 1e-4, "{kind}");
        // A mask that is the same everywhere changes nothing.
        let half = Array2::from_elem((6, 5), 0.5);
        let samples = [whole(&style)];
        let ours = masked_loss(kind, &samples, Some(&half), &f).0;
        assert!(close(ours, loss(kind, &samples, &f)), "{kind}");
    }
}

#[test]
fn what_is_not_seen_has_neither_loss_nor_gradient() {
    let (f, style) = (activations((3, 4, 2), 9), activations((3, 4, 2), 10));
    let nothing = Array2::zeros((3, 4));
    let unseen = (&style, Some(&nothing), 1.0);
    for &kind in StyleLossKind::ALL {
        for (samples, mask) in [
            (&[whole(&style)][..], Some(&nothing)),
            (&[unseen], None),
            (&[], None),
        ] {
            let (value, gradient) = masked_loss(kind, samples, mask, &f);
            assert_eq!(value, 0.0);
            assert!(gradient.iter().all(|&g| g == 0.0));
        }
        let seen = whole(&f);
        assert!(loss(kind, &[unseen, seen], &f) < 1e-28, "{kind}");
    }
}

fn tap(layer: &str, weight: f64) -> Tap {
    Tap {
        layer: TINY.find(layer).unwrap(),
        weight,
    }
}

fn network(pooling: Pooling) -> Network<f64> {
    let weights = random_weights(TINY, 20);
    Network::new(
        &weights,
        pooling,
        Padding::Zero,
        weights.depth(),
        EngineKind::default().build(),
    )
}

fn styles_only<'a>(
    regions: &'a [Region<Array3<f64>, Array2<f64>>],
    style_taps: &'a [Tap],
    style_loss: StyleLossKind,
) -> Targets<'a, f64> {
    Targets {
        content: None,
        regions,
        style_taps,
        style_loss,
        tv_weight: 0.0,
        normalize: false,
    }
}

#[test]
fn regions_count_by_their_area_and_a_mask_of_everything_is_none() {
    let taps = [tap("conv1_1", 2.0), tap("pool1", 3.0), tap("conv3_1", 4.0)];
    let [x, style, other]: [Array3<f64>; 3] =
        [((9, 7, 3), 1), ((5, 8, 3), 2), ((6, 6, 3), 3)].map(|(shape, seed)| random(shape, seed));
    let region = |style: &Array3<f64>, mask: Option<&Array2<f64>>| Region {
        styles: vec![Style::whole(style.clone())],
        mask: mask.cloned(),
    };
    let ones = Array2::ones((9, 7));
    let quarter = Array2::from_elem((9, 7), 0.25);
    let rest = quarter.mapv(|w: f64| 1.0 - w);
    for (&kind, pooling) in StyleLossKind::ALL.iter().zip([Average, Max, Average, Max]) {
        let network = network(pooling);
        let evaluate = |regions: &[Region<Array3<f64>, Array2<f64>>]| {
            let objective = Objective::new(&network, styles_only(regions, &taps, kind));
            let (losses, gradient) = objective.evaluate(&network, &x);
            assert_eq!(losses.total(), losses.style);
            (losses.style, gradient)
        };
        let (loss, gradient) = evaluate(&[region(&style, None)]);
        let (masked, masked_gradient) = evaluate(&[region(&style, Some(&ones))]);
        assert!(close(loss, masked) && distance(&masked_gradient, &gradient) < 1e-12);
        // Uniform masks say nothing of where, only how much: a quarter of the one and three of the other.
        let (other_loss, _) = evaluate(&[region(&other, None)]);
        let (both, _) = evaluate(&[region(&style, Some(&quarter)), region(&other, Some(&rest))]);
        assert!(close(both, 0.25 * loss + 0.75 * other_loss), "{kind}");
        // A region that is nowhere does not count.
        let zero = Array2::zeros((9, 7));
        let (same, _) = evaluate(&[region(&other, Some(&zero)), region(&style, Some(&ones))]);
        assert!(close(same, loss), "{kind}");
    }
}

/// Style in the left half alone leaves pixels that the right half's layers see, and no others, in peace.
#[test]
fn a_region_pulls_at_its_own_pixels() {
    let network = network(Average);
    let (x, style): (Array3<f64>, Array3<f64>) = (random((8, 16, 3), 4), random((8, 8, 3), 5));
    let left = Array2::from_shape_fn((8, 16), |(_, j)| if j < 8 { 1.0 } else { 0.0 });
    let taps = [tap("conv1_1", 1.0), tap("pool1", 1.0)];
    for &kind in StyleLossKind::ALL {
        let region = Region {
            styles: vec![Style::whole(style.clone())],
            mask: Some(left.clone()),
        };
        let regions = [region];
        let objective = Objective::new(&network, styles_only(&regions, &taps, kind));
        let (_, gradient) = objective.evaluate(&network, &x);
        // Two convolutions reach two pixels beyond.
        assert!(gradient.slice(s![.., 10.., ..]).iter().all(|&g| g == 0.0));
        assert!(
            gradient
                .slice(s![.., ..8, ..])
                .iter()
                .any(|&g| g.abs() > 1e-6)
        );
    }
}

/// At its layer a normalized gradient is w·g/‖g‖₁: the pixels' gradient, which is linear in it, is so many times the other.
#[test]
fn a_normalized_gradient_has_the_norm_of_its_weight() {
    let network = network(Average);
    let (x, picture): (Array3<f64>, Array3<f64>) = (random((6, 5, 3), 6), random((6, 5, 3), 7));
    let layer = TINY.find("conv2_1").unwrap();
    let activations = |picture| network.forward(&network.steps([layer]), picture);
    let (f, target) = (activations(&x), activations(&picture));
    let (f, target) = (f.of(layer), target.of(layer));
    let taps = [tap("conv2_1", 30.0)];
    let regions = [Region::everywhere(vec![Style::whole(picture.clone())])];
    let with_style = styles_only(&regions, &taps, StyleLossKind::Gram);
    let with_content = Targets {
        content: Some((&picture, &taps)),
        ..styles_only(&[], &[], StyleLossKind::Gram)
    };
    let at_layer = [
        GramLoss::new(target).value_and_gradient(f).1 * 30.0,
        ContentLoss::new(target.clone()).value_and_gradient(f).1 * 30.0,
    ];
    for (targets, at_layer) in [with_style, with_content].into_iter().zip(&at_layer) {
        let (losses, plain) = Objective::new(&network, targets).evaluate(&network, &x);
        let normalized = Targets {
            normalize: true,
            ..targets
        };
        let (same, normalized) = Objective::new(&network, normalized).evaluate(&network, &x);
        assert!(losses == same && losses.total() > 0.0);
        let norm: f64 = at_layer.iter().map(|g| g.abs()).sum();
        let error = distance(&normalized, &(&plain * (30.0 / norm)));
        assert!(error < 1e-8, "{error:e}");
        assert!(inner(&plain, &plain) > 0.0 && (30.0 / norm - 1.0).abs() > 0.01);
    }
}

/// The loss and its gradient on large layers, for which several parallel tasks are needed.
fn large<T: Scalar>(kind: StyleLossKind, products: &dyn Products<T>) -> (f64, Array3<f64>) {
    let [f, style, other] = [(61, 83), (70, 64), (40, 33)]
        .map(|(h, w)| activations((h, w, 40), (h * w) as u64).mapv(T::of));
    let mask = random((61, 83), 9).mapv(|w: f64| T::of(w.max(0.0)));
    let style_mask = random((40, 33), 9).mapv(|w: f64| T::of(w.abs()));
    let mut loss = RegionLossBuilder::new(kind);
    loss.add_painting(Features::new(&style, None), 1.0, products);
    loss.add_painting(Features::new(&other, Some(&style_mask)), 0.5, products);
    let mut df = Array3::zeros(f.dim());
    let value = (loss.finish(Some(mask))).add_gradient(&f, 1.0, &mut df, products);
    (value, df.mapv(T::as_f64))
}

fn large_by<T: SimdScalar>(kind: StyleLossKind, engine: EngineKind) -> (f64, Array3<f64>) {
    large::<T>(kind, &*engine.build())
}

#[test]
fn style_losses_have_the_same_bits_on_any_number_of_threads() {
    for &kind in StyleLossKind::ALL {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build()
                .unwrap()
                .install(|| large_by::<f32>(kind, EngineKind::default()))
        };
        let one = on(1);
        assert!(one.0 > 0.0 && one.1.iter().any(|&g| g != 0.0));
        for threads in [2, 3, 8] {
            assert!(on(threads) == one, "{kind}, {threads} threads");
        }
    }
}

#[test]
fn style_losses_in_single_precision_are_those_of_the_reference() {
    for &kind in StyleLossKind::ALL {
        let (loss, gradient) = large_by::<f64>(kind, EngineKind::Reference);
        let cpus = Cpu::all().into_iter().map(EngineKind::Fast);
        for engine in cpus.chain([EngineKind::Reference]) {
            let (loss32, gradient32) = large_by::<f32>(kind, engine);
            assert!((loss32 / loss - 1.0).abs() < 1e-4, "{kind} {engine:?}");
            let error = distance(&gradient32, &gradient);
            assert!(error < 1e-3, "{kind} {engine:?}: {error:e}");
        }
    }
}

#[test]
fn style_losses_are_written_as_people_write_them() {
    for &kind in StyleLossKind::ALL {
        let name = kind.to_string();
        assert_eq!(name.parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), name);
    }
    let refusal = "gramm".parse::<StyleLossKind>().unwrap_err().to_string();
    assert_eq!(refusal, "write one of gram, moments, sliced, histogram");
}
