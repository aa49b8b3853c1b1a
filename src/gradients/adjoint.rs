//! Every linear operation and its backward pass are adjoint: ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ for all x and y.
//!
//! There is no step and no truncation error, so that the identity holds to the last digits. It sees all elements at once, and not
//! which of them is wrong. Each function here makes a pair for operands of any shape, out of a seed; [`Pair::error`] compares.

use super::operands::{
    PADDINGS, SIZES, engine_name, inner, linear_conv, padded, random, run_layer,
};
use super::operations::pooled;
use super::{Cases, Check, Family};
use crate::engine::EngineKind;
use crate::method::pool::Pooling::{self, Average, Max};
use crate::method::{Loss, Padding, Pyramid, TotalVariation, bilinear, gram, relu};
use ndarray::{Array1, Array2, Array3, Array4};

/// The largest difference of the two sides, relative to Σ |Axᵢ|·|yᵢ|.
pub const BOUND: f64 = 1e-13;

/// Two operands, and what an operation and its backward pass make of them.
pub struct Pair {
    /// Ax
    pub ax: Array3<f64>,
    /// y, of the same shape
    pub y: Array3<f64>,
    /// x
    pub x: Array3<f64>,
    /// Aᵀy, of the same shape as x
    pub aty: Array3<f64>,
}

impl Pair {
    /// |⟨Ax, y⟩ − ⟨x, Aᵀy⟩| relative to Σ |Axᵢ|·|yᵢ|, or to 1 if that is less. Infinity if there is a NaN.
    pub fn error(&self) -> f64 {
        let difference = inner(&self.ax, &self.y) - inner(&self.x, &self.aty);
        let scale = inner(&self.ax.mapv(f64::abs), &self.y.mapv(f64::abs));
        let error = difference.abs() / scale.max(1.0);
        if error.is_nan() { f64::INFINITY } else { error }
    }
}

/// A shape: height, width, channels.
type Shape = (usize, usize, usize);

/// A convolution without its bias, which is linear: from H×W×Cin to H×W×`cout`.
pub fn convolution(
    (h, w, cin): Shape,
    cout: usize,
    padding: Padding,
    engine: EngineKind,
    seed: u64,
) -> Pair {
    let kernel: Array4<f64> = random((3, 3, cin, cout), seed);
    let conv = linear_conv(&kernel, &Array1::zeros(cout), padding, engine);
    let x = random((h, w, cin), seed ^ 1);
    let y = random((h, w, cout), seed ^ 2);
    let (ax, aty) = ((conv.forward)(&x), (conv.backward)(&y));
    Pair { ax, y, x, aty }
}

/// A pooling. Max pooling is linear as long as the same elements are the largest: it copies them.
pub fn pooling(shape: Shape, pooling: Pooling, engine: EngineKind, seed: u64) -> Pair {
    let x = random(shape, seed);
    let layer = engine.build::<f64>().pool(pooling);
    let pass = run_layer(&*layer, &x);
    let y = random(pass.output.dim(), seed ^ 1);
    let aty = pass.back.backward(&y);
    let ax = (*pass.output).clone();
    Pair { ax, y, x, aty }
}

/// ReLU, which is linear as long as no sign changes.
pub fn relu(shape: Shape, seed: u64) -> Pair {
    let x: Array3<f64> = random(shape, seed);
    let ax = relu::forward(x.clone());
    let y = random(shape, seed ^ 1);
    let aty = relu::backward(&ax, &y);
    Pair { ax, y, x, aty }
}

/// Bilinear interpolation to another height and width.
pub fn interpolation((h, w, c): Shape, to: (usize, usize), seed: u64) -> Pair {
    let (x, y) = (random((h, w, c), seed), random((to.0, to.1, c), seed ^ 1));
    let (ax, aty) = (bilinear::forward(&x, to), bilinear::backward(&y, (h, w)));
    Pair { ax, y, x, aty }
}

/// The picture of a Laplacian pyramid, of this height and width.
pub fn pyramid((h, w): (usize, usize), levels: usize, seed: u64) -> Pair {
    let pyramid = Pyramid::new(h, w, levels);
    let (x, y) = (random(pyramid.shape(), seed), random((h, w, 3), seed ^ 1));
    let (ax, aty) = (pyramid.picture(&x), pyramid.backward(&y));
    Pair { ax, y, x, aty }
}

/// The derivative of total variation, which is linear in x; its matrix is symmetric.
pub fn total_variation(shape: Shape, padding: Padding, seed: u64) -> Pair {
    let (x, y) = (random(shape, seed), random(shape, seed ^ 1));
    let gradient = |x: &Array3<f64>| TotalVariation::new(padding).value_and_gradient(x).1;
    let (ax, aty) = (gradient(&x), gradient(&y));
    Pair { ax, y, x, aty }
}

/// The derivative of the Gram matrix in the direction V, which is VᵀF + FᵀV, and the engine's backward pass.
pub fn gram(shape: Shape, engine: EngineKind, seed: u64) -> Pair {
    let channels = shape.2;
    let f: Array3<f64> = random(shape, seed);
    let v: Array3<f64> = random(shape, seed ^ 1);
    let any: Array2<f64> = random((channels, channels), seed ^ 2);
    let dg = &any + &any.t();
    let product = gram::matrix(&v).t().dot(&gram::matrix(&f));
    let derivative = &product + &product.t();
    let mut back = Array3::zeros(shape);
    engine.build().add_gram_backward(&f, &dg, 1.0, &mut back);
    let as_array = |m: Array2<f64>| m.insert_axis(ndarray::Axis(0));
    Pair {
        ax: as_array(derivative),
        y: as_array(dg),
        x: v,
        aty: back,
    }
}

pub(super) fn checks() -> Vec<Check> {
    let check = |name, statement, visit: fn(&mut Cases)| {
        Check::new(Family::Adjoint, name, statement, visit)
    };
    vec![
        check(
            "adjoint-convolution",
            "⟨Ax, y⟩ = ⟨x, Aᵀy⟩ for a convolution A and its backward pass Aᵀ",
            of_convolution,
        ),
        check(
            "adjoint-relu",
            "the same for ReLU, with its signs held",
            of_relu,
        ),
        check(
            "adjoint-pooling",
            "the same for pooling, with its maxima held",
            of_pooling,
        ),
        check(
            "adjoint-interpolation",
            "the same for bilinear interpolation",
            of_interpolation,
        ),
        check(
            "adjoint-pyramid",
            "the same for the picture of a Laplacian pyramid",
            of_pyramid,
        ),
        check(
            "adjoint-total-variation",
            "the second derivative of total variation is symmetric: it is its own adjoint",
            of_total_variation,
        ),
        check(
            "adjoint-gram",
            "the derivative VᵀF + FᵀV of the Gram matrix, and its backward pass",
            of_gram,
        ),
    ]
}

fn of_convolution(cases: &mut Cases) {
    for (h, w) in SIZES {
        for engine in cases.engines() {
            for (cin, cout) in [(1, 1), (3, 4), (17, 20)] {
                for padding in PADDINGS {
                    let name = format!(
                        "{h}×{w}, {cin} to {cout} channels, {} padding, {}",
                        padded(padding),
                        engine_name(engine)
                    );
                    cases.adjoint(name, convolution((h, w, cin), cout, padding, engine, 90));
                }
            }
        }
    }
}

fn of_relu(cases: &mut Cases) {
    for (h, w) in SIZES {
        cases.adjoint(format!("{h}×{w}×3"), relu((h, w, 3), 91));
    }
}

fn of_pooling(cases: &mut Cases) {
    for (h, w) in SIZES {
        for engine in cases.engines() {
            for kind in [Average, Max] {
                let name = format!("{h}×{w}×3, {}, {}", pooled(kind), engine_name(engine));
                cases.adjoint(name, pooling((h, w, 3), kind, engine, 92));
            }
        }
    }
}

fn of_interpolation(cases: &mut Cases) {
    for (h, w) in SIZES {
        for to in [(1, 1), (2 * h, 2 * w), (h + 3, w.div_ceil(2)), (7, 5)] {
            let name = format!("{h}×{w}×3 to {}×{}", to.0, to.1);
            cases.adjoint(name, interpolation((h, w, 3), to, 93));
        }
    }
}

fn of_pyramid(cases: &mut Cases) {
    for (h, w) in SIZES {
        for levels in [0, 1, 3] {
            cases.adjoint(
                format!("{h}×{w}, {levels} levels"),
                pyramid((h, w), levels, 94),
            );
        }
    }
}

fn of_total_variation(cases: &mut Cases) {
    for (h, w) in SIZES {
        for padding in PADDINGS {
            let name = format!("{h}×{w}×3, {} padding", padded(padding));
            cases.adjoint(name, total_variation((h, w, 3), padding, 95));
        }
    }
}

fn of_gram(cases: &mut Cases) {
    for (h, w) in SIZES {
        for engine in cases.engines() {
            for channels in [1, 4, 19] {
                let name = format!("{h}×{w}×{channels}, {}", engine_name(engine));
                cases.adjoint(name, gram((h, w, channels), engine, 96));
            }
        }
    }
}
