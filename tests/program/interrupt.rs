//! Ctrl-C, as a terminal sends it.
#![cfg(unix)]

use crate::workplace::{Workplace, data};
use image::codecs::png::PngDecoder;
use image::{AnimationDecoder, DynamicImage};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A run that is ended with the test, whatever becomes of it.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run that would last for hours, of the size that these options name.
fn begin(place: &Workplace, options: &str) -> Run {
    let run = Command::new(env!("CARGO_BIN_EXE_impasto"))
        .current_dir(place.path(""))
        .env_remove("IMPASTO_WEIGHTS")
        .arg("stylize")
        .arg(data("content/chelsea.jpg"))
        .arg(data("style/starry_night.jpg"))
        .args("-o out.png --iterations 1000000 --scales 1 --log log.jsonl".split(' '))
        .args(options.split(' '))
        .stderr(Stdio::piped())
        .spawn();
    Run(run.unwrap())
}

/// Waits for the end: the exit code, and what was said.
fn end(mut run: Run) -> (Option<i32>, String) {
    wait_for("the end", || run.0.try_wait().unwrap().is_some());
    let mut said = String::new();
    let mut stderr = run.0.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    (run.0.wait().unwrap().code(), said)
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

fn send(signal: &str, run: &Run) {
    let sent = Command::new("kill")
        .args([signal, &run.0.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Ends a run in its loop, and looks at what it leaves.
fn is_ended_in_order(signals: &[&str]) {
    let place = Workplace::new();
    let run = begin(&place, "--size 48");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    for signal in signals {
        send(signal, &run);
    }
    let (code, said) = end(run);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("ending after this iteration"), "{said}");
    let done = lines(&place.path("log.jsonl"));
    let expected = format!("wrote out.png (48x32, {done} iterations in ");
    assert!(
        said.lines().last().unwrap().starts_with(&expected),
        "{said}"
    );
    let picture = image::open(place.path("out.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (48, 32));
    assert_eq!(place.contents(), ["log.jsonl", "out.png"]);
}

#[test]
fn ctrl_c_ends_the_run_and_keeps_the_picture_so_far() {
    is_ended_in_order(&["-INT"]);
}

/// Some programs send their signal to the process and to its group.
#[test]
fn two_signals_at_once_are_one_wish() {
    is_ended_in_order(&["-INT", "-INT"]);
}

#[test]
fn a_closed_terminal_or_a_shutdown_ends_the_run_in_the_same_way() {
    is_ended_in_order(&["-HUP"]);
    is_ended_in_order(&["-TERM"]);
}

/// The first iteration of so large a picture takes many seconds.
#[test]
fn a_second_ctrl_c_ends_the_program_at_once() {
    let place = Workplace::new();
    let run = begin(&place, "--size 1200");
    wait_for("the log", || place.path("log.jsonl").exists());
    send("-INT", &run);
    std::thread::sleep(Duration::from_millis(1200));
    send("-INT", &run);
    let (code, said) = end(run);
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(place.contents(), ["log.jsonl"]);
}

#[test]
fn an_animation_ends_with_the_picture_of_a_run_that_is_ended_early() {
    let place = Workplace::new();
    let run = begin(&place, "--size 48 --animation a.png");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    assert!(!place.path("a.png").exists());
    send("-INT", &run);
    let (code, said) = end(run);
    assert_eq!(code, Some(130), "{said}");
    let done = lines(&place.path("log.jsonl"));
    let file = BufReader::new(File::open(place.path("a.png")).unwrap());
    let frames = PngDecoder::new(file).unwrap().apng().unwrap().into_frames();
    let frames = frames.collect_frames().unwrap();
    assert!(
        (2..=done).contains(&frames.len()),
        "{} of {done}",
        frames.len()
    );
    let last = DynamicImage::ImageRgba8(frames.last().unwrap().buffer().clone());
    let painted = image::open(place.path("out.png")).unwrap();
    assert_eq!(last.into_rgb8(), painted.into_rgb8());
}

#[test]
fn an_animation_that_cannot_be_written_leaves_the_picture_as_it_is() {
    let place = Workplace::new();
    std::fs::create_dir(place.path("gone")).unwrap();
    let run = begin(&place, "--size 48 --animation gone/a.gif");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    std::fs::remove_dir(place.path("gone")).unwrap();
    send("-INT", &run);
    let (code, said) = end(run);
    assert_eq!(code, Some(130), "{said}");
    let warning = "warning: no animation: there is no folder gone";
    assert!(said.lines().any(|line| line == warning), "{said}");
    assert_eq!(place.contents(), ["log.jsonl", "out.png"]);
    image::open(place.path("out.png")).unwrap();
}

#[test]
fn ctrl_c_ends_an_explanation_and_keeps_the_figure_so_far() {
    let place = Workplace::new();
    let explain = Command::new(env!("CARGO_BIN_EXE_impasto"))
        .current_dir(place.path(""))
        .env_remove("IMPASTO_WEIGHTS")
        .arg("explain")
        .arg(data("content/chelsea.jpg"))
        .arg(data("style/starry_night.jpg"))
        .args("-o out.png --iterations 1000000 --size 48".split(' '))
        .stderr(Stdio::piped())
        .spawn();
    let mut run = Run(explain.unwrap());
    let mut said = BufReader::new(run.0.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "panel 1 of 10: style up to conv1_1\n");
    assert!(place.contents().is_empty());
    send("-INT", &run);
    wait_for("the end", || run.0.try_wait().unwrap().is_some());
    assert_eq!(run.0.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    let lines: Vec<_> = rest.lines().collect();
    assert_eq!(lines.len(), 2, "{rest}");
    assert!(
        lines[0].contains("ending after this iteration, and the picture so far is written"),
        "{rest}"
    );
    assert!(lines[1].starts_with("wrote out.png ("), "{rest}");
    assert_eq!(place.contents(), ["out.png"]);
    image::open(place.path("out.png")).unwrap();
}

#[test]
fn being_killed_leaves_the_older_picture_as_it_was() {
    let place = Workplace::new();
    place.write("out.png", "an older picture");
    let mut run = begin(&place, "--size 48");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    run.0.kill().unwrap();
    run.0.wait().unwrap();
    assert_eq!(place.contents(), ["log.jsonl", "out.png"]);
    let kept = std::fs::read_to_string(place.path("out.png")).unwrap();
    assert_eq!(kept, "an older picture");
}
