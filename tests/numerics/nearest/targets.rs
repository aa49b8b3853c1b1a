//! The loss against fixed targets.

use super::has_the_same_bits_on_any_number_of_threads;
use impasto::gradients::nearest::{
    candidates, hypercolumns, layers, references, targets_of, targets_of_halves,
    value_and_gradients,
};
use impasto::gradients::operands::joint_forward;
use impasto::method::nearest::{Candidates, Hypercolumns, quarter};
use impasto::method::{NearestLoss, PlainProducts, bilinear};
use ndarray::{Array2, Array3};

#[test]
fn hypercolumns_are_the_interpolated_layers_divided_by_their_channels() {
    for size in [(1, 1), (3, 9), (16, 21), (40, 4)] {
        let arrays = layers(size, 1);
        let grid = quarter(size);
        let parts: Vec<Array3<f64>> = (arrays.iter())
            .map(|f| bilinear::forward(f, grid) / f.dim().2 as f64)
            .collect();
        let found = Hypercolumns::new(&references(&arrays), grid);
        assert_eq!(found.grid(), ((size.0 / 4).max(1), (size.1 / 4).max(1)));
        for (k, part) in parts.iter().enumerate() {
            let layer = found.layer(k);
            let errors = layer.iter().zip(part).map(|(a, b)| (a - b).abs());
            assert!(errors.fold(0.0, f64::max) < 1e-14, "{size:?}");
        }
    }
}

#[test]
fn each_region_has_its_own_paintings() {
    let arrays = layers((12, 16), 10);
    let value = |first: &[usize], second: &[usize]| {
        let loss = targets_of_halves(first, second);
        value_and_gradients(&loss, &arrays, 0, &PlainProducts).0
    };
    // Mean over the halves of losses of one region each; the other half does not count.
    let both = value(&[0], &[1]);
    assert!((both - (value(&[0], &[]) + value(&[], &[1])) / 2.0).abs() < 1e-14);
    // No painting at all.
    assert_eq!(value(&[], &[]), 0.0);
}

/// In single precision targets have 8 significant bits.
#[test]
fn in_single_precision_the_loss_is_that_of_targets_with_few_bits() {
    let size = (24, 32);
    let (painting, picture) = (hypercolumns((30, 26), 20), hypercolumns(size, 30));
    let (arrays, loss) = (layers(size, 10), targets_of(painting, picture));
    let (value, gradients) = value_and_gradients(&loss, &arrays, 0, &PlainProducts);

    let single = |arrays: &[Array3<f64>]| -> Vec<Array3<f32>> {
        arrays.iter().map(|f| f.mapv(|f| f as f32)).collect()
    };
    let hypercolumns = |size, seed| {
        let arrays = single(&layers(size, seed));
        Hypercolumns::new(&arrays.iter().collect::<Vec<_>>(), quarter(size))
    };
    let painting = Candidates {
        region: 0,
        mask: None,
        hypercolumns: Box::new(|| hypercolumns((30, 26), 20)),
    };
    let picture = hypercolumns(size, 30);
    let loss: NearestLoss<f32> = NearestLoss::new(picture, &[None], &[painting], &PlainProducts);
    let arrays = single(&arrays);
    let references: Vec<_> = arrays.iter().collect();
    let (single, back) = joint_forward(&loss, &references, 0, &PlainProducts);
    assert!((single - value).abs() < 1e-3 * value, "{single} {value}");
    for (k, gradient) in gradients.iter().enumerate() {
        let mut df = Array3::zeros(gradient.dim());
        back.add_gradient(k, 1.0, &mut df);
        let difference = df.mapv(f64::from) - gradient;
        let [error, length] = [&difference, gradient].map(|a| a.iter().map(|a| a * a).sum::<f64>());
        assert!(
            error < 1e-2_f64.powi(2) * length,
            "layer {k}: {}",
            error / length
        );
    }
}

#[test]
fn a_picture_of_the_painting_itself_has_a_loss_of_zero() {
    let arrays = layers((16, 24), 10);
    let same = || hypercolumns((16, 24), 10);
    let loss = targets_of(same(), same());
    let (value, gradients) = value_and_gradients(&loss, &arrays, 0, &PlainProducts);
    assert!(value.abs() < 1e-6, "{value:e}");
    assert!(gradients.iter().flatten().all(|g| g.abs() < 1e-6));
}

#[test]
fn layers_of_zeros_give_numbers() {
    let size = (8, 8);
    let zeros: Vec<_> = (layers(size, 10).iter())
        .map(|f| Array3::zeros(f.dim()))
        .collect();
    let zero = || Hypercolumns::new(&references(&zeros), quarter(size));
    let any = || hypercolumns(size, 20);
    for loss in [
        targets_of(zero(), any()),
        targets_of(any(), zero()),
        targets_of(zero(), zero()),
    ] {
        for arrays in [&zeros, &layers(size, 10)] {
            let (value, gradients) = value_and_gradients(&loss, arrays, 0, &PlainProducts);
            assert!(value.is_finite());
            assert!(gradients.iter().flatten().all(|g| g.is_finite()));
        }
    }
}

#[test]
fn only_positions_that_a_mask_shows_are_chosen_or_the_heaviest() {
    let size = (16, 16);
    let (painting, arrays) = (hypercolumns(size, 10), layers(size, 10));
    let value = |weight: fn(usize) -> f64| {
        let mask = Array2::from_shape_fn((16, 16), |(i, _)| weight(i));
        let paintings = [candidates(0, &painting, Some(&mask))];
        let loss = NearestLoss::new(painting.clone(), &[None], &paintings, &PlainProducts);
        value_and_gradients(&loss, &arrays, 0, &PlainProducts).0
    };
    let all = value(|_| 0.6);
    let half = value(|i| if i < 8 { 1.0 } else { 0.4 });
    let one = value(|i| if i < 4 { 0.4 } else { 0.1 });
    assert!(
        all < 1e-6 && half > 1e-3 && one > half,
        "{all} {half} {one}"
    );
    assert_eq!(value(|_| 0.0), 0.0);
}

#[test]
fn the_bits_of_the_loss_against_targets_do_not_depend_on_threads() {
    let loss = targets_of(hypercolumns((70, 60), 20), hypercolumns((90, 75), 30));
    assert!(has_the_same_bits_on_any_number_of_threads(
        &loss,
        &layers((90, 75), 10)
    ));
}
