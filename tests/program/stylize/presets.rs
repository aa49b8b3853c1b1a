//! `impasto stylize --preset` and `--save-settings`.

use crate::workplace::{SMALL, Workplace, said};
use impasto::method::Pooling;
use impasto::painting::{Layers, Recipe, Scales, Settings, long_edge};
use serde_json::Value;

#[test]
fn the_classic_preset_is_the_classic_recipe_and_options_win_over_it() {
    let place = Workplace::new();
    let said = |arguments: &str| said(place.stylize(&format!("-o out.png -v {arguments}")));
    // Its own size, 666x500, with one iteration and the shallowest layers, so that the run is quick.
    let classic =
        said("--preset classic --iterations 1 --style-layers conv1_1 --content-layers conv1_1=2");
    assert!(classic.contains("painted   at 666x500"), "{classic}");
    assert!(classic.contains("seen at 666x500"));
    assert!(classic.contains("content × 0.01: conv1_1=2\n"));
    let smaller = said("--preset classic --iterations 1 --size 40x40");
    assert!(smaller.contains("painted   at 40x40"), "{smaller}");
    assert!(smaller.contains("conv1_1=0.5 conv2_1=1 conv3_1=1.5 conv4_1=3 conv5_1=4"));
    assert!(smaller.contains("learning rate 2, from noise, seed 0"));
}

#[test]
fn saved_settings_paint_the_same_picture_again() {
    let place = Workplace::new();
    let options = "--size 64 --iterations 6 --optimizer lbfgs --scales 2 --style-scale 0.7 --tv-weight 0.1 --seed 4 \
                   --style-layers conv2_1=2,conv3_2 --pooling max";
    place
        .stylize(&format!("-o out.png {options} --save-settings mine.toml"))
        .assert()
        .success();
    let picture = std::fs::read(place.path("out.png")).unwrap();
    place
        .stylize("-o again.png --preset mine.toml")
        .assert()
        .success();
    assert!(std::fs::read(place.path("again.png")).unwrap() == picture);
    // An option wins over the file.
    place
        .stylize("-o other.png --preset mine.toml --seed 5")
        .assert()
        .success();
    assert!(std::fs::read(place.path("other.png")).unwrap() != picture);
    let saved = std::fs::read_to_string(place.path("mine.toml")).unwrap();
    assert!(
        saved.contains("optimizer = \"lbfgs\"") && saved.contains("conv3_2 = 1.0"),
        "{saved}"
    );
}

#[test]
fn each_preset_lowers_the_loss() {
    let place = Workplace::new();
    for preset in ["default", "gatys2016", "neural-style"] {
        let options = format!("-o out.png --preset {preset} --size 64 --iterations 8 --log log");
        place.stylize(&options).assert().success();
        let log = place.log("log");
        let total = |line: &Value| line["total"].as_f64().unwrap();
        assert!(total(log.last().unwrap()) < total(&log[0]), "{preset}");
        let first = |loss: &str| log[0][loss].as_f64().unwrap();
        assert!(first("content") >= 0.0 && first("style") > 0.0);
    }
}

#[test]
fn a_preset_that_cannot_be_used_is_refused() {
    let place = Workplace::new();
    let refusal = |arguments: &str| place.refusal(place.stylize(&format!("{SMALL} {arguments}")));
    let line = refusal("--preset clasic");
    assert!(
        line.contains(
            "clasic: no such file or directory; nor is it one of the presets default, gram, classic"
        ),
        "{line}"
    );
    place.write("mine.toml", "size = true\n");
    let line = refusal("--preset mine.toml");
    assert!(
        line.starts_with("error: --preset: mine.toml: line 1: "),
        "{line}"
    );
    for (value, trouble) in [
        ("iterations = 0", "iterations must be 1 or more, not 0"),
        (
            "average = 2.0",
            "average must be from 0 to less than 1, not 2",
        ),
        ("border = 65", "border must be from 0 to 64, not 65"),
    ] {
        place.write("mine.toml", value);
        let expected = format!("error: --preset: mine.toml: {trouble}");
        assert_eq!(refusal("--preset mine.toml"), expected);
    }
    let line = refusal("--save-settings nowhere/mine.toml");
    assert!(
        line.contains("nowhere/mine.toml: --save-settings: there is no folder nowhere"),
        "{line}"
    );
}

type Change = fn(&mut Settings);

/// Files with one key each, of the types that settings have.
#[test]
fn a_preset_that_sets_one_key_leaves_everything_else_at_its_default() {
    let place = Workplace::new();
    let changes: [(&str, Change); 6] = [
        ("seed = 7", |s| s.seed = 7),
        ("style-margin = 0.1", |s| s.style_margin = 0.1),
        ("pooling = 'max'", |s| s.pooling = Pooling::Max),
        ("scales = 2", |s| s.scales = Scales::Count(2)),
        ("tv-mean = false", |s| s.tv_mean = false),
        ("style-layers = { conv2_1 = 3 }", |s| {
            s.style_layers = Layers::from(&[("conv2_1", 3.0)][..]);
        }),
    ];
    for (key, change) in changes {
        place.write("mine.toml", key);
        let run = format!("{SMALL} --preset mine.toml --save-settings all.toml");
        place.stylize(&run).assert().success();
        let mut expected = Settings {
            size: long_edge(48),
            iterations: 3,
            ..Settings::default()
        };
        change(&mut expected);
        let saved = Recipe::open(&place.path("all.toml")).unwrap();
        assert_eq!(saved.settings(), expected, "{key}");
    }
}

#[test]
fn an_empty_preset_file_is_the_default_recipe() {
    let place = Workplace::new();
    let saved = |options: &str| {
        let run = format!("{SMALL} --save-settings all.toml {options}");
        place.stylize(&run).assert().success();
        std::fs::read_to_string(place.path("all.toml")).unwrap()
    };
    place.write("empty.toml", "# Nothing.\n");
    let default = saved("");
    assert_eq!(saved("--preset empty.toml"), default);
    assert_eq!(saved("--preset default"), default);
    // The defaults are those of the style loss.
    let gram = saved("--style-loss gram");
    assert_ne!(gram, default);
    for preset in ["empty.toml", "default", "gram"] {
        let again = saved(&format!("--preset {preset} --style-loss gram"));
        assert_eq!(again, gram, "{preset}");
    }
}
