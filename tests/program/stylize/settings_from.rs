//! `impasto stylize --settings-from`: a picture tells how it was made.

use super::SHALLOW;
use crate::workplace::{Workplace, data, said};

#[test]
fn settings_from_paints_a_picture_again() {
    let place = Workplace::new();
    let options =
        format!("{SHALLOW} --seed 3 --init noise --style-loss moments --content-weight 7");
    place
        .stylize(&format!("-o first.png {options}"))
        .assert()
        .success();
    let again = |arguments: &str| {
        place
            .impasto(&format!("stylize --settings-from first.png {arguments}"))
            .assert()
            .success();
    };
    again("-o again.png");
    let file = |name: &str| std::fs::read(place.path(name)).unwrap();
    assert!(file("first.png") == file("again.png"));
    // Pictures and settings on the command line win over those of the file.
    again("-o other.png --seed 4");
    assert!(place.pixels("first.png") != place.pixels("other.png"));
    again(&format!(
        "-o coffee.png {}",
        data("content/coffee.jpg").display()
    ));
    assert_eq!(place.rgb("coffee.png").width(), 48);

    place
        .stylize(&format!("-o bare.png --no-settings {SHALLOW}"))
        .assert()
        .success();
    // Neither file may replace the one that it was made from.
    place.write("mine.toml", "seed = 3\n");
    for (options, named) in [
        (
            "--settings-from first.png -o first.png",
            "first.png: --output",
        ),
        (
            "--settings-from first.png -o out.png --save-settings first.png",
            "first.png: --save-settings",
        ),
        (
            "no.jpg no.jpg --preset mine.toml -o out.png --save-settings mine.toml",
            "mine.toml: --save-settings",
        ),
    ] {
        let line = place.refusal(place.impasto(&format!("stylize {options}")));
        let expected = format!("error: {named} would replace a file that is read; name another");
        assert_eq!(line, expected);
    }

    for (file, trouble) in [
        ("bare.png", "bare.png: it stores no text"),
        ("missing.png", "missing.png: no such file"),
    ] {
        let line =
            place.refusal(place.impasto(&format!("stylize --settings-from {file} -o out.png")));
        assert!(
            line.contains("--settings-from") && line.contains(trouble),
            "{line}"
        );
    }
}

#[test]
fn the_settings_of_another_command_are_used_with_a_remark() {
    let place = Workplace::new();
    let painting = data("style/starry_night.jpg");
    let texture = format!(
        "texture {} -o texture.png --size 48 --iterations 1 -q",
        painting.display()
    );
    place.impasto(&texture).assert().success();
    let said =
        said(place.impasto("stylize --settings-from texture.png -o again.png --threads 500"));
    assert!(
        said.contains("texture.png: its settings are those of impasto texture\n"),
        "{said}"
    );
    assert!(
        said.contains("--threads 500: more than this machine's cores"),
        "{said}"
    );
    assert!(said.contains(", 1 iteration in "), "{said}");
    assert!(place.pixels("again.png") == place.pixels("texture.png"));
}
