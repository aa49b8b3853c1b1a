//! The program built without weights: `cargo test --no-default-features --features cli --test without_weights`.
#![cfg(all(feature = "cli", not(feature = "embedded-weights")))]

#[path = "program/workplace.rs"]
mod workplace;

use workplace::{Workplace, data};

/// A run of the first layers alone: these tests are not optimized.
const SMALL: &str = "-o out.png --size 32 --scales 1 --iterations 1 --style-layers conv1_1 --content-layers conv1_2";

#[test]
fn the_program_says_where_it_looked_and_what_to_do() {
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
fn the_program_paints_with_weights_that_are_named_or_found() {
    let place = Workplace::new();
    let weights = data("vgg16.safetensors");
    let mut named = place.stylize(&format!("{SMALL} --weights"));
    named.arg(&weights).assert().success();
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::copy(weights, place.path("data/vgg16.safetensors")).unwrap();
    place.stylize(SMALL).assert().success();
}

#[test]
fn the_program_finds_weights_beside_itself() {
    let place = Workplace::new();
    let program = place.path(&format!("impasto{}", std::env::consts::EXE_SUFFIX));
    std::fs::copy(env!("CARGO_BIN_EXE_impasto"), &program).unwrap();
    std::fs::copy(data("vgg16.safetensors"), place.path("vgg16.safetensors")).unwrap();
    let elsewhere = Workplace::new();
    let mut command = assert_cmd::Command::new(program);
    command.current_dir(elsewhere.path("")).arg("stylize");
    command
        .arg(data("content/chelsea.jpg"))
        .arg(data("style/starry_night.jpg"));
    command.args(SMALL.split(' ')).env_remove("IMPASTO_WEIGHTS");
    command.assert().success();
    assert_eq!(elsewhere.contents(), ["out.png"]);
}
