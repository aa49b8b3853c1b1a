//! Every linear operation and its backward pass are adjoint: ⟨Ax, y⟩ = ⟨x, Aᵀy⟩.

use super::{PADDINGS, engines};
use crate::common::{inner, linear_conv, random, run_layer};
use impasto::engine::EngineKind;
use impasto::method::pool::Pooling::{Average, Max};
use impasto::method::{Loss, Pyramid, TotalVariation, bilinear, gram, relu};
use ndarray::{Array1, Array2, Array3, Array4};
use proptest::prelude::*;

/// ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ up to rounding.
fn adjoint(ax: &Array3<f64>, y: &Array3<f64>, x: &Array3<f64>, aty: &Array3<f64>) -> bool {
    let (left, right) = (inner(ax, y), inner(x, aty));
    let scale = inner(&ax.mapv(f64::abs), &y.mapv(f64::abs));
    (left - right).abs() <= 1e-13 * scale.max(1.0)
}

proptest! {
    #[test]
    fn convolution_and_its_backward_pass_are_adjoint(
        (h, w) in (1usize..20, 1usize..20), (cin, cout) in (1usize..24, 1usize..24), seed: u64,
    ) {
        let kernel: Array4<f64> = random((3, 3, cin, cout), seed);
        let engine = engines()[(seed % 2) as usize];
        let x = random((h, w, cin), seed ^ 1);
        let y = random((h, w, cout), seed ^ 2);
        for padding in PADDINGS {
            let conv = linear_conv(&kernel, &Array1::zeros(cout), padding, engine); // linear without the bias
            let (ax, aty) = ((conv.forward)(&x), (conv.backward)(&y));
            prop_assert!(adjoint(&ax, &y, &x, &aty), "{padding:?}");
        }
    }

    /// Max pooling is linear as long as the same elements are the largest: it copies them.
    #[test]
    fn pooling_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let x = random((h, w, c), seed);
        for pooling in [Average, Max] {
            for engine in engines() {
                let layer = engine.build::<f64>().pool(pooling);
                let pass = run_layer(&*layer, &x);
                let y = random(pass.output.dim(), seed ^ 1);
                let aty = pass.back.backward(&y);
                prop_assert!(adjoint(&pass.output, &y, &x, &aty), "{pooling:?} {engine:?}");
            }
        }
    }

    /// ReLU is linear as long as no sign changes.
    #[test]
    fn relu_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let x: Array3<f64> = random((h, w, c), seed);
        let y = relu::forward(x.clone());
        let dy = random(x.dim(), seed ^ 1);
        prop_assert!(adjoint(&y, &dy, &x, &relu::backward(&y, &dy)));
    }

    #[test]
    fn bilinear_interpolation_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), to in (1usize..20, 1usize..20), seed: u64,
    ) {
        let (x, y) = (random((h, w, c), seed), random((to.0, to.1, c), seed ^ 1));
        let (ax, aty) = (bilinear::forward(&x, to), bilinear::backward(&y, (h, w)));
        prop_assert!(adjoint(&ax, &y, &x, &aty));
    }

    #[test]
    fn the_picture_of_a_pyramid_and_its_backward_pass_are_adjoint(
        (h, w) in (1usize..24, 1usize..24), levels in 0usize..6, seed: u64,
    ) {
        let pyramid = Pyramid::new(h, w, levels);
        let (x, y) = (random(pyramid.shape(), seed), random((h, w, 3), seed ^ 1));
        prop_assert!(adjoint(&pyramid.picture(&x), &y, &x, &pyramid.backward(&y)));
        let again = pyramid.picture(&pyramid.parameters(&y));
        prop_assert!((again - y).iter().all(|d| d.abs() <= 1e-12));
    }

    /// The derivative of total variation is linear in x, and its matrix is symmetric.
    #[test]
    fn the_gradient_of_total_variation_is_self_adjoint(
        (h, w, c) in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        let (x, y) = (random((h, w, c), seed), random((h, w, c), seed ^ 1));
        for padding in PADDINGS {
            let gradient = |x: &Array3<f64>| TotalVariation::new(padding).value_and_gradient(x).1;
            prop_assert!(adjoint(&gradient(&x), &y, &x, &gradient(&y)), "{padding:?}");
        }
    }

    /// The derivative of the Gram matrix in the direction V is VᵀF + FᵀV. The backward pass is the adjoint of this map.
    #[test]
    fn the_derivative_of_the_gram_matrix_and_its_backward_pass_are_adjoint(
        (h, w, c) in (1usize..12, 1usize..12, 1usize..8), seed: u64,
    ) {
        let f: Array3<f64> = random((h, w, c), seed);
        let v: Array3<f64> = random((h, w, c), seed ^ 1);
        let any: Array2<f64> = random((c, c), seed ^ 2);
        let dg = &any + &any.t();
        let product = gram::matrix(&v).t().dot(&gram::matrix(&f));
        let derivative = &product + &product.t();
        let mut back = Array3::zeros(f.dim());
        EngineKind::default().build().add_gram_backward(&f, &dg, 1.0, &mut back);
        let as_array = |m: Array2<f64>| m.into_shape_with_order((1, c, c)).unwrap();
        prop_assert!(adjoint(&as_array(derivative), &as_array(dg), &v, &back));
    }
}
