//! Styles in regions of a picture, through a network.

use super::close;
use crate::common::{TINY, distance, inner, random, random_weights};
use impasto::engine::EngineKind;
use impasto::method::pool::Pooling::{self, Average, Max};
use impasto::method::{ContentLoss, GramLoss, Loss, Padding, StyleLoss, StyleLossKind};
use impasto::network::Network;
use impasto::objective::{Compared, Objective, Region, Style, Tap, Targets};
use ndarray::{Array2, Array3, s};

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
        compared: Compared::Layers,
        style_loss,
        tv_weight: 0.0,
        tv_diagonals: 0.0,
        normalize: false,
    }
}

#[test]
fn regions_count_by_their_area_and_a_full_mask_changes_nothing() {
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
    let poolings = [Average, Max].into_iter().cycle();
    for (&kind, pooling) in StyleLossKind::ALL.iter().zip(poolings) {
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
        // With uniform masks each region is everywhere: one has a quarter of the area, the other three quarters.
        let (other_loss, _) = evaluate(&[region(&other, None)]);
        let (both, _) = evaluate(&[region(&style, Some(&quarter)), region(&other, Some(&rest))]);
        assert!(close(both, 0.25 * loss + 0.75 * other_loss), "{kind}");
        // A region without styles counts for the area alone.
        let empty = Region {
            styles: Vec::new(),
            mask: Some(quarter.clone()),
        };
        let (part, _) = evaluate(&[region(&style, Some(&rest)), empty]);
        assert!(close(part, 0.75 * loss), "{kind}");
        // A region without pixels does not count.
        let zero = Array2::zeros((9, 7));
        let (same, _) = evaluate(&[region(&other, Some(&zero)), region(&style, Some(&ones))]);
        assert!(close(same, loss), "{kind}");
    }
}

/// A style in the left half has no gradient in the right half, except near the border. The test assumes that each loss has a
/// gradient at random activations.
#[test]
fn a_region_has_a_gradient_only_at_its_own_pixels() {
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
        // Two convolutions see two pixels beyond the border.
        assert!(gradient.slice(s![.., 10.., ..]).iter().all(|&g| g == 0.0));
        assert!(
            gradient
                .slice(s![.., ..8, ..])
                .iter()
                .any(|&g| g.abs() > 1e-6)
        );
    }
}

/// At its layer a normalized gradient is w·g/‖g‖₁. The pixel gradient is linear in it, so it is scaled by the same factor.
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
