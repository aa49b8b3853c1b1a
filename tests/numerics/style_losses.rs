//! The style losses' values against plain computations, what masks, mixtures and regions mean, and that nothing depends on the
//! number of threads. Their derivatives are proved in `gradients.rs`.

use crate::common::{TINY, distance, inner, random, random_weights};
use impasto::kernels::Cpu;
use impasto::loss::content::ContentLoss;
use impasto::loss::style::{Sample, Statistic, StyleLoss};
use impasto::loss::{Objective, Region, StylePicture, Tap, Targets};
use impasto::network::Network;
use impasto::ops::conv::{Engine, Padding};
use impasto::ops::pool::Pooling::{Average, Max};
use impasto::ops::project::{self, Directions};
use impasto::ops::transport::{Masses, quantiles, transport};
use impasto::ops::workspace::Workspace;
use impasto::ops::{Scalar, gram};
use ndarray::{Array2, Array3, Axis, concatenate, s};

/// Positive for the most part, as activations are.
fn activations(shape: (usize, usize, usize), seed: u64) -> Array3<f64> {
    random(shape, seed).mapv(|x: f64| (x + 0.6).max(0.0))
}

fn loss(statistic: Statistic, samples: &[Sample<f64>], f: &Array3<f64>) -> f64 {
    masked_loss(statistic, samples, None, f)
}

fn masked_loss(
    statistic: Statistic,
    samples: &[Sample<f64>],
    mask: Option<&Array2<f64>>,
    f: &Array3<f64>,
) -> f64 {
    let workspace = Workspace::default();
    let style = StyleLoss::new(statistic, samples, mask.cloned(), &workspace);
    style.residual(f, &workspace).loss()
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
        project::forward(f, directions, p.view_mut());
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
    let samples = [Sample::whole(&style)];
    let sliced = loss(Statistic::Sliced, &samples, &f);
    assert!(close(
        sliced,
        sliced_by_hand(&f, &style, &Directions::random_basis(6))
    ));
    let histogram = loss(Statistic::Histogram, &samples, &f);
    let gram = loss(Statistic::Gram, &samples, &f);
    let axes = sliced_by_hand(&f, &style, &Directions::Axes);
    assert!(close(histogram, gram + axes) && gram > 0.0 && axes > 0.0);
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
    let ours = loss(Statistic::Moments, &[Sample::whole(&style)], &f);
    assert!(close(ours, means + covariances));
}

#[test]
fn every_style_loss_is_zero_at_its_target_and_at_a_mixture_of_its_targets() {
    let (a, b) = (activations((3, 5, 4), 5), activations((2, 5, 4), 6));
    let both = concatenate![Axis(0), b, a];
    let share = |activations, share| Sample {
        share,
        ..Sample::whole(activations)
    };
    for statistic in Statistic::ALL {
        assert!(
            loss(statistic, &[Sample::whole(&a)], &a) < 1e-28,
            "{statistic}"
        );
        assert!(
            loss(statistic, &[Sample::whole(&a)], &b) > 1e-6,
            "{statistic}"
        );
        let twice = concatenate![Axis(0), a, a];
        assert!(
            loss(statistic, &[Sample::whole(&a)], &twice) < 1e-28,
            "{statistic}"
        );
        // What counts is the ratio of the shares: three rows to two.
        let mixture = [share(&a, 0.3), share(&b, 0.2)];
        assert!(loss(statistic, &mixture, &both) < 1e-28, "{statistic}");
        assert!(
            loss(statistic, &[share(&a, 0.1), share(&b, 0.9)], &both) > 1e-6,
            "{statistic}"
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
    let masked = Sample {
        mask: Some(&style_mask),
        ..Sample::whole(&style)
    };
    for statistic in Statistic::ALL {
        let expected = loss(statistic, &[Sample::whole(&cropped_style)], &cropped);
        let ours = masked_loss(statistic, &[masked], Some(&mask), &f);
        assert!(close(ours, expected) && expected > 1e-4, "{statistic}");
        // A mask that is the same everywhere changes nothing.
        let half = Array2::from_elem((6, 5), 0.5);
        let samples = [Sample::whole(&style)];
        let ours = masked_loss(statistic, &samples, Some(&half), &f);
        assert!(close(ours, loss(statistic, &samples, &f)), "{statistic}");
    }
}

#[test]
fn what_is_not_seen_has_neither_loss_nor_gradient() {
    let (f, style) = (activations((3, 4, 2), 9), activations((3, 4, 2), 10));
    let nothing = Array2::zeros((3, 4));
    let unseen = Sample {
        mask: Some(&nothing),
        ..Sample::whole(&style)
    };
    let workspace = Workspace::default();
    for statistic in Statistic::ALL {
        for (samples, mask) in [
            (&[Sample::whole(&style)][..], Some(&nothing)),
            (&[unseen], None),
            (&[], None),
        ] {
            let style = StyleLoss::new(statistic, samples, mask.cloned(), &workspace);
            let residual = style.residual(&f, &workspace);
            assert_eq!(residual.loss(), 0.0);
            let mut df = Array3::zeros(f.dim());
            style.add_gradient(&f, &residual, 1.0, &mut df, &workspace);
            assert!(df.iter().all(|&g| g == 0.0));
        }
        let seen = Sample::whole(&f);
        assert!(loss(statistic, &[unseen, seen], &f) < 1e-28, "{statistic}");
    }
}

fn tap(layer: &str, weight: f64) -> Tap {
    Tap {
        layer: TINY.find(layer).unwrap(),
        weight,
    }
}

fn network(pooling: impasto::ops::pool::Pooling) -> Network<f64> {
    let weights = random_weights(TINY, 20);
    Network::new(
        &weights,
        pooling,
        Padding::Zero,
        weights.depth(),
        Engine::default(),
    )
}

fn styles_only<'a>(
    regions: &'a [Region<'a, f64>],
    style_taps: &'a [Tap],
    statistic: Statistic,
) -> Targets<'a, f64> {
    Targets {
        content: None,
        regions,
        style_taps,
        statistic,
        tv_weight: 0.0,
        normalize: false,
    }
}

#[test]
fn regions_count_by_their_area_and_a_mask_of_everything_is_none() {
    let taps = [tap("conv1_1", 2.0), tap("pool1", 3.0), tap("conv3_1", 4.0)];
    let [x, style, other]: [Array3<f64>; 3] =
        [((9, 7, 3), 1), ((5, 8, 3), 2), ((6, 6, 3), 3)].map(|(shape, seed)| random(shape, seed));
    let (styles, others) = ([StylePicture::whole(&style)], [StylePicture::whole(&other)]);
    let ones = Array2::ones((9, 7));
    let quarter = Array2::from_elem((9, 7), 0.25);
    let rest = quarter.mapv(|w: f64| 1.0 - w);
    for (statistic, pooling) in Statistic::ALL.into_iter().zip([Average, Max, Average, Max]) {
        let network = network(pooling);
        let evaluate = |regions: &[Region<f64>]| {
            let objective = Objective::new(&network, styles_only(regions, &taps, statistic));
            let (losses, gradient) = objective.evaluate(&network, &x);
            assert_eq!(losses.total(), losses.style);
            (losses.style, gradient)
        };
        let region = |styles, mask| Region { styles, mask };
        let (loss, gradient) = evaluate(&[Region::everywhere(&styles)]);
        let (masked, masked_gradient) = evaluate(&[region(&styles, Some(&ones))]);
        assert!(close(loss, masked) && distance(&masked_gradient, &gradient) < 1e-12);
        // Masks that are even say nothing of where, only how much: a quarter of the one and three of the other.
        let (other_loss, _) = evaluate(&[Region::everywhere(&others)]);
        let (both, _) = evaluate(&[
            region(&styles, Some(&quarter)),
            region(&others, Some(&rest)),
        ]);
        assert!(close(both, 0.25 * loss + 0.75 * other_loss), "{statistic}");
        // A region that is nowhere counts nothing.
        let zero = Array2::zeros((9, 7));
        let (same, _) = evaluate(&[region(&others, Some(&zero)), region(&styles, Some(&ones))]);
        assert!(close(same, loss), "{statistic}");
    }
}

/// Style in the left half alone leaves pixels that the right half's layers see, and no others, in peace.
#[test]
fn a_region_pulls_at_its_own_pixels() {
    let network = network(Average);
    let (x, style): (Array3<f64>, Array3<f64>) = (random((8, 16, 3), 4), random((8, 8, 3), 5));
    let left = Array2::from_shape_fn((8, 16), |(_, j)| if j < 8 { 1.0 } else { 0.0 });
    let taps = [tap("conv1_1", 1.0), tap("pool1", 1.0)];
    for statistic in Statistic::ALL {
        let region = Region {
            styles: &[StylePicture::whole(&style)],
            mask: Some(&left),
        };
        let objective = Objective::new(&network, styles_only(&[region], &taps, statistic));
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

/// At its layer a normalised gradient is w·g/‖g‖₁: the pixels' gradient, which is linear in it, is so many times the other.
#[test]
fn a_normalised_gradient_has_the_norm_of_its_weight() {
    let network = network(Average);
    let (x, picture): (Array3<f64>, Array3<f64>) = (random((6, 5, 3), 6), random((6, 5, 3), 7));
    let layer = TINY.find("conv2_1").unwrap();
    let keep = |picture: &Array3<f64>| network.forward(picture, layer + 1, |l| l == layer);
    let (f, target) = (keep(&x), keep(&picture));
    let (f, target) = (f.of(layer), target.of(layer));
    let taps = [tap("conv2_1", 30.0)];
    let styles = [StylePicture::whole(&picture)];
    let regions = [Region::everywhere(&styles)];
    let with_style = styles_only(&regions, &taps, Statistic::Gram);
    let with_content = Targets {
        content: Some((&picture, &taps)),
        ..styles_only(&[], &[], Statistic::Gram)
    };
    let mut at_layer = [Array3::zeros(f.dim()), Array3::zeros(f.dim())];
    let workspace = network.workspace();
    let style = StyleLoss::new(Statistic::Gram, &[Sample::whole(target)], None, workspace);
    style.add_gradient(
        f,
        &style.residual(f, workspace),
        30.0,
        &mut at_layer[0],
        workspace,
    );
    ContentLoss::new(target.clone()).add_gradient(f, 30.0, &mut at_layer[1]);
    for (targets, at_layer) in [with_style, with_content].into_iter().zip(&at_layer) {
        let (losses, plain) = Objective::new(&network, targets).evaluate(&network, &x);
        let normalised = Targets {
            normalize: true,
            ..targets
        };
        let (same, normalised) = Objective::new(&network, normalised).evaluate(&network, &x);
        assert!(losses == same && losses.total() > 0.0);
        let norm: f64 = at_layer.iter().map(|g| g.abs()).sum();
        let error = distance(&normalised, &(&plain * (30.0 / norm)));
        assert!(error < 1e-8, "{error:e}");
        assert!(inner(&plain, &plain) > 0.0 && (30.0 / norm - 1.0).abs() > 0.01);
    }
}

/// The loss and the bits of its gradient, or the gradient in f64, on large layers: many pieces of work.
fn large<T: Scalar>(statistic: Statistic, workspace: &Workspace<T>) -> (f64, Array3<f64>) {
    let [f, style, other] = [(61, 83), (70, 64), (40, 33)]
        .map(|(h, w)| activations((h, w, 40), (h * w) as u64).mapv(T::of));
    let mask = random((61, 83), 9).mapv(|w: f64| T::of(w.max(0.0)));
    let style_mask = random((40, 33), 9).mapv(|w: f64| T::of(w.abs()));
    let samples = [
        Sample::whole(&style),
        Sample {
            activations: &other,
            mask: Some(&style_mask),
            share: 0.5,
        },
    ];
    let loss = StyleLoss::new(statistic, &samples, Some(mask), workspace);
    let residual = loss.residual(&f, workspace);
    let mut df = Array3::zeros(f.dim());
    loss.add_gradient(&f, &residual, 1.0, &mut df, workspace);
    (residual.loss(), df.mapv(T::as_f64))
}

#[test]
fn style_losses_have_the_same_bits_on_any_number_of_threads() {
    for statistic in Statistic::ALL {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build()
                .unwrap()
                .install(|| large::<f32>(statistic, &Workspace::default()))
        };
        let one = on(1);
        assert!(one.0 > 0.0 && one.1.iter().any(|&g| g != 0.0));
        for threads in [2, 3, 8] {
            assert!(on(threads) == one, "{statistic}, {threads} threads");
        }
    }
}

#[test]
fn style_losses_in_single_precision_are_those_of_the_reference() {
    for statistic in Statistic::ALL {
        let (loss, gradient) = large::<f64>(statistic, &Workspace::new(Engine::Reference));
        let cpus = Cpu::all().into_iter().map(Engine::Fast);
        for engine in cpus.chain([Engine::Reference]) {
            let (loss32, gradient32) = large::<f32>(statistic, &Workspace::new(engine));
            assert!((loss32 / loss - 1.0).abs() < 1e-4, "{statistic} {engine:?}");
            let error = distance(&gradient32, &gradient);
            assert!(error < 1e-3, "{statistic} {engine:?}: {error:e}");
        }
    }
}

#[test]
fn statistics_are_written_as_people_write_them() {
    for statistic in Statistic::ALL {
        let name = statistic.to_string();
        assert_eq!(name.parse(), Ok(statistic));
        assert_eq!(serde_json::to_value(statistic).unwrap(), name);
    }
    let refusal = "gramm".parse::<Statistic>().unwrap_err();
    assert_eq!(refusal, "write one of gram, moments, sliced, histogram");
}
