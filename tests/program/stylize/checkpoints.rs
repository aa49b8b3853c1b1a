//! `impasto stylize --checkpoint`, and runs whose folders or disk fail. What `impasto resume` does is in `resume.rs`.
#![cfg(unix)]

use crate::workplace::{Workplace, data};
use std::process::Command;
use std::time::Duration;

#[test]
fn an_existing_checkpoint_is_not_replaced_by_another_run() {
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
fn a_run_whose_folders_disappear_saves_its_picture_elsewhere() {
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
fn a_full_disk_prevents_checkpoints_but_not_the_picture() {
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
