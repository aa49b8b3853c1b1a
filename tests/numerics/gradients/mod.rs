//! Runs the checks of `impasto::gradients`: every hand-written derivative against central finite differences in f64, and every linear
//! operation against its adjoint. Then checks the checks: each must notice a wrong derivative.

mod adjoints;
mod losses;
mod mistakes;
mod replicating;
mod strotss;

use crate::common::on_one_thread;
use impasto::gradients::{Case, Check, Setup, check_named, checks};
use impasto::method::StyleLossKind;
use std::collections::BTreeSet;

/// Fails with every case of a check that is beyond its bound, and if two cases have one name.
fn holds(name: &str) {
    let check = check_named(name).unwrap_or_else(|| panic!("there is no check {name}"));
    let cases = on_one_thread(|| check.cases(&Setup::default()));
    assert!(!cases.is_empty(), "{name} has no cases");
    let wrong = cases.iter().filter(|case| !within(&check, case));
    let wrong: Vec<_> = wrong.map(in_words).collect();
    assert!(wrong.is_empty(), "{name}: {}", wrong.join("; "));
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "{name}: two cases have one name");
}

/// Whether the error is small enough. That of a NaN is infinite.
fn within(check: &Check, case: &Case) -> bool {
    case.error <= check.bound
}

fn in_words(case: &Case) -> String {
    let Case {
        name,
        error,
        worst,
        remark,
    } = case;
    format!("{name}: {error:e}, {worst:?} {remark:?}")
}

/// A test for each check.
macro_rules! each_holds {
    ($($test:ident: $check:literal;)*) => {
        const TESTED: &[&str] = &[$($check),*];

        $(#[test]
        fn $test() {
            holds($check);
        })*
    };
}

each_holds! {
    convolution_has_the_right_gradient: "convolution";
    relu_has_the_right_gradient: "relu";
    pooling_has_the_right_gradient: "pooling";
    convolution_relu_and_pooling_together_have_the_right_gradient: "layers";
    gram_matrices_have_the_right_gradient: "gram";
    projections_have_the_right_gradient: "projection";
    transport_has_the_right_gradient: "transport";
    the_laplacian_pyramid_has_the_right_gradient: "pyramid";
    the_content_loss_has_the_right_gradient: "content";
    total_variation_has_the_right_gradient: "total-variation";
    the_relaxed_earth_movers_distance_has_the_right_gradient: "strotss-remd";
    moments_have_the_right_gradient: "strotss-moments";
    palettes_have_the_right_gradient: "strotss-palette";
    self_similarity_has_the_right_gradient: "strotss-self-similarity";
    the_style_loss_of_strotss_has_the_right_gradient: "strotss-style";
    the_content_loss_of_strotss_has_the_right_gradient: "strotss-content";
    the_loss_against_fixed_targets_has_the_right_gradient: "nearest-targets";
    the_loss_of_each_layer_has_the_right_gradient: "nearest-split";
    the_whole_objective_has_the_right_gradient: "objective-whole";
    the_whole_objective_of_wide_layers_has_the_right_gradient: "objective-wide";
    the_objective_of_strotss_has_the_right_gradient: "objective-strotss";
    the_objective_of_nearest_neighbors_has_the_right_gradient: "objective-nearest";
    the_objective_of_nearest_neighbors_by_layer_has_the_right_gradient: "objective-split";
    the_objective_of_a_network_that_repeats_edges_has_the_right_gradient: "objective-replicating";
    convolution_and_its_backward_pass_are_adjoint: "adjoint-convolution";
    relu_and_its_backward_pass_are_adjoint: "adjoint-relu";
    pooling_and_its_backward_pass_are_adjoint: "adjoint-pooling";
    interpolation_and_its_backward_pass_are_adjoint: "adjoint-interpolation";
    the_picture_of_a_pyramid_and_its_backward_pass_are_adjoint: "adjoint-pyramid";
    the_gradient_of_total_variation_is_self_adjoint: "adjoint-total-variation";
    the_derivative_of_the_gram_matrix_and_its_backward_pass_are_adjoint: "adjoint-gram";
}

#[test]
fn every_style_loss_has_the_right_gradient() {
    for kind in StyleLossKind::ALL {
        holds(&format!("style-{kind}"));
    }
}

#[test]
fn the_objective_of_regions_has_the_right_gradient_with_every_style_loss() {
    for kind in StyleLossKind::ALL {
        holds(&format!("objective-{kind}"));
    }
}

#[test]
fn every_check_has_a_test() {
    let of_kinds = |family: &'static str| {
        let kinds = StyleLossKind::ALL.iter();
        kinds.map(move |kind| format!("{family}-{kind}"))
    };
    let tested: BTreeSet<String> = (TESTED.iter().map(|&name| name.to_owned()))
        .chain(of_kinds("style"))
        .chain(of_kinds("objective"))
        .collect();
    let all: BTreeSet<String> = checks().into_iter().map(|check| check.name).collect();
    assert_eq!(tested, all);
    assert_eq!(all.len(), checks().len(), "two checks have one name");
}
