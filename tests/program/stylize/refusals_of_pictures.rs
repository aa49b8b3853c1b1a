//! Pictures that `impasto stylize` refuses: one clear line that names the file, exit code 1, and nothing written.

use crate::workplace::{SMALL, Workplace, data, png_header};

/// The refusal of a run with this photograph.
fn refusal_of(place: &Workplace, name: &str) -> String {
    let mut command = place.impasto(&format!("stylize {name}"));
    command
        .arg(data("style/starry_night.jpg"))
        .args(SMALL.split(' '));
    place.refusal(command)
}

#[test]
fn a_bad_picture_is_refused_with_its_name() {
    let place = Workplace::new();
    let jpeg = std::fs::read(data("content/chelsea.jpg")).unwrap();
    place.write("empty.jpg", "");
    place.write("text.jpg", "this is not a picture, whatever its name says");
    place.write("cut.jpg", &jpeg[..jpeg.len() / 2]);
    place.write("nothing.png", png_header(0, 7));
    place.write("bomb.png", png_header(100_000, 100_000));
    std::fs::create_dir(place.path("folder.jpg")).unwrap();
    for (name, reason) in [
        ("missing.jpg", "no such file"),
        ("empty.jpg", "empty"),
        ("text.jpg", "not a picture"),
        ("cut.jpg", "cut short"),
        ("folder.jpg", "not a file"),
        ("nothing.png", "nothing.png: "),
        (
            "bomb.png",
            "it declares 100000x100000 pixels; at most 200 million are accepted",
        ),
    ] {
        let line = refusal_of(&place, name);
        assert!(
            line.contains(&format!("content picture: {name}: ")),
            "{line}"
        );
        assert!(line.contains(reason), "{line}");
    }
    // The same is true of the painting, and of a picture to begin with.
    let mut command = place.impasto("stylize");
    command
        .arg(data("content/chelsea.jpg"))
        .arg("cut.jpg")
        .args(SMALL.split(' '));
    assert!(place.refusal(command).contains("style picture: cut.jpg: "));
    let line = place.refusal(place.stylize(&format!("{SMALL} --init cut.jpg")));
    assert!(line.contains("--init picture: cut.jpg: "), "{line}");
}

#[cfg(unix)]
#[test]
fn a_picture_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Workplace::new();
    let file = place.write("secret.png", "");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read(&file).is_ok() {
        return; // Root may read everything.
    }
    assert!(refusal_of(&place, "secret.png").contains("permission denied"));
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    let place = Workplace::new();
    let mut command = place.impasto("stylize");
    command
        .arg("no\x1b[31m\nsuch.jpg")
        .arg(data("style/starry_night.jpg"));
    command.args(SMALL.split(' '));
    let line = place.refusal(command);
    assert!(
        line.contains(r"no\u{1b}[31m\nsuch.jpg: no such file"),
        "{line}"
    );
}
