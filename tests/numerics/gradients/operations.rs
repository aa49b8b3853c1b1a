//! The operations: convolution, ReLU, pooling, Gram matrices, projections, transport and the Laplacian pyramid.

use super::{BOUND, PADDINGS, SIZES, distinct, engines, mask};
use crate::common::{inner, linear_conv, on_one_thread, random, run_layer};
use impasto::engine::EngineKind;
use impasto::method::finite_difference::relative_error;
use impasto::method::pool::Pooling::{Average, Max};
use impasto::method::style::projection::{self, Directions};
use impasto::method::style::transport::{self, Masses};
use impasto::method::{Padding, Pyramid, pool, relu};
use ndarray::{Array1, Array2, Array3, Array4};
use std::sync::Arc;

#[test]
fn convolution_has_the_right_gradient() {
    for (h, w) in SIZES {
        for ((cin, cout), engine) in convolutions() {
            for padding in PADDINGS {
                let kernel: Array4<f64> = random((3, 3, cin, cout), 1);
                let conv = linear_conv(&kernel, &random(cout, 2), padding, engine);
                let x = random((h, w, cin), 2);
                // L = ⟨dy, y⟩ has dL/dy = dy.
                let dy: Array3<f64> = random((h, w, cout), 3);
                let loss = |x: &Array3<f64>| inner(&dy, &(conv.forward)(x));
                let error = relative_error(&x, &(conv.backward)(&dy), loss);
                assert!(
                    error <= BOUND,
                    "{padding:?} {h}x{w}, {cin} to {cout}: {error:e}"
                );
            }
        }
    }
}

/// Channels and engines. The fast engine uses Winograd's algorithm from 16 channels on.
fn convolutions() -> Vec<((usize, usize), EngineKind)> {
    let reference = [(1, 1), (3, 4), (5, 2)].map(|channels| (channels, EngineKind::Reference));
    let fast = [(3, 4), (5, 17), (16, 16), (19, 35)];
    let fast = fast.map(|channels| (channels, EngineKind::default()));
    [&reference[..], &fast].concat()
}

/// Checks the layers as networks have them: a convolution with its ReLU, without and with the pooling after it.
#[test]
fn convolution_relu_and_pooling_together_have_the_right_gradient() {
    on_one_thread(|| PADDINGS.map(convolution_relu_and_pooling));
}

fn convolution_relu_and_pooling(padding: Padding) {
    for (h, w) in SIZES {
        for ((cin, cout), engine) in convolutions() {
            let kernel: Array4<f64> = random((3, 3, cin, cout), 40);
            let x = random((h, w, cin), 41);
            // The bias moves every sum so far up or down that no ReLU is near its kink.
            let linear = linear_conv(&kernel, &Array1::zeros(cout), padding, engine);
            let linear = (linear.forward)(&x);
            let far = linear.iter().fold(1.0, |most: f64, y| most.max(y.abs())) + 0.1;
            let bias = Array1::from_shape_fn(cout, |o| if o % 3 == 0 { -far } else { far });
            let conv = engine.build().conv_relu(&kernel, &bias, padding);
            for pooling in [None, Some(Average), Some(Max)] {
                let forward = |x: &Array3<f64>| {
                    let x = Arc::new(x.clone());
                    match pooling {
                        Some(pooling) => conv.forward_pooled(pooling, &x),
                        None => conv.forward(&x),
                    }
                };
                let pass = forward(&x);
                let y = pass.output;
                assert!(y.iter().any(|&y| y > 0.0) == (cout > 1));
                let dy: Array3<f64> = random(y.dim(), 42);
                let dx = pass.back.backward(&dy);
                // Subtracts y, so that large values do not hide small differences.
                let loss = |x: &Array3<f64>| inner(&dy, &(&*forward(x).output - &*y));
                let error = relative_error(&x, &dx, loss);
                assert!(
                    error <= BOUND,
                    "{padding:?}, {pooling:?}, {h}x{w}, {cin} to {cout}: {error:e}"
                );
            }
        }
    }
}

#[test]
fn relu_has_the_right_gradient() {
    for (h, w) in SIZES {
        // No element is nearer to the kink at 0 than 0.1.
        let x = random((h, w, 19), 4).mapv(|x: f64| x + 0.1 * x.signum());
        let dy = random((h, w, 19), 5);
        let dx = relu::backward(&relu::forward(x.clone()), &dy);
        let error = relative_error(&x, &dx, |x| inner(&dy, &relu::forward(x.clone())));
        assert!(error <= BOUND, "{h}x{w}: {error:e}");
    }
}

#[test]
fn pooling_has_the_right_gradient() {
    for (h, w) in SIZES {
        for pooling in [Average, Max] {
            let x = distinct(h, w, 3);
            let dy = random(pool::forward(pooling, &x).dim(), 7);
            for engine in engines() {
                let layer = engine.build::<f64>().pool(pooling);
                let dx = run_layer(&*layer, &x).back.backward(&dy);
                let loss = |x: &Array3<f64>| inner(&dy, &run_layer(&*layer, x).output);
                let error = relative_error(&x, &dx, loss);
                assert!(error <= BOUND, "{pooling:?} {engine:?} {h}x{w}: {error:e}");
            }
        }
    }
}

#[test]
fn gram_matrices_have_the_right_gradient() {
    for (h, w) in SIZES {
        for (channels, engine) in [
            (4, EngineKind::Reference),
            (4, EngineKind::default()),
            (8, EngineKind::default()),
            (19, EngineKind::default()),
        ] {
            let engine = engine.build();
            let f = random((h, w, channels), 8);
            let any: Array2<f64> = random((channels, channels), 9);
            let dg = &any + &any.t(); // symmetric, as the gradient of every loss on Gram matrices is
            let mut df = Array3::zeros(f.dim());
            engine.add_gram_backward(&f, &dg, 1.0, &mut df);
            let loss = |f: &Array3<f64>| (&engine.gram(f) * &dg).sum();
            let error = relative_error(&f, &df, loss);
            assert!(error <= BOUND, "{h}x{w}x{channels}: {error:e}");
        }
    }
}

#[test]
fn projections_have_the_right_gradient() {
    for (h, w) in SIZES {
        for directions in [Directions::Axes, Directions::random_basis(3)] {
            let f = random((h, w, 3), 17);
            let dp: Array2<f64> = random((3, h * w), 18);
            let mut df = Array3::zeros(f.dim());
            projection::add_backward(dp.view(), &directions, 2.5, &mut df);
            let error = relative_error(&f, &df, |f| {
                let mut p = Array2::zeros(dp.dim());
                projection::forward(f, &directions, p.view_mut());
                2.5 * (&p * &dp).sum()
            });
            assert!(error <= BOUND, "{h}x{w}: {error:e}");
        }
    }
}

#[test]
fn transport_has_the_right_gradient() {
    for (count, steps) in [(1, 1), (1, 5), (7, 1), (7, 7), (12, 5), (5, 12), (40, 23)] {
        let target: Vec<f64> = random(steps, 19).to_vec();
        let all = |values: &[f64]| Masses {
            weights: None,
            total: values.len() as f64,
        };
        let target = transport::quantiles(&target, all(&target), steps);
        let mut weights = mask((1, count), 23).into_raw_vec_and_offset().0;
        weights[count / 2] = 1.0;
        let masses = Masses {
            total: weights.iter().sum(),
            weights: Some(&weights),
        };
        let x = distinct(1, count, 1);
        for masses in [all(x.as_slice().unwrap()), masses] {
            let transported = |x: &Array3<f64>| {
                let mut x = x.clone();
                let values = x.as_slice_mut().unwrap();
                let cost = transport::transport(values, masses, &target, &mut Vec::new());
                (cost, x)
            };
            let dx = transported(&x).1 * 2.0;
            let error = relative_error(&x, &dx, |x| transported(x).0);
            assert!(error <= BOUND, "{count} to {steps}: {error:e}");
        }
    }
}

#[test]
fn the_laplacian_pyramid_has_the_right_gradient() {
    for (h, w) in SIZES {
        let pyramid = Pyramid::new(h, w, 3);
        let weights: Array3<f64> = random((h, w, 3), 80);
        let loss = |p: &Array3<f64>| (pyramid.picture(p) * &weights).mapv(|y| y.powi(2)).sum();
        let p = random(pyramid.shape(), 81);
        let d_picture = 2.0 * pyramid.picture(&p) * weights.mapv(|w| w * w);
        let error = relative_error(&p, &pyramid.backward(&d_picture), loss);
        assert!(error <= BOUND, "{h}x{w}: {error:e}");
    }
}
