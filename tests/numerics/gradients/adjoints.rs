//! Adjoint identities of operands of random shapes, as long as none is found that breaks one.

use impasto::engine::EngineKind;
use impasto::gradients::adjoint::{self, BOUND};
use impasto::gradients::operands::{PADDINGS, random};
use impasto::method::Pyramid;
use impasto::method::pool::Pooling::{Average, Max};
use ndarray::Array3;
use proptest::prelude::*;

fn engines() -> [EngineKind; 2] {
    [EngineKind::Reference, EngineKind::default()]
}

proptest! {
    #[test]
    fn convolutions_of_any_shape_are_adjoint(
        (h, w) in (1usize..20, 1usize..20), (cin, cout) in (1usize..24, 1usize..24), seed: u64,
    ) {
        let engine = engines()[(seed % 2) as usize];
        for padding in PADDINGS {
            let pair = adjoint::convolution((h, w, cin), cout, padding, engine, seed);
            prop_assert!(pair.error() <= BOUND, "{padding:?}");
        }
    }

    #[test]
    fn poolings_of_any_shape_are_adjoint(
        shape in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        for pooling in [Average, Max] {
            for engine in engines() {
                let pair = adjoint::pooling(shape, pooling, engine, seed);
                prop_assert!(pair.error() <= BOUND, "{pooling:?} {engine:?}");
            }
        }
    }

    #[test]
    fn relus_of_any_shape_are_adjoint(
        shape in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        prop_assert!(adjoint::relu(shape, seed).error() <= BOUND);
    }

    #[test]
    fn interpolations_of_any_shape_are_adjoint(
        shape in (1usize..20, 1usize..20, 1usize..6), to in (1usize..20, 1usize..20), seed: u64,
    ) {
        prop_assert!(adjoint::interpolation(shape, to, seed).error() <= BOUND);
    }

    #[test]
    fn pyramids_of_any_shape_are_adjoint_and_their_synthesis_undoes_the_analysis(
        (h, w) in (1usize..24, 1usize..24), levels in 0usize..6, seed: u64,
    ) {
        prop_assert!(adjoint::pyramid((h, w), levels, seed).error() <= BOUND);
        let pyramid = Pyramid::new(h, w, levels);
        let picture: Array3<f64> = random((h, w, 3), seed ^ 1);
        let again = pyramid.picture(&pyramid.parameters(&picture));
        prop_assert!((again - picture).iter().all(|d| d.abs() <= 1e-12));
    }

    #[test]
    fn gradients_of_total_variation_of_any_shape_are_self_adjoint(
        shape in (1usize..20, 1usize..20, 1usize..6), seed: u64,
    ) {
        for padding in PADDINGS {
            let pair = adjoint::total_variation(shape, padding, seed);
            prop_assert!(pair.error() <= BOUND, "{padding:?}");
        }
    }

    #[test]
    fn derivatives_of_gram_matrices_of_any_shape_are_adjoint(
        shape in (1usize..12, 1usize..12, 1usize..8), seed: u64,
    ) {
        let pair = adjoint::gram(shape, EngineKind::default(), seed);
        prop_assert!(pair.error() <= BOUND);
    }
}
