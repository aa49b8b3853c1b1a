//! Several processes that paint one picture, started by a real `mpirun` on this machine.
#![cfg(feature = "mpi")]

#[path = "../program/workplace.rs"]
mod workplace;

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use workplace::{Workplace, data, said};

/// A run of two sizes and 20 iterations. Its layers are shallow: the deeper they are, the faster the optimization magnifies rounding.
const SHALLOW: &str = "--preset classic --border 5 --scales 2 --threads 1 --size 224 --iterations 20 --content-layers conv2_1 --style-layers conv1_1,conv2_1";

/// A run of two sizes and 10 iterations, with deeper layers. Each iteration magnifies rounding by about 1.6, so that after 20 even one process would
/// differ by almost 1e-5 from itself with its sums rounded in another order.
const DEEP: &str = "--preset classic --border 5 --scales 2 --threads 1 --size 320 --iterations 10 --content-layers conv3_1 --style-layers conv1_1,conv2_1,conv3_1";

/// `mpirun` of so many processes, which paint the cat in the style of the night with these arguments.
fn mpirun(place: &Workplace, processes: usize, arguments: &str) -> Command {
    let mut command = launcher(place);
    command
        .args(["-n", &processes.to_string(), env!("CARGO_BIN_EXE_impasto")])
        .arg("stylize")
        .arg(data("content/chelsea.jpg"))
        .arg(data("style/starry_night.jpg"))
        .args(arguments.split_whitespace());
    command
}

/// `mpirun` of two processes, the second with the instructions of this CPU.
fn with_another_cpu(place: &Workplace, cpu: &str) -> Command {
    let mut command = mpirun(place, 1, "-o out.png --size 48 --iterations 2 --mpi");
    command
        .args([":", "-x", &format!("IMPASTO_CPU={cpu}"), "-n", "1"])
        .args([
            env!("CARGO_BIN_EXE_impasto"),
            "stylize",
            "-o",
            "out.png",
            "--mpi",
        ])
        .args([data("content/chelsea.jpg"), data("style/starry_night.jpg")]);
    command
}

/// `mpirun` without what it is to start. These tests start more processes than the machine has cores.
fn launcher(place: &Workplace) -> Command {
    let mut command = Command::new("mpirun");
    command
        .current_dir(place.path(""))
        .env_remove("IMPASTO_WEIGHTS")
        .env_remove("IMPASTO_CPU")
        .args([
            "--allow-run-as-root",
            "--oversubscribe",
            "--bind-to",
            "none",
        ]);
    command
}

/// What a command that succeeds says.
fn succeeds(command: Command) -> String {
    said(assert_cmd::Command::from_std(command))
}

/// The lines that impasto itself says, of a command that fails: `mpirun` adds its own.
fn fails(mut command: Command) -> Vec<String> {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    errors(&String::from_utf8_lossy(&output.stderr))
}

fn errors(said: &str) -> Vec<String> {
    let lines = said.lines().filter(|line| line.starts_with("error: "));
    lines.map(str::to_owned).collect()
}

fn losses(place: &Workplace, log: &str) -> Vec<f64> {
    let lines = place.log(log);
    let total = |line: &serde_json::Value| line["total"].as_f64().unwrap();
    lines.iter().map(total).collect()
}

#[test]
fn one_to_four_processes_paint_the_same_picture() {
    for (iterations, arguments) in [(20, SHALLOW), (10, DEEP)] {
        let place = Workplace::new();
        let alone = place.stylize(&format!("-o alone.png --log alone.jsonl {arguments}"));
        said(alone);
        let expected = losses(&place, "alone.jsonl");
        assert_eq!(expected.len(), iterations);
        for processes in 1..=4 {
            check_processes(&place, processes, arguments, &expected);
        }
    }
}

/// Paints twice with these processes, and compares the losses with those of one, and the picture with `alone.png`.
fn check_processes(place: &Workplace, processes: usize, arguments: &str, expected: &[f64]) {
    let run = |name: &str| {
        let arguments =
            format!("-o {name}.png --no-settings --log {name}.jsonl --mpi -v {arguments}");
        let said = succeeds(mpirun(place, processes, &arguments));
        assert_eq!(said.contains("MB an iteration"), processes > 1, "{said}");
        std::fs::read(place.path(&format!("{name}.png"))).unwrap()
    };
    assert!(run("first") == run("second"), "the same bytes each time");
    let found = losses(place, "first.jsonl");
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs() / expected;
        assert!(error < 1e-5, "{processes} processes: {error:e}");
    }
    let (found, expected) = (place.pixels("first.png"), place.pixels("alone.png"));
    let pairs = found.iter().zip(&expected);
    let off = pairs.filter(|(a, b)| a.abs_diff(**b) > 1).count();
    assert!(
        off * 1000 < found.len(),
        "{processes} processes: {off} of {}",
        found.len()
    );
}

#[test]
fn the_first_process_writes_frames_an_animation_and_a_checkpoint_that_is_removed() {
    let place = Workplace::new();
    let arguments = "-o out.png --size 64 --scales 1 --iterations 4 --frames frames --frames-at 2 --animation run.gif --checkpoint run.ckpt --checkpoint-every 1 --mpi";
    succeeds(mpirun(&place, 2, arguments));
    assert_eq!(place.contents(), ["frames", "out.png", "run.gif"]);
    let frames = std::fs::read_dir(place.path("frames")).unwrap().count();
    assert_eq!(frames, 2);
}

#[test]
fn textures_masks_and_tiles_are_divided_too() {
    let place = Workplace::new();
    let night = data("style/starry_night.jpg");
    let mut texture = launcher(&place);
    texture
        .args(["-n", "3", env!("CARGO_BIN_EXE_impasto"), "texture"])
        .arg(&night)
        .args("-o texture.png --seamless --size 96x64 --iterations 2 --mpi".split_whitespace());
    succeeds(texture);
    assert_eq!(place.dimensions("texture.png"), (96, 64));
    let mask = image::GrayImage::from_fn(451, 300, |x, _| {
        image::Luma([if x < 200 { 255 } else { 0 }])
    });
    mask.save(place.path("mask.png")).unwrap();
    let masks = "-o masks.png --size 96 --iterations 2 --tile 64 --content-mask mask.png --content-mask rest --mpi -v";
    let mut masked = launcher(&place);
    masked
        .args(["-n", "2", env!("CARGO_BIN_EXE_impasto"), "stylize"])
        .args([
            data("content/chelsea.jpg"),
            night,
            data("style/great_wave.jpg"),
        ])
        .args(masks.split_whitespace());
    let said = succeeds(masked);
    assert!(
        said.contains("by 2 processes, the first in 1x2 tiles"),
        "{said}"
    );
}

/// `mpirun` in the background. It is ended when the test ends.
struct Job(Child);

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Job {
    fn start(mut command: Command) -> Self {
        Self(command.stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The processes that it started, by their ranks.
    fn processes(&self) -> BTreeMap<usize, u32> {
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            let status = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = status
                .rsplit(')')
                .next()
                .and_then(|rest| rest.split_whitespace().nth(1));
            if parent != Some(&self.0.id().to_string()) {
                continue;
            }
            let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
            for variable in environment.split(|byte| *byte == 0) {
                let variable = String::from_utf8_lossy(variable);
                if let Some(rank) = variable.strip_prefix("OMPI_COMM_WORLD_RANK=") {
                    found.insert(rank.parse().unwrap(), id);
                }
            }
        }
        found
    }

    /// Waits for its end. Returns whether it succeeded, and what it said.
    fn end(mut self) -> (bool, String) {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut said = String::new();
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (status.success(), said)
    }
}

#[test]
fn when_a_process_is_killed_the_job_ends_with_one_line_and_goes_on_from_its_checkpoints() {
    let place = Workplace::new();
    succeeds(mpirun(
        &place,
        3,
        &format!("-o expected.png --mpi -q {DEEP}"),
    ));
    let arguments =
        format!("-o out.png --checkpoint run.ckpt --checkpoint-every 1 --mpi -q {DEEP}");
    let job = Job::start(mpirun(&place, 3, &arguments));
    let begin = Instant::now();
    while !place.path("run.ckpt.previous").exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "no checkpoint");
        std::thread::sleep(Duration::from_millis(5));
    }
    let process = job.processes()[&1];
    let kill = Command::new("kill")
        .args(["-9", &process.to_string()])
        .status();
    assert!(kill.unwrap().success());
    let (success, said) = job.end();
    assert!(!success);
    let of_impasto = "ending, because another process died or Ctrl-C was pressed; mpirun -n 3 impasto resume run.ckpt --mpi continues from the last checkpoint";
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("ending"))
        .collect();
    assert_eq!(lines, [of_impasto], "{said}");
    assert!(!place.path("out.png").exists());

    let resume = |processes: &str, options: &str| {
        let mut command = launcher(&place);
        command
            .args([
                "-n",
                processes,
                env!("CARGO_BIN_EXE_impasto"),
                "resume",
                "run.ckpt",
            ])
            .args(options.split_whitespace());
        command
    };
    let line = fails(resume("2", "--mpi"));
    assert_eq!(
        line,
        [
            "error: run.ckpt: 3 processes painted it: continue with mpirun -n 3 impasto resume run.ckpt --mpi"
        ]
    );
    let alone = place.refusal(place.impasto("resume run.ckpt"));
    assert_eq!([alone], line[..]);
    let said = succeeds(resume("3", "--mpi -v"));
    assert!(said.contains("continuing after iteration"), "{said}");
    // The settings inside the file name the output.
    assert_eq!(place.pixels("out.png"), place.pixels("expected.png"));
    let left: Vec<_> = place
        .contents()
        .into_iter()
        .filter(|name| name.contains("ckpt"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_said_once() {
    let place = Workplace::new();
    let said = fails(mpirun(&place, 3, "-o out.png --size 48"));
    assert_eq!(
        said,
        [
            "error: mpirun started 3 processes, which would all paint the same; with --mpi they paint one picture together"
        ]
    );
    let said = fails(mpirun(
        &place,
        3,
        "-o out.png --size 48 --content-layers conv9_9 --mpi",
    ));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("conv9_9"), "{said:?}");
    let said = fails(mpirun(&place, 2, "-o nowhere/out.png --size 48 --mpi"));
    assert_eq!(said, ["error: nowhere/out.png: there is no folder nowhere"]);
    let said = fails(mpirun(&place, 2, "-o out.png --preset nnst --mpi"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("--mpi does not go with the methods strotss and nearest"),
        "{said:?}"
    );
    // A process that cannot write its checkpoint.
    std::fs::create_dir(place.path("run.ckpt.1")).unwrap();
    let said = fails(mpirun(
        &place,
        2,
        "-o out.png --size 48 --checkpoint run.ckpt --mpi",
    ));
    assert_eq!(
        said,
        ["error: process 1: run.ckpt.1: --checkpoint: this is a folder; name a file"]
    );
    assert_eq!(place.contents(), ["run.ckpt.1"]);
    let said = fails(mpirun(&place, 2, "-o out.png --size forty --mpi"));
    assert_eq!(said.len(), 1, "{said:?}");
    // A process on a machine that has not what the user asks for.
    let command = with_another_cpu(&place, "abacus");
    let said = fails(command);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("error: process 1: IMPASTO_CPU: "),
        "{said:?}"
    );
}

#[test]
fn a_process_with_other_instructions_is_told() {
    let place = Workplace::new();
    let command = with_another_cpu(&place, "portable");
    let said = succeeds(command);
    let warnings: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("warning"))
        .collect();
    assert_eq!(warnings.len(), 1, "{said}");
    assert!(warnings[0].starts_with("warning: process 1 on "), "{said}");
    assert!(
        warnings[0].contains("computes with fast (portable), process 0 with fast ("),
        "{said}"
    );
}
