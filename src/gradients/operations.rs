//! The operations: convolution, ReLU, pooling, Gram matrices, projections, transport and the Laplacian pyramid.
//!
//! Where an operation's output y is an array, L = ⟨dy, y⟩ with a random dy, which has dL/dy = dy.

use super::operands::{
    PADDINGS, SIZES, distinct, engine_name, inner, linear_conv, mask, padded, random, run_layer,
};
use super::{Cases, Check, Family};
use crate::engine::EngineKind;
use crate::method::pool::Pooling::{self, Average, Max};
use crate::method::style::projection::{self, Directions};
use crate::method::style::transport::{self, Masses};
use crate::method::{Pyramid, pool, relu};
use ndarray::{Array1, Array2, Array3, Array4};
use std::sync::Arc;

pub(super) fn checks() -> Vec<Check> {
    let check = |name, statement, visit: fn(&mut Cases)| {
        Check::new(Family::Operations, name, statement, visit)
    };
    vec![
        check(
            "convolution",
            "dL/dx of a convolution is the convolution of dL/dy with the kernel rotated by 180° and its channels swapped",
            convolution,
        ),
        check("relu", "dL/dx = dL/dy where y > 0, else 0", rectifier),
        check(
            "pooling",
            "average: dL/dx = dL/dy / n for the n positions of a cell; max: the largest of them gets all of dL/dy",
            pooling,
        ),
        check(
            "layers",
            "a convolution, its ReLU and the pooling after it, as an engine computes them together",
            layers,
        ),
        check("gram", "G = FᵀF: dL/dF = F·(dL/dG + (dL/dG)ᵀ)", gram),
        check(
            "projection",
            "P = DFᵀ, the activations along directions: dL/dF = (dL/dP)ᵀ·D",
            project,
        ),
        check(
            "transport",
            "W² = ∫ (F⁻¹(u) − Q(u))² du: dW²/dfᵢ = 2 ∫ (fᵢ − Q(u)) du over the interval of fᵢ",
            transports,
        ),
        check(
            "pyramid",
            "xₖ = lₖ + U(xₖ₊₁): dL/dlₖ = dL/dxₖ and dL/dxₖ₊₁ = Uᵀ(dL/dxₖ)",
            pyramid,
        ),
    ]
}

/// Channels for an engine. The fast one uses Winograd's algorithm from 16 channels on.
fn channels(engine: EngineKind) -> &'static [(usize, usize)] {
    match engine {
        EngineKind::Reference => &[(1, 1), (3, 4), (5, 2)],
        EngineKind::Fast(_) => &[(3, 4), (5, 17), (16, 16), (19, 35)],
    }
}

fn convolution(cases: &mut Cases) {
    for (h, w) in SIZES {
        for engine in cases.engines() {
            for &(cin, cout) in channels(engine) {
                for padding in PADDINGS {
                    let kernel: Array4<f64> = random((3, 3, cin, cout), 1);
                    let conv = linear_conv(&kernel, &random(cout, 2), padding, engine);
                    let x = random((h, w, cin), 2);
                    let dy: Array3<f64> = random((h, w, cout), 3);
                    let name = format!(
                        "{h}×{w}, {cin} to {cout} channels, {} padding, {}",
                        padded(padding),
                        engine_name(engine)
                    );
                    let loss = |x: &Array3<f64>| inner(&dy, &(conv.forward)(x));
                    cases.gradient(name, &x, (conv.backward)(&dy), loss);
                }
            }
        }
    }
}

fn rectifier(cases: &mut Cases) {
    for (h, w) in SIZES {
        // No element is nearer to the kink at 0 than 0.1.
        let x = random((h, w, 19), 4).mapv(|x: f64| x + 0.1 * x.signum());
        let dy = random((h, w, 19), 5);
        let dx = relu::backward(&relu::forward(x.clone()), &dy);
        let loss = |x: &Array3<f64>| inner(&dy, &relu::forward(x.clone()));
        cases.gradient(format!("{h}×{w}×19"), &x, dx, loss);
    }
}

fn pooling(cases: &mut Cases) {
    for (h, w) in SIZES {
        for pooling in [Average, Max] {
            let x = distinct(h, w, 3);
            let dy = random(pool::forward(pooling, &x).dim(), 7);
            for engine in cases.engines() {
                let layer = engine.build::<f64>().pool(pooling);
                let dx = run_layer(&*layer, &x).back.backward(&dy);
                let loss = |x: &Array3<f64>| inner(&dy, &run_layer(&*layer, x).output);
                let name = format!("{h}×{w}×3, {}, {}", pooled(pooling), engine_name(engine));
                cases.gradient(name, &x, dx, loss);
            }
        }
    }
}

/// The pooling, in a word.
pub(super) fn pooled(pooling: Pooling) -> &'static str {
    match pooling {
        Average => "average",
        Max => "max",
    }
}

/// The layers as networks have them: a convolution with its ReLU, without and with the pooling after it.
fn layers(cases: &mut Cases) {
    for padding in PADDINGS {
        for (h, w) in SIZES {
            for engine in cases.engines() {
                for &(cin, cout) in channels(engine) {
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
                        let name = format!(
                            "{h}×{w}, {cin} to {cout} channels, {} padding, {} pooling, {}",
                            padded(padding),
                            pooling.map_or("no", pooled),
                            engine_name(engine)
                        );
                        let pass = forward(&x);
                        let y = pass.output;
                        let open = y.iter().any(|&y| y > 0.0) == (cout > 1);
                        cases.require(&name, open, "the wrong ReLUs are open");
                        let dy: Array3<f64> = random(y.dim(), 42);
                        let dx = pass.back.backward(&dy);
                        // Subtracts y, so that large values do not hide small differences.
                        let loss = |x: &Array3<f64>| inner(&dy, &(&*forward(x).output - &*y));
                        cases.gradient(name, &x, dx, loss);
                    }
                }
            }
        }
    }
}

fn gram(cases: &mut Cases) {
    for (h, w) in SIZES {
        for engine in cases.engines() {
            let channels: &[usize] = match engine {
                EngineKind::Reference => &[4],
                EngineKind::Fast(_) => &[4, 8, 19],
            };
            let built = engine.build();
            for &channels in channels {
                let f = random((h, w, channels), 8);
                let any: Array2<f64> = random((channels, channels), 9);
                let dg = &any + &any.t(); // symmetric, as the gradient of every loss on Gram matrices is
                let mut df = Array3::zeros(f.dim());
                built.add_gram_backward(&f, &dg, 1.0, &mut df);
                let loss = |f: &Array3<f64>| (&built.gram(f) * &dg).sum();
                let name = format!("{h}×{w}×{channels}, {}", engine_name(engine));
                cases.gradient(name, &f, df, loss);
            }
        }
    }
}

fn project(cases: &mut Cases) {
    for (h, w) in SIZES {
        for (what, directions) in [
            ("axes", Directions::Axes),
            ("a random basis", Directions::random_basis(3)),
        ] {
            let f = random((h, w, 3), 17);
            let dp: Array2<f64> = random((3, h * w), 18);
            let mut df = Array3::zeros(f.dim());
            projection::add_backward(dp.view(), &directions, 2.5, &mut df);
            cases.gradient(format!("{h}×{w}×3, {what}"), &f, df, |f| {
                let mut p = Array2::zeros(dp.dim());
                projection::forward(f, &directions, p.view_mut());
                2.5 * (&p * &dp).sum()
            });
        }
    }
}

fn transports(cases: &mut Cases) {
    for (count, steps) in [(1, 1), (1, 5), (7, 1), (7, 7), (12, 5), (5, 12), (40, 23)] {
        let target: Vec<f64> = random(steps, 19).to_vec();
        let alike = |count: usize| Masses {
            weights: None,
            total: count as f64,
        };
        let target = transport::quantiles(&target, alike(steps), steps);
        let mut weights = mask((1, count), 23).into_raw_vec_and_offset().0;
        weights[count / 2] = 1.0;
        let masses = Masses {
            total: weights.iter().sum(),
            weights: Some(&weights),
        };
        let x = distinct(1, count, 1);
        for (what, masses) in [("alike", alike(count)), ("weighted", masses)] {
            let transported = |x: &Array3<f64>| {
                let mut values: Vec<f64> = x.iter().copied().collect();
                let cost = transport::transport(&mut values, masses, &target, &mut Vec::new());
                let moved = Array3::from_shape_vec(x.dim(), values).expect("as many as before");
                (cost, moved)
            };
            let dx = transported(&x).1 * 2.0;
            let name = format!("{count} numbers to {steps} quantiles, {what}");
            cases.gradient(name, &x, dx, |x| transported(x).0);
        }
    }
}

fn pyramid(cases: &mut Cases) {
    for (h, w) in SIZES {
        let pyramid = Pyramid::new(h, w, 3);
        let weights: Array3<f64> = random((h, w, 3), 80);
        let loss = |p: &Array3<f64>| (pyramid.picture(p) * &weights).mapv(|y| y.powi(2)).sum();
        let p = random(pyramid.shape(), 81);
        let d_picture = 2.0 * pyramid.picture(&p) * weights.mapv(|w| w * w);
        cases.gradient(
            format!("{h}×{w}, 3 levels"),
            &p,
            pyramid.backward(&d_picture),
            loss,
        );
    }
}
