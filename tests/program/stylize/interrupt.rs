//! `impasto stylize` and the signals that end it: Ctrl-C, a closed terminal, a shutdown.
#![cfg(unix)]

use crate::page::page;
use crate::processes::{Process, wait_for};
use crate::workplace::Workplace;
use image::codecs::png::PngDecoder;
use image::{AnimationDecoder, DynamicImage};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

/// A run that would last for hours, of the size that these options name.
fn begin(place: &Workplace, options: &str) -> Process {
    let hours = "-o out.png --iterations 1000000 --scales 1 --log log.jsonl";
    Process::start_pair(place, "stylize", &format!("{hours} {options}"))
}

fn lines(log: &Path) -> usize {
    std::fs::read_to_string(log)
        .unwrap_or_default()
        .lines()
        .count()
}

/// Ends a run with these signals during its iterations, and checks what it leaves.
fn check_orderly_end(signals: &[&str]) {
    let place = Workplace::new();
    let run = begin(&place, "--size 48");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    for signal in signals {
        run.send(signal);
    }
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("ending after this iteration"), "{said}");
    let done = lines(&place.path("log.jsonl"));
    let expected = format!("wrote out.png (48x32, {done} iterations in ");
    assert!(
        said.lines().last().unwrap().starts_with(&expected),
        "{said}"
    );
    assert_eq!(place.dimensions("out.png"), (48, 32));
    assert_eq!(place.contents(), ["log.jsonl", "out.png"]);
}

#[test]
fn ctrl_c_ends_the_run_and_keeps_the_picture_so_far() {
    check_orderly_end(&["-INT"]);
}

/// Some programs send their signal to the process and to its group.
#[test]
fn two_signals_at_once_count_as_one() {
    check_orderly_end(&["-INT", "-INT"]);
}

#[test]
fn a_closed_terminal_or_a_shutdown_ends_the_run_in_the_same_way() {
    check_orderly_end(&["-HUP"]);
    check_orderly_end(&["-TERM"]);
}

/// The first iteration of so large a picture takes many seconds.
#[test]
fn a_second_ctrl_c_ends_the_program_at_once() {
    let place = Workplace::new();
    let run = begin(&place, "--size 1200");
    wait_for("the log", || place.path("log.jsonl").exists());
    run.send("-INT");
    std::thread::sleep(Duration::from_millis(1200));
    run.send("-INT");
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(place.contents(), ["log.jsonl"]);
}

#[test]
fn an_animation_ends_with_the_picture_of_a_run_that_is_ended_early() {
    let place = Workplace::new();
    let run = begin(&place, "--size 48 --animation a.png");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    assert!(!place.path("a.png").exists());
    run.send("-INT");
    let (code, said) = run.end();
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
    assert_eq!(last.into_rgb8(), place.rgb("out.png"));
}

#[test]
fn an_animation_that_cannot_be_written_leaves_the_picture_as_it_is() {
    let place = Workplace::new();
    std::fs::create_dir(place.path("gone")).unwrap();
    let run = begin(&place, "--size 48 --animation gone/a.gif");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    std::fs::remove_dir(place.path("gone")).unwrap();
    run.send("-INT");
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    let warning = "warning: no animation: there is no folder gone";
    assert!(said.lines().any(|line| line == warning), "{said}");
    assert_eq!(place.contents(), ["log.jsonl", "out.png"]);
    image::open(place.path("out.png")).unwrap();
}

#[test]
fn the_page_about_a_run_that_is_ended_early_says_so() {
    let place = Workplace::new();
    let run = begin(&place, "--size 48 --report r.html");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    assert!(!place.path("r.html").exists());
    run.send("-INT");
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert_eq!(place.contents(), ["log.jsonl", "out.png", "r.html"]);
    let done = lines(&place.path("log.jsonl"));
    let remark =
        format!("<strong>Ended early</strong>, by Ctrl-C, after iteration {done} of 1000000.");
    assert!(page(&place, "r.html").contains(&remark));
}

#[test]
fn a_page_that_cannot_be_written_leaves_the_picture_as_it_is() {
    let place = Workplace::new();
    std::fs::create_dir(place.path("gone")).unwrap();
    let run = begin(&place, "--size 48 --report gone/r.html");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    std::fs::remove_dir(place.path("gone")).unwrap();
    run.send("-INT");
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    let warning = "warning: no report: gone/r.html: --report: there is no folder gone";
    assert!(said.lines().any(|line| line == warning), "{said}");
    assert_eq!(place.contents(), ["log.jsonl", "out.png"]);
    image::open(place.path("out.png")).unwrap();
}

#[test]
fn being_killed_leaves_the_older_picture_as_it_was() {
    let place = Workplace::new();
    place.write("out.png", "an older picture");
    let run = begin(&place, "--size 48");
    wait_for("two iterations", || lines(&place.path("log.jsonl")) >= 2);
    run.kill();
    assert_eq!(place.contents(), ["log.jsonl", "out.png"]);
    let kept = std::fs::read_to_string(place.path("out.png")).unwrap();
    assert_eq!(kept, "an older picture");
}
