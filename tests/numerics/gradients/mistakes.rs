//! The checks notice wrong derivatives, and the step of the finite differences matters.

use super::within;
use crate::common::{inner, on_one_thread, random};
use impasto::engine::EngineKind;
use impasto::gradients::{BOUND, Family, Mistake, Setup, check_named, checks};
use impasto::method::finite_difference::{STEP, relative_error};
use impasto::method::{Padding, conv};
use ndarray::{Array1, Array3, Array4};

#[test]
fn every_check_notices_every_mistake() {
    let reference = |mistake| Setup {
        engines: vec![EngineKind::Reference],
        mistake: Some(mistake),
        ..Setup::default()
    };
    for mistake in Mistake::ALL {
        for check in checks() {
            // Of the objective, which takes longest, one is enough: what it measures is handed on by the same function.
            if check.family == Family::Objective && check.name != "objective-replicating" {
                continue;
            }
            let cases = on_one_thread(|| check.cases(&reference(mistake)));
            let noticed = cases.iter().any(|case| !within(&check, case));
            assert!(noticed, "{}: {}", check.name, mistake.description());
        }
    }
}

#[test]
fn the_whole_objective_is_wrong_if_its_gradient_is() {
    let objective = check_named("objective-whole").unwrap();
    let setup = Setup {
        engines: vec![EngineKind::Reference],
        mistake: Some(Mistake::Element),
        ..Setup::default()
    };
    let cases = on_one_thread(|| objective.cases(&setup));
    assert!(cases.iter().all(|case| !within(&objective, case)));
}

#[test]
fn too_long_and_too_short_steps_hide_that_a_gradient_is_right() {
    let gram = check_named("style-gram").unwrap();
    let largest = |step| {
        let setup = Setup {
            step,
            ..Setup::default()
        };
        let cases = on_one_thread(|| gram.cases(&setup));
        cases.iter().map(|case| case.error).fold(0.0, f64::max)
    };
    let right = largest(STEP);
    assert!(right <= BOUND);
    assert!(largest(1e-1) > 1e3 * right, "truncation");
    assert!(largest(1e-12) > 1e3 * right, "rounding");
}

#[test]
fn a_wrong_gradient_is_found_where_it_is_wrong() {
    let relu = check_named("relu").unwrap();
    let setup = Setup {
        mistake: Some(Mistake::Sign),
        ..Setup::default()
    };
    for case in relu.cases(&setup) {
        let worst = case.worst.unwrap();
        assert!((worst.claimed + worst.measured).abs() < 1e-6, "{case:?}");
        assert!(worst.claimed.abs() > 0.1, "the largest element: {case:?}");
    }
}

/// A plausible mistake in an operation: the backward pass swaps the kernel's channels but does not rotate the kernel by 180°.
#[test]
fn the_check_catches_a_kernel_that_is_not_rotated() {
    let kernel: Array4<f64> = random((3, 3, 2, 2), 30);
    let no_bias = Array1::zeros(2);
    let swapped = kernel.clone().permuted_axes([0, 1, 3, 2]);
    let (x, dy) = (random((4, 5, 2), 31), random((4, 5, 2), 32));
    let forward = |x: &Array3<f64>, kernel| conv::forward(x, kernel, &no_bias, Padding::Zero);
    let loss = |x: &Array3<f64>| inner(&dy, &forward(x, &kernel));
    let right = conv::backward(&dy, &kernel, Padding::Zero);
    assert!(relative_error(&x, &right, loss) <= BOUND);
    assert!(relative_error(&x, &forward(&dy, &swapped), loss) > BOUND);
}
