//! Ctrl-C, as a terminal sends it.
#![cfg(all(unix, feature = "embedded-weights"))]

mod workplace;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use workplace::{Workplace, data};

/// A run that would last for hours, once its log shows that it is under way.
fn begin(place: &Workplace) -> Child {
    let run = Command::new(env!("CARGO_BIN_EXE_impasto"))
        .current_dir(place.path(""))
        .arg("stylize")
        .arg(data("content/chelsea.jpg"))
        .arg(data("style/starry_night.jpg"))
        .args("-o out.png --size 48 --iterations 1000000 --log log.jsonl".split(' '))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = place.path("log.jsonl");
    wait_for("the log", || lines(&log) >= 2);
    run
}

fn lines(log: &Path) -> usize {
    std::fs::read_to_string(log)
        .unwrap_or_default()
        .lines()
        .count()
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "waited for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, run: &Child) {
    let sent = Command::new("kill")
        .args([signal, &run.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn ctrl_c_ends_the_run_and_keeps_the_picture_so_far() {
    let place = Workplace::new();
    let run = begin(&place);
    send("-INT", &run);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("ending after this iteration"), "{said}");
    let last = said.lines().last().unwrap();
    let done = lines(&place.path("log.jsonl"));
    let expected = format!("wrote out.png (48x32, {done} iterations in ");
    assert!(last.starts_with(&expected), "{said}");
    let picture = image::open(place.path("out.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (48, 32));
    assert_eq!(place.contents(), ["log.jsonl", "out.png"]);
}

#[test]
fn being_killed_leaves_no_half_picture() {
    let place = Workplace::new();
    place.write("out.png", "an older picture");
    let mut run = begin(&place);
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(place.contents(), ["log.jsonl", "out.png"]);
    let kept = std::fs::read_to_string(place.path("out.png")).unwrap();
    assert_eq!(kept, "an older picture");
}
