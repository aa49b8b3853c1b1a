//! Runs that are killed, and end with the same bytes as runs that are not.
#![cfg(unix)]

use crate::workplace::{Workplace, data};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Several sizes, the state that each optimiser has, and few layers: what is tested is begun again and again.
const LBFGS: &str = "--size 72 --border 3 --scales 2 --iterations 60 --optimizer lbfgs --content-layers conv2_1 --style-layers conv1_1,conv2_1";
const ADAM: &str = "--size 72 --border 3 --scales 40 --iterations 60 --optimizer adam --average 0.9 --tv-weight 0.01 --content-layers conv2_1 --style-layers conv1_1,conv2_1";

fn begin(place: &Workplace, arguments: &[&str], options: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_impasto"))
        .current_dir(place.path(""))
        .env_remove("IMPASTO_WEIGHTS")
        .env_remove("IMPASTO_CPU")
        .args(arguments)
        .args(options.split_whitespace())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn stylize(place: &Workplace, options: &str) -> Child {
    let (content, style) = (data("content/chelsea.jpg"), data("style/starry_night.jpg"));
    let arguments = [
        "stylize",
        content.to_str().unwrap(),
        style.to_str().unwrap(),
    ];
    begin(place, &arguments, options)
}

/// The picture and the losses of a run that nobody disturbs.
fn undisturbed(options: &str) -> (Vec<u8>, Vec<String>) {
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

/// Kills a run again and again, each time at a random moment, until one comes to its end. How often it was killed.
fn kill_until_it_ends(place: &Workplace, options: &str, random: &mut Pcg64Mcg) -> usize {
    let options =
        format!("-o out.png --log log.jsonl --checkpoint run.ckpt --checkpoint-every 1 {options}");
    let written = || {
        std::fs::metadata(place.path("run.ckpt"))
            .and_then(|file| file.modified())
            .ok()
    };
    let mut run = stylize(place, &options);
    for kills in 0.. {
        // Mostly it gets some iterations further; now and then it is killed while it is still being set up.
        let before = written();
        let further = random.random_range(0..4) > 0;
        let mut moment = Instant::now();
        let patience = Duration::from_micros(random.random_range(0..60_000));
        let ended = loop {
            if let Some(status) = run.try_wait().unwrap() {
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
        run.kill().unwrap(); // SIGKILL
        run.wait().unwrap();
        let begun = place.path("run.ckpt").exists() || place.path("run.ckpt.previous").exists();
        run = match begun {
            true => begin_again(place),
            false => stylize(place, &options),
        };
    }
    unreachable!("each run gets further")
}

fn begin_again(place: &Workplace) -> Child {
    begin(place, &["resume", "run.ckpt"], "--threads 1")
}

/// Some dozens of kills for each optimiser, at random moments: while it reads, evaluates, steps, and writes.
#[test]
fn a_run_that_is_killed_at_any_moment_ends_with_the_same_bytes() {
    let mut random = Pcg64Mcg::seed_from_u64(11);
    for options in [LBFGS, ADAM] {
        let (picture, log) = undisturbed(options);
        let mut kills = 0;
        while kills < 24 {
            let place = Workplace::new();
            kills += kill_until_it_ends(&place, options, &mut random);
            assert!(
                std::fs::read(place.path("out.png")).unwrap() == picture,
                "{options}"
            );
            assert_eq!(losses(&place.path("log.jsonl")), log, "{options}");
            // What is left behind by a kill in the middle of writing begins with a dot.
            let mut left = place.contents();
            left.retain(|name| !name.starts_with(".impasto-"));
            assert_eq!(left, ["log.jsonl", "out.png"]);
        }
    }
}

/// A run that was ended by Ctrl-C, with its checkpoint.
fn ended_early(place: &Workplace) {
    let options = format!("-o out.png --checkpoint run.ckpt --checkpoint-every 1 {LBFGS}");
    let mut run = stylize(place, &options);
    let begin = Instant::now();
    while !place.path("run.ckpt.previous").exists() {
        assert!(begin.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(2));
    }
    let sent = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(130));
}

#[test]
fn a_run_that_was_ended_early_goes_on_from_any_folder() {
    let (place, elsewhere) = (Workplace::new(), Workplace::new());
    ended_early(&place);
    let moved = elsewhere.path("moved.ckpt");
    std::fs::rename(place.path("run.ckpt"), &moved).unwrap();
    let said = elsewhere.impasto("resume moved.ckpt").assert().success();
    let said = String::from_utf8(said.get_output().stderr.clone()).unwrap();
    assert!(said.starts_with("continuing after iteration "), "{said}");
    assert_eq!(
        std::fs::read(place.path("out.png")).unwrap(),
        undisturbed(LBFGS).0
    );
    assert_eq!(elsewhere.contents(), [""; 0]);
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_it_used() {
    let place = Workplace::new();
    ended_early(&place);
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
    let run = place.impasto("resume run.ckpt").assert().success();
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    let warning = "warning: run.ckpt: the checkpoint is damaged or cut short; continuing from the previous checkpoint, run.ckpt.previous";
    assert!(said.starts_with(warning), "{said}");
    assert_eq!(
        std::fs::read(place.path("out.png")).unwrap(),
        undisturbed(LBFGS).0
    );
}

#[test]
fn inputs_that_have_changed_are_not_silently_used() {
    let place = Workplace::new();
    std::fs::copy(data("content/chelsea.jpg"), place.path("photo.jpg")).unwrap();
    let options = format!("-o out.png --checkpoint run.ckpt --checkpoint-every 1 {ADAM}");
    let style = data("style/starry_night.jpg");
    let mut run = begin(
        &place,
        &["stylize", "photo.jpg", style.to_str().unwrap()],
        &options,
    );
    while !place.path("run.ckpt").exists() {
        assert_eq!(run.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(2));
    }
    run.kill().unwrap();
    run.wait().unwrap();
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
    // Put back, it goes on; or with another one, if that is what is wanted.
    std::fs::copy(place.path("run.ckpt"), place.path("copy.ckpt")).unwrap();
    place.write("photo.jpg", photograph);
    place.impasto("resume run.ckpt -q").assert().success();
    // The file itself names another photograph.
    let expected = image::load_from_memory(&undisturbed(ADAM).0).unwrap();
    assert!(place.pixels("out.png") == expected.into_bytes());
    std::fs::copy(data("content/coffee.jpg"), place.path("photo.jpg")).unwrap();
    let run = place
        .impasto("resume copy.ckpt --changed-inputs")
        .assert()
        .success();
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(
        said.starts_with("warning: changed since the run began: photo.jpg"),
        "{said}"
    );
}

#[test]
fn what_is_no_checkpoint_is_refused() {
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

#[test]
fn a_checkpoint_that_is_there_is_not_replaced_by_another_run() {
    let place = Workplace::new();
    place.write("run.ckpt", "of another run");
    for (options, trouble) in [
        (
            "--checkpoint run.ckpt",
            "run.ckpt: --checkpoint would replace this file",
        ),
        (
            "--checkpoint out.png",
            "--checkpoint would replace another file of this run",
        ),
        (
            "--frames fresh --checkpoint fresh",
            "--frames would replace another file of this run",
        ),
        ("--checkpoint missing/run.ckpt", "there is no folder"),
    ] {
        let command = place.stylize(&format!("-o out.png --size 48 --iterations 2 {options}"));
        let line = place.refusal(command);
        assert!(line.contains(trouble), "{line}");
    }
    place
        .stylize("-o out.png --checkpoint c --checkpoint-every often")
        .assert()
        .code(2);
}

/// The folder is removed after the run has begun; the shell's limit on the size of files stands for a full disk.
#[test]
fn a_run_whose_places_fail_goes_on_and_keeps_its_picture_elsewhere() {
    let place = Workplace::new();
    for folder in ["out", "state", "rescue", "gone"] {
        std::fs::create_dir(place.path(folder)).unwrap();
    }
    let mut command = place.stylize(
        "-o out/out.png --size 64 --iterations 150 --content-layers conv2_1 --style-layers conv1_1 --checkpoint state/run.ckpt --checkpoint-every 1",
    );
    command.env("TMPDIR", place.path("rescue"));
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| command.assert().code(1));
        while !place.path("state/run.ckpt.previous").exists() {
            std::thread::sleep(Duration::from_millis(2));
        }
        // Moved away in one step: a folder that the run still writes to cannot be emptied.
        for folder in ["out", "state"] {
            std::fs::rename(place.path(folder), place.path("gone").join(folder)).unwrap();
        }
        run.join().unwrap()
    });
    let said = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(said.contains("warning: no checkpoint: "), "{said}");
    assert_eq!(
        said.matches("warning: no checkpoint: ").count(),
        1,
        "said once: {said}"
    );
    let last = said.lines().last().unwrap();
    assert!(
        last.contains("out/out.png") && last.contains("the picture is in "),
        "{said}"
    );
    let rescued: Vec<_> = place.path("rescue").read_dir().unwrap().collect();
    assert_eq!(rescued.len(), 1);
    let rescued = rescued[0].as_ref().unwrap().path();
    assert_eq!(image::open(rescued).unwrap().width(), 64);
}

#[test]
fn a_full_disk_costs_checkpoints_but_no_picture() {
    let place = Workplace::new();
    // 40 blocks of 512 bytes: enough for a small picture, too little for a checkpoint.
    let script = format!(
        "trap '' XFSZ; ulimit -f 40; exec {} stylize {} {} -o out.png --size 48 --iterations 5 --checkpoint run.ckpt --checkpoint-every 1",
        env!("CARGO_BIN_EXE_impasto"),
        data("content/chelsea.jpg").display(),
        data("style/starry_night.jpg").display()
    );
    let run = Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{said}");
    assert!(said.contains("warning: no checkpoint: "), "{said}");
    assert_eq!(place.contents(), ["out.png"]);
}
