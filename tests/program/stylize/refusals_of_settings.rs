//! Settings that `impasto stylize` refuses because they do not fit each other, the network or the machine.

use crate::workplace::{SMALL, Workplace};

#[test]
fn an_unknown_layer_is_refused_with_those_that_exist() {
    let place = Workplace::new();
    for option in ["--style-layers", "--content-layers"] {
        // VGG-19 has it; the built-in VGG-16 has not.
        let line = place.refusal(place.stylize(&format!("{SMALL} {option} conv1_1,conv3_4=2")));
        assert!(line.contains("VGG-16 has no layer \"conv3_4\""), "{line}");
        assert!(line.contains("conv1_1, conv1_2, pool1, conv2_1"), "{line}");
    }
}

#[test]
fn a_size_too_small_for_the_layers_is_refused() {
    let place = Workplace::new();
    let line = place.refusal(place.stylize("-o out.png --size 15"));
    assert!(
        line.contains("content picture at 15x10 is too small for layer conv5_1"),
        "{line}"
    );
    let line = place.refusal(place.stylize("-o out.png --size 300x12"));
    assert!(line.contains("300x12"), "{line}");
    let shallow =
        "-o out.png --size 15 --iterations 1 --style-layers conv1_1 --content-layers conv2_2";
    place.stylize(shallow).assert().success();
}

#[test]
fn settings_that_leave_nothing_to_do_or_repeat_a_layer_are_refused() {
    let place = Workplace::new();
    for (arguments, reason) in [
        (
            "--style-weight 0 --content-weight 0 --tv-weight 0",
            "every weight is 0: there is nothing to optimize",
        ),
        (
            "--style-weight 1e-300 --style-layers conv1_1=1e-300 --content-weight 0 --tv-weight 0",
            "every weight is 0: there is nothing to optimize",
        ),
        (
            "--style-layers conv1_1,conv1_1",
            "style-layers: conv1_1 is named twice",
        ),
    ] {
        let line = place.refusal(place.stylize(&format!("-o out.png --size 48 {arguments}")));
        assert!(line.contains(reason), "{arguments}: {line}");
    }
}

#[test]
fn settings_that_only_adam_has_are_refused_with_lbfgs() {
    let place = Workplace::new();
    for (options, trouble) in [
        (
            "--normalize-gradients",
            "normalize-gradients works with Adam only, and the optimizer is lbfgs: use --optimizer adam",
        ),
        (
            "--average 0.9",
            "average works with Adam only, and the optimizer is lbfgs: use --optimizer adam",
        ),
    ] {
        let line = place.refusal(place.stylize(&format!("{SMALL} {options}")));
        assert!(line.contains(trouble), "{line}");
    }
}
