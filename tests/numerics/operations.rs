//! Compares each operation with its definition, written as plain loops, or with values computed by hand.

use crate::common::{random, run_layer};
use impasto::engine::EngineKind;
use impasto::method::{ContentLoss, GramLoss, Loss, Padding, StyleLoss, TotalVariation};
use impasto::method::{Pooling, conv, gram, pool, relu};
use ndarray::{Array1, Array3, Array4, array};

/// y[i, j, o] = b[o] + Σ k[p, q, c, o] x[i+p−1, j+q−1, c], computed term by term.
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
fn convolution_follows_its_formula() {
    // The last ones are so large that they are computed in several bands. The last band is shorter than the others.
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
            let y = conv::forward(&x, &kernel, &bias, padding);
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
fn relu_is_zero_below_zero_and_passes_nan_on() {
    let y = relu::forward(array![[[
        -1.0,
        0.0,
        2.0,
        -0.0,
        f64::NAN,
        f64::NEG_INFINITY
    ]]]);
    assert_eq!(y.as_slice().unwrap()[..4], [0.0, 0.0, 2.0, 0.0]);
    assert!(y[[0, 0, 4]].is_nan());
    assert_eq!(y[[0, 0, 5]], 0.0);
    // At the kink the derivative is 0.
    let dx = relu::backward(&y, &array![[[5.0, 6.0, 7.0, 8.0, 9.0, 10.0]]]);
    assert_eq!(dx, array![[[0.0, 0.0, 7.0, 0.0, 0.0, 0.0]]]);
}

/// Output and gradient of a pooling layer. Every engine must compute the same bits.
fn pooled(pooling: Pooling, x: &Array3<f64>, dy: &Array3<f64>) -> (Array3<f64>, Array3<f64>) {
    let plain = (pool::forward(pooling, x), pool::backward(pooling, x, dy));
    for engine in [EngineKind::Reference, EngineKind::default()] {
        let layer = engine.build().pool(pooling);
        let pass = run_layer(&*layer, x);
        assert_eq!(*pass.output, plain.0);
        assert_eq!(pass.back.backward(dy), plain.1);
    }
    plain
}

#[test]
fn pooling_an_odd_size_has_smaller_cells_at_the_edges() {
    let x = array![[1.0, 2.0, 3.0], [4.0, 5.0, 9.0], [7.0, 1.0, 6.0]];
    let x = x.insert_axis(ndarray::Axis(2));
    let dy = array![[[4.0], [2.0]], [[6.0], [1.0]]];
    let (averages, dx) = pooled(Pooling::Average, &x, &dy);
    assert_eq!(averages, array![[[3.0], [6.0]], [[4.0], [6.0]]]);
    let expected = array![[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [3.0, 3.0, 1.0]];
    assert_eq!(dx, expected.insert_axis(ndarray::Axis(2)));
    let (maxima, dx) = pooled(Pooling::Max, &x, &dy);
    assert_eq!(maxima, array![[[5.0], [9.0]], [[7.0], [6.0]]]);
    let expected = array![[0.0, 0.0, 0.0], [0.0, 4.0, 2.0], [6.0, 0.0, 1.0]];
    assert_eq!(dx, expected.insert_axis(ndarray::Axis(2)));
}

#[test]
fn max_pooling_gives_the_gradient_to_the_first_of_equals() {
    let (_, dx) = pooled(Pooling::Max, &Array3::ones((2, 2, 1)), &array![[[3.0]]]);
    assert_eq!(dx, array![[[3.0], [0.0]], [[0.0], [0.0]]]);
}

#[test]
fn max_pooling_passes_nan_on() {
    let x = array![[[1.0], [f64::NAN]], [[5.0], [2.0]]];
    assert!(pool::forward(Pooling::Max, &x)[[0, 0, 0]].is_nan());
    let layer = EngineKind::default().build().pool(Pooling::Max);
    assert!(run_layer(&*layer, &x).output[[0, 0, 0]].is_nan());
}

#[test]
fn the_gram_matrix_of_a_large_layer_is_the_sum_over_its_positions() {
    // More positions than one parallel task sums.
    for (channels, engine) in [
        (3, EngineKind::Reference),
        (3, EngineKind::default()),
        (19, EngineKind::default()),
    ] {
        let f: Array3<f64> = random((97, 101, channels), 5);
        let g = engine.build().gram(&f);
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
fn the_losses_are_zero_at_their_targets_and_have_known_values_nearby() {
    let value = |loss: &dyn Loss<f64>, f: &Array3<f64>| loss.value_and_gradient(f).0;
    let target: Array3<f64> = random((3, 4, 2), 6);
    let content = ContentLoss::new(target.clone());
    assert_eq!(value(&content, &target), 0.0);
    // Σ 2² / (4·size) = 1
    assert!((value(&content, &(&target + 2.0)) - 1.0).abs() < 1e-12);

    // Twice the painting, one above the other, has the same style.
    let style = GramLoss::new(&target);
    let doubled = ndarray::concatenate![ndarray::Axis(0), target, target];
    assert!(style.value_and_gradient(&doubled).0 < 1e-30);
    // With all activations tripled, G − A = 8 A and the loss is Σ (8 A)² / (2NM)².
    let a = gram::forward(&target);
    let expected = a.iter().map(|a| (8.0 * a).powi(2)).sum::<f64>() / (2.0 * 2.0 * 12.0f64).powi(2);
    let loss = style.value_and_gradient(&(&target * 3.0)).0;
    assert!((loss / expected - 1.0).abs() < 1e-12);

    // Neighbors differ by 3 and −9 along the rows, and by 5 and −7 down the columns.
    let x = array![[[0.0], [3.0]], [[5.0], [-4.0]]];
    let squares = 9.0 + 81.0 + 25.0 + 49.0;
    assert_eq!(
        value(&TotalVariation::new(Padding::Zero), &x),
        squares / 2.0
    );
    // On a torus of two by two, each pair of neighbors counts twice.
    assert_eq!(value(&TotalVariation::new(Padding::Circular), &x), squares);
    // In the row 1, 2, 4 neighbors differ by 1 and 2, and across the edge by 3. Each pixel is its own neighbor above and below.
    let x = array![[[1.0], [2.0], [4.0]]];
    assert_eq!(value(&TotalVariation::new(Padding::Zero), &x), 2.5);
    assert_eq!(value(&TotalVariation::new(Padding::Circular), &x), 7.0);
}
