//! Files that `impasto stylize` refuses to write, before the run: missing folders, pipes, and files that it reads.

use crate::workplace::{SMALL, Workplace, data};

#[test]
fn an_output_that_cannot_be_written_is_refused_before_the_run() {
    let place = Workplace::new();
    let too_long = format!("{}.png", "a".repeat(300));
    for (output, reason) in [
        ("missing/out.png", "there is no folder"),
        ("out.xyz", "use one of png, jpg"),
        ("out", "use one of png, jpg"),
        (".", "use one of png, jpg"),
        ("folder.png/", "this is a folder"),
        ("folder.png/.", "this is a folder"),
        (&too_long, "the file name is too long"),
    ] {
        let line = place.refusal(place.stylize(&format!("-o {output} --size 48")));
        assert!(line.contains(&format!("error: {output}: ")), "{line}");
        assert!(line.contains(reason), "{line}");
    }
}

#[test]
fn an_input_is_never_replaced() {
    let place = Workplace::new();
    let cat = std::fs::read(data("content/chelsea.jpg")).unwrap();
    for name in ["cat.jpg", "start.jpg", "w", "00020.png"] {
        place.write(name, &cat);
    }
    let refused = |content: &str, options: &str| {
        let mut command = place.impasto(&format!("stylize {content}"));
        command.arg(data("style/starry_night.jpg"));
        command.args(options.split(' ')).args(["--size", "48"]);
        command.env("IMPASTO_WEIGHTS", "w");
        let line = place.refusal(command);
        assert!(line.contains("would replace"), "{line}");
    };
    refused("cat.jpg", "-o ./cat.jpg");
    refused("cat.jpg", "-o out.png --log cat.jpg");
    refused("cat.jpg", "-o out.png --log ./out.png");
    refused("cat.jpg", "-o out.png --init start.jpg --log start.jpg");
    refused("cat.jpg", "-o out.png --log w");
    refused("cat.jpg", "-o out.png --report cat.jpg");
    refused("cat.jpg", "-o out.png --report ./out.png");
    refused("cat.jpg", "-o out.png --report w");
    refused("cat.jpg", "-o out.png --log r.html --report r.html");
    refused(
        "cat.jpg",
        "-o out.png --save-settings r.html --report r.html",
    );
    refused("cat.jpg", "-o out.png --report r.html --checkpoint r.html");
    refused("cat.jpg", "-o out.png --report r.html --frames r.html");
    refused("00020.png", "-o out.png --frames .");
    refused("cat.jpg", "-o 00003.png --frames .");
    for name in ["cat.jpg", "start.jpg", "w", "00020.png"] {
        assert!(std::fs::read(place.path(name)).unwrap() == cat);
    }
}

#[test]
fn a_report_is_not_begun_if_another_cannot_be_written() {
    let place = Workplace::new();
    place.write("file", "");
    let line = place.refusal(place.stylize(&format!("{SMALL} --log l --frames file/below")));
    assert!(
        line.contains("file/below: no frames can be written there"),
        "{line}"
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_as_picture_and_as_log() {
    let place = Workplace::new();
    let made = std::process::Command::new("mkfifo")
        .arg(place.path("pipe.png"))
        .status();
    assert!(made.unwrap().success());
    let line = place.refusal(place.stylize("-o pipe.png --size 48"));
    assert!(
        line.contains("pipe.png: this is not an ordinary file"),
        "{line}"
    );
    let line = place.refusal(place.stylize(&format!("{SMALL} --log pipe.png")));
    assert!(line.contains("pipe.png: the log would wait"), "{line}");
}

#[test]
fn a_picture_too_large_for_its_format_is_refused_before_the_run() {
    let place = Workplace::new();
    let shallow = "--style-layers conv1_1 --content-layers conv1_1";
    let line = place.refusal(place.stylize(&format!("-o out.webp --size 16384x1 {shallow}")));
    assert!(
        line.contains(
            "out.webp: this format stores at most 16383 pixels in width and height, not 16384x1"
        ),
        "{line}"
    );
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_run() {
    let place = Workplace::new();
    place.write("file", "");
    for (arguments, reason) in [
        ("--log missing/log.jsonl", "there is no folder missing"),
        ("--log .", "this is a folder"),
        (
            "--report missing/r.html",
            "missing/r.html: --report: there is no folder missing",
        ),
        (
            "--report r.jpg",
            "r.jpg: --report writes a page; name a file that ends in .html",
        ),
        ("--frames file", "not a folder"),
        (
            "--frames file/below",
            "file/below: no frames can be written there",
        ),
    ] {
        let line = place.refusal(place.stylize(&format!("{SMALL} {arguments}")));
        assert!(line.contains(reason), "{arguments}: {line}");
    }
}
