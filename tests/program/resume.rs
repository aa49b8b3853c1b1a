//! `impasto resume`: runs that are killed, and end with the same bytes as runs that are not.
#![cfg(unix)]

use crate::page::page;
use crate::processes::{Process, wait_for};
use crate::workplace::{Workplace, data, said};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs of several sizes, one for each optimizer. Their layers are few, because the tests begin them again and again.
const LBFGS: &str = "--size 72 --border 3 --scales 2 --iterations 60 --optimizer lbfgs --content-layers conv2_1 --style-layers conv1_1,conv2_1";

const ADAM: &str = "--size 72 --border 3 --scales 40 --iterations 60 --optimizer adam --average 0.9 --tv-weight 0.01 --content-layers conv2_1 --style-layers conv1_1,conv2_1";

/// Random positions of each iteration, and targets that depend on the picture that a size began with.
const STROTSS: &str = "--preset strotss --size 48 --scales 24,48 --iterations 8 --finer-iterations 8 --content-layers conv2_1 --style-layers conv1_1,conv2_1";

const NEAREST: &str = "--preset nnst --size 48 --scales 24,48 --iterations 8 --finer-iterations 8 --split-iterations 8 --style-layers conv1_1,conv2_1";

/// The picture and the losses of a run that is not interrupted.
fn uninterrupted(options: &str) -> (Vec<u8>, Vec<String>) {
    let place = Workplace::new();
    let arguments = format!("-o out.png --log log.jsonl {options}");
    place.stylize(&arguments).assert().success();
    (
        std::fs::read(place.path("out.png")).unwrap(),
        losses(&place.path("log.jsonl")),
    )
}

/// The lines of a log without their times.
fn losses(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap();
    let without_time = |line: &str| line.split(",\"seconds\"").next().unwrap().to_owned();
    text.lines().map(without_time).collect()
}

/// Kills a run again and again, each time at a random moment, until one reaches its end. Returns how often it was killed.
fn kill_until_it_ends(place: &Workplace, options: &str, random: &mut Pcg64Mcg) -> usize {
    let options =
        format!("-o out.png --log log.jsonl --checkpoint run.ckpt --checkpoint-every 1 {options}");
    let written = || {
        std::fs::metadata(place.path("run.ckpt"))
            .and_then(|file| file.modified())
            .ok()
    };
    let mut run = Process::start_pair(place, "stylize", &options);
    for kills in 0.. {
        // Mostly it is killed some iterations later, sometimes while it is still starting.
        let before = written();
        let further = random.random_range(0..4) > 0;
        let mut moment = Instant::now();
        let patience = Duration::from_micros(random.random_range(0..60_000));
        let ended = loop {
            if let Some(status) = run.0.try_wait().unwrap() {
                break Some(status);
            }
            if further && written() == before {
                moment = Instant::now();
            } else if moment.elapsed() > patience {
                break None;
            }
            std::thread::sleep(Duration::from_micros(200));
        };
        if let Some(status) = ended {
            assert!(status.success());
            return kills;
        }
        run.kill();
        let begun = place.path("run.ckpt").exists() || place.path("run.ckpt.previous").exists();
        run = if begun {
            Process::start(place, ["resume", "run.ckpt"], "--threads 1")
        } else {
            Process::start_pair(place, "stylize", &options)
        };
    }
    unreachable!("each run gets further")
}

/// Some dozens of kills for each optimizer, at random moments: while it reads, evaluates, steps, and writes.
#[test]
fn a_run_that_is_killed_at_any_moment_ends_with_the_same_bytes() {
    let mut random = Pcg64Mcg::seed_from_u64(11);
    for (options, least_kills) in [(LBFGS, 24), (ADAM, 24), (STROTSS, 8), (NEAREST, 8)] {
        let (picture, log) = uninterrupted(options);
        let mut kills = 0;
        while kills < least_kills {
            let place = Workplace::new();
            kills += kill_until_it_ends(&place, options, &mut random);
            assert!(
                std::fs::read(place.path("out.png")).unwrap() == picture,
                "{options}"
            );
            assert_eq!(losses(&place.path("log.jsonl")), log, "{options}");
            // A kill in the middle of writing leaves a file whose name begins with a dot.
            let mut left = place.contents();
            left.retain(|name| !name.starts_with(".impasto-"));
            assert_eq!(left, ["log.jsonl", "out.png"]);
        }
    }
}

/// Interrupts a run by Ctrl-C, which leaves its checkpoint.
fn interrupt_run(place: &Workplace) {
    let options = "-o out.png --checkpoint run.ckpt --checkpoint-every 1 --report r.html";
    let options = format!("{options} {LBFGS}");
    let run = Process::start_pair(place, "stylize", &options);
    wait_for("two checkpoints", || {
        place.path("run.ckpt.previous").exists()
    });
    run.send("-INT");
    assert_eq!(run.end().0, Some(130));
}

#[test]
fn an_interrupted_run_continues_from_any_folder() {
    let (place, elsewhere) = (Workplace::new(), Workplace::new());
    interrupt_run(&place);
    let moved = elsewhere.path("moved.ckpt");
    std::fs::rename(place.path("run.ckpt"), &moved).unwrap();
    let said = said(elsewhere.impasto("resume moved.ckpt"));
    assert!(said.starts_with("continuing after iteration "), "{said}");
    assert_eq!(
        std::fs::read(place.path("out.png")).unwrap(),
        uninterrupted(LBFGS).0
    );
    assert_eq!(elsewhere.contents(), [""; 0]);
}

#[test]
fn the_page_about_a_continued_run_says_where_its_curves_begin() {
    let place = Workplace::new();
    interrupt_run(&place);
    assert!(page(&place, "r.html").contains("Ended early"));
    let said = said(place.impasto("resume run.ckpt"));
    let done = said.split_once("continuing after iteration ").unwrap().1;
    let done: usize = done.lines().next().unwrap().parse().unwrap();
    let page = page(&place, "r.html");
    assert!(!page.contains("Ended early"));
    let remark = format!("<strong>Continued</strong> from a checkpoint after iteration {done}: ");
    assert!(page.contains(&remark));
    assert!(page.contains(&format!("Iteration {}</th>", done + 1)));
    assert!(page.contains("<dt>Iterations</dt><dd>60</dd>"));
}

#[test]
fn a_damaged_checkpoint_is_replaced_by_the_previous_one_with_a_warning() {
    let place = Workplace::new();
    interrupt_run(&place);
    let whole = std::fs::read(place.path("run.ckpt")).unwrap();
    let mut turned = whole.clone();
    turned[whole.len() / 2] ^= 1;
    for (damaged, trouble) in [
        (&whole[..whole.len() - 7], "damaged or cut short"),
        (&whole[..10], "not a checkpoint"),
        (&[], "not a checkpoint"),
        (&turned, "damaged or cut short"),
    ] {
        place.write("run.ckpt", damaged);
        let previous = place.path("run.ckpt.previous");
        let kept = std::fs::read(&previous).unwrap();
        std::fs::remove_file(&previous).unwrap();
        let line = place.refusal(place.impasto("resume run.ckpt"));
        assert!(
            line.contains("run.ckpt: ") && line.contains(trouble),
            "{line}"
        );
        place.write("run.ckpt.previous", b"nor this");
        let line = place.refusal(place.impasto("resume run.ckpt"));
        assert!(
            line.contains("the previous checkpoint cannot be used either: run.ckpt.previous: "),
            "{line}"
        );
        place.write("run.ckpt.previous", kept);
    }
    let said = said(place.impasto("resume run.ckpt"));
    let warning = "warning: run.ckpt: the checkpoint is damaged or cut short; continuing from the previous checkpoint, run.ckpt.previous";
    assert!(said.starts_with(warning), "{said}");
    assert_eq!(
        std::fs::read(place.path("out.png")).unwrap(),
        uninterrupted(LBFGS).0
    );
}

#[test]
fn changed_inputs_are_not_used_silently() {
    let place = Workplace::new();
    std::fs::copy(data("content/chelsea.jpg"), place.path("photo.jpg")).unwrap();
    let options = format!("-o out.png --checkpoint run.ckpt --checkpoint-every 1 {ADAM}");
    let style = data("style/starry_night.jpg");
    let arguments = ["stylize", "photo.jpg", style.to_str().unwrap()];
    let mut run = Process::start(&place, arguments, &options);
    wait_for("a checkpoint", || {
        assert!(!run.has_ended());
        place.path("run.ckpt").exists()
    });
    run.kill();
    let photograph = std::fs::read(place.path("photo.jpg")).unwrap();
    std::fs::copy(data("content/coffee.jpg"), place.path("photo.jpg")).unwrap();
    let line = place.refusal(place.impasto("resume run.ckpt"));
    assert!(
        line.contains("missing, or changed since the run began: photo.jpg"),
        "{line}"
    );
    std::fs::remove_file(place.path("photo.jpg")).unwrap();
    let line = place.refusal(place.impasto("resume run.ckpt"));
    assert!(
        line.contains("missing, or changed since the run began: photo.jpg"),
        "{line}"
    );
    // The run continues when it is put back; or with another one, if that is asked for.
    std::fs::copy(place.path("run.ckpt"), place.path("copy.ckpt")).unwrap();
    place.write("photo.jpg", photograph);
    place.impasto("resume run.ckpt -q").assert().success();
    // Only the pixels: the files name different photographs.
    let expected = image::load_from_memory(&uninterrupted(ADAM).0).unwrap();
    assert!(place.pixels("out.png") == expected.into_bytes());
    std::fs::copy(data("content/coffee.jpg"), place.path("photo.jpg")).unwrap();
    let said = said(place.impasto("resume copy.ckpt --changed-inputs"));
    assert!(
        said.starts_with("warning: changed since the run began: photo.jpg"),
        "{said}"
    );
}

#[test]
fn a_file_that_is_not_a_checkpoint_is_refused() {
    let place = Workplace::new();
    place.write("text.ckpt", "this is none");
    for (name, trouble) in [
        ("missing.ckpt", "missing.ckpt: no such file"),
        ("text.ckpt", "text.ckpt: not a checkpoint"),
        (".", "not a file"),
    ] {
        let line = place.refusal(place.impasto(&format!("resume {name}")));
        assert!(line.contains(trouble), "{line}");
    }
}
