//! `impasto stylize --settings-from`: a picture tells how it was made.

use super::SHALLOW;
use crate::workplace::{Workplace, data};

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
