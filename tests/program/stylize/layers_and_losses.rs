//! `impasto stylize`: the layers, the pooling, the weights and the style losses.

use super::SHALLOW;
use crate::workplace::{SMALL, Workplace};

#[test]
fn layers_pooling_and_weights_change_the_picture() {
    let place = Workplace::new();
    let paint = |options: &str| {
        place
            .stylize(&format!("{SMALL} {options}"))
            .assert()
            .success();
        std::fs::read(place.path("out.png")).unwrap()
    };
    let default = paint("");
    assert!(paint("--style-layers pool1,pool4=2,conv3_3=0.5 --content-layers pool3") != default);
    assert!(paint("--pooling avg") != default);
    assert!(paint("--content-weight 1e6") != default);
}

#[test]
fn each_style_loss_paints_its_own_picture() {
    let place = Workplace::new();
    let mut pictures = Vec::new();
    for loss in ["gram", "moments", "sliced", "histogram"] {
        place
            .stylize(&format!(
                "-o out.png {SHALLOW} --style-loss {loss} --log log.jsonl"
            ))
            .assert()
            .success();
        let log = place.log("log.jsonl");
        let losses: Vec<_> = (log.iter())
            .map(|line| line["style"].as_f64().unwrap())
            .collect();
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(least < 0.9 * losses[0], "{loss}: {losses:?}");
        pictures.push(place.rgb("out.png"));
    }
    for (at, picture) in pictures.iter().enumerate() {
        assert!(!pictures[..at].contains(picture));
    }
    let normalized = format!("-o out.png {SHALLOW} --preset classic --normalize-gradients");
    place.stylize(&normalized).assert().success();
}
