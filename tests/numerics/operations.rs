//! Each operation against its definition, written out as plain loops, or against values worked out by hand.

use crate::common::random;
use impasto::loss::content::ContentLoss;
use impasto::loss::style::{Sample, Statistic, StyleLoss};
use impasto::loss::total_variation;
use impasto::ops::conv::{Conv, Engine, Padding};
use impasto::ops::pool::{self, Pooling};
use impasto::ops::workspace::Workspace;
use impasto::ops::{gram, relu};
use ndarray::{Array1, Array3, Array4, array};

/// y[i, j, o] = b[o] + Σ k[p, q, c, o] x[i+p−1, j+q−1, c], straight from the formula.
fn by_definition(
    x: &Array3<f64>,
    k: &Array4<f64>,
    b: &Array1<f64>,
    padding: Padding,
) -> Array3<f64> {
    let (height, width, cin) = x.dim();
    Array3::from_shape_fn((height, width, b.len()), |(i, j, o)| {
        let mut y = b[o];
        for (p, q) in (0..3).flat_map(|p| (0..3).map(move |q| (p, q))) {
            let inside = (1..=height).contains(&(i + p)) && (1..=width).contains(&(j + q));
            let (row, column) = ((i + p + height - 1) % height, (j + q + width - 1) % width);
            for c in (0..cin).filter(|_| inside || padding == Padding::Circular) {
                y += k[[p, q, c, o]] * x[[row, column, c]];
            }
        }
        y
    })
}

#[test]
fn convolution_is_what_its_formula_says() {
    // The last ones are so large that they are done in several bands, the last band shorter than the others.
    let shapes = [
        (1, 1, 1, 1),
        (1, 5, 2, 3),
        (5, 1, 3, 2),
        (2, 2, 4, 1),
        (7, 6, 3, 5),
        (67, 61, 32, 2),
        (3, 1500, 48, 2),
    ];
    for (height, width, cin, cout) in shapes {
        let x = random((height, width, cin), 1);
        let kernel = random((3, 3, cin, cout), 2);
        let bias: Array1<f64> = random(cout, 3);
        for padding in [Padding::Zero, Padding::Circular] {
            let conv = Conv::new(&kernel, bias.clone(), padding, Engine::Reference);
            let y = conv.forward(&x, &Workspace::default());
            let difference = y - by_definition(&x, &kernel, &bias, padding);
            let worst = difference
                .iter()
                .fold(0.0, |worst: f64, d| worst.max(d.abs()));
            assert!(
                worst < 1e-12,
                "{padding:?} {height}x{width}, {cin} to {cout}: {worst:e}"
            );
        }
    }
}

#[test]
fn relu_cuts_off_below_zero_and_lets_nan_through() {
    let mut x = array![[[-1.0, 0.0, 2.0, -0.0, f64::NAN, f64::NEG_INFINITY]]];
    let workspace = Workspace::default();
    let mask = relu::forward(&mut x, &workspace);
    assert_eq!(x.as_slice().unwrap()[..4], [0.0, 0.0, 2.0, 0.0]);
    assert!(x[[0, 0, 4]].is_nan());
    assert_eq!(x[[0, 0, 5]], 0.0);
    // At the kink the derivative is 0.
    let dy = array![[[5.0, 6.0, 7.0, 8.0, 9.0, 10.0]]];
    let dx = relu::backward(&mask, &dy, &workspace);
    assert_eq!(dx, array![[[0.0, 0.0, 7.0, 0.0, 0.0, 0.0]]]);
}

#[test]
fn pooling_an_odd_size_takes_the_cells_that_exist() {
    let x = array![[1.0, 2.0, 3.0], [4.0, 5.0, 9.0], [7.0, 1.0, 6.0]];
    let x = x.insert_axis(ndarray::Axis(2));
    let workspace = Workspace::default();
    let (average, averaged) = pool::forward(Pooling::Average, &x, &workspace);
    assert_eq!(average, array![[[3.0], [6.0]], [[4.0], [6.0]]]);
    let (max, largest) = pool::forward(Pooling::Max, &x, &workspace);
    assert_eq!(max, array![[[5.0], [9.0]], [[7.0], [6.0]]]);
    let dy = array![[[4.0], [2.0]], [[6.0], [1.0]]];
    let back = pool::backward(&averaged, &dy, &workspace);
    let expected = array![[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [3.0, 3.0, 1.0]];
    assert_eq!(back, expected.insert_axis(ndarray::Axis(2)));
    let back = pool::backward(&largest, &dy, &workspace);
    let expected = array![[0.0, 0.0, 0.0], [0.0, 4.0, 2.0], [6.0, 0.0, 1.0]];
    assert_eq!(back, expected.insert_axis(ndarray::Axis(2)));
}

#[test]
fn max_pooling_gives_the_gradient_to_the_first_of_equals() {
    let x = Array3::<f64>::ones((2, 2, 1));
    let workspace = Workspace::default();
    let (_, pooled) = pool::forward(Pooling::Max, &x, &workspace);
    let dx = pool::backward(&pooled, &array![[[3.0]]], &workspace);
    assert_eq!(dx, array![[[3.0], [0.0]], [[0.0], [0.0]]]);
}

#[test]
fn the_gram_matrix_of_a_large_layer_is_the_sum_over_its_positions() {
    // More positions than one piece of parallel work holds.
    for (channels, engine) in [
        (3, Engine::Reference),
        (3, Engine::default()),
        (19, Engine::default()),
    ] {
        let f: Array3<f64> = random((97, 101, channels), 5);
        let g = gram::forward(&f, &Workspace::new(engine));
        for i in 0..channels {
            for j in 0..channels {
                let products = (f.rows().into_iter()).map(|position| position[i] * position[j]);
                let sum: f64 = products.sum();
                assert!((g[[i, j]] - sum).abs() < 1e-9 * sum.abs().max(1.0));
            }
        }
    }
}

#[test]
fn the_losses_are_zero_at_their_targets_and_known_nearby() {
    let target: Array3<f64> = random((3, 4, 2), 6);
    let content = ContentLoss::new(target.clone());
    assert_eq!(content.value(&target), 0.0);
    // Σ 2² / (4·size) = 1
    assert!((content.value(&(&target + 2.0)) - 1.0).abs() < 1e-12);

    // Twice the painting, one above the other, has the same style.
    let workspace = Workspace::default();
    let style = StyleLoss::new(Statistic::Gram, &[Sample::whole(&target)], None, &workspace);
    let doubled = ndarray::concatenate![ndarray::Axis(0), target, target];
    assert!(style.residual(&doubled, &workspace).loss() < 1e-30);
    // With all activations tripled, G − A = 8 A and the loss is Σ (8 A)² / (2NM)².
    let a = gram::forward(&target, &workspace);
    let expected = a.iter().map(|a| (8.0 * a).powi(2)).sum::<f64>() / (2.0 * 2.0 * 12.0f64).powi(2);
    let loss = style.residual(&(&target * 3.0), &workspace).loss();
    assert!((loss / expected - 1.0).abs() < 1e-12);

    // Along the rows by 3 and by −9, down the columns by 5 and by −7.
    let x = array![[[0.0], [3.0]], [[5.0], [-4.0]]];
    let squares = 9.0 + 81.0 + 25.0 + 49.0;
    assert_eq!(total_variation::value(&x, Padding::Zero), squares / 2.0);
    // On a torus of two by two, each pair is neighbours twice.
    assert_eq!(total_variation::value(&x, Padding::Circular), squares);
    // In a row of three, 1, 2 and 4: by 1 and 2, and across the edge by 3. Each is its own neighbour above and below.
    let x = array![[[1.0], [2.0], [4.0]]];
    assert_eq!(total_variation::value(&x, Padding::Zero), 2.5);
    assert_eq!(total_variation::value(&x, Padding::Circular), 7.0);
}
