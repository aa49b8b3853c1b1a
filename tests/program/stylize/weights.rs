//! `impasto stylize --weights` and IMPASTO_WEIGHTS.

use crate::workplace::{SMALL, Workplace, data, said};

#[test]
fn weights_come_from_the_option_or_the_environment() {
    let place = Workplace::new();
    let weights = data("vgg16.safetensors");
    place.stylize(SMALL).assert().success();
    let built_in = place.pixels("out.png");
    let mut by_option = place.stylize(&format!("{SMALL} -v --weights"));
    by_option.arg(&weights);
    let said = said(by_option);
    assert!(said.contains("VGG-16 from /"), "{said}");
    assert!(place.pixels("out.png") == built_in);
    let mut by_environment = place.stylize(SMALL);
    by_environment
        .env("IMPASTO_WEIGHTS", &weights)
        .assert()
        .success();
    assert!(place.pixels("out.png") == built_in);
    // An empty variable counts as unset. One that names a missing file is an error.
    place
        .stylize(SMALL)
        .env("IMPASTO_WEIGHTS", "")
        .assert()
        .success();
    place
        .stylize(SMALL)
        .env("IMPASTO_WEIGHTS", "none")
        .assert()
        .code(1);
}
