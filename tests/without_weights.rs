//! The program built without weights: `cargo test --no-default-features --test without_weights`.
#![cfg(not(feature = "embedded-weights"))]

mod workplace;

use workplace::{SMALL, Workplace, data};

#[test]
fn it_says_where_it_looked_and_what_to_do() {
    let place = Workplace::new();
    let line = place.refusal(place.stylize(SMALL));
    for part in [
        "built without",
        "--weights",
        "IMPASTO_WEIGHTS",
        "data/vgg16.safetensors",
        "copy",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn it_paints_with_weights_that_are_named_or_found() {
    let place = Workplace::new();
    let weights = data("vgg16.safetensors");
    let mut named = place.stylize(&format!("{SMALL} --weights"));
    named.arg(&weights).assert().success();
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::copy(weights, place.path("data/vgg16.safetensors")).unwrap();
    place.stylize(SMALL).assert().success();
}
