//! `--memory`, `--tile` and `--scratch`: pictures that are painted in tiles.

use super::SHALLOW;
use crate::workplace::{Workplace, data, said};

/// The largest difference of a pixel between two pictures, in levels of 0..255.
fn largest_difference(place: &Workplace, one: &str, other: &str) -> u8 {
    let pairs = place.pixels(one).into_iter().zip(place.pixels(other));
    pairs.map(|(a, b)| a.abs_diff(b)).max().unwrap()
}

/// A picture that needs more than the 120 MB that it may take, and its optimizer's pictures too.
const LARGE: &str = "--size 500x375 --scales 1 --iterations 3 --style-layers conv1_1,conv2_1 --content-layers conv2_1";

#[test]
fn in_tiles_the_picture_is_that_of_the_whole() {
    let place = Workplace::new();
    let options = "--size 150x100 --scales 1 --iterations 3";
    place
        .stylize(&format!("-o whole.png {options}"))
        .assert()
        .success();
    let said = said(place.stylize(&format!("-o tiles.png {options} --tile 64")));
    assert!(
        said.contains("painting 150x100 in 2x3 tiles, with the losses of the whole picture"),
        "{said}"
    );
    assert_eq!(place.dimensions("tiles.png"), (150, 100));
    let difference = largest_difference(&place, "whole.png", "tiles.png");
    assert!(difference <= 1, "{difference}");
}

#[test]
fn with_little_memory_tiles_and_scratch_files_are_used_and_none_is_left() {
    let place = Workplace::new();
    place
        .stylize(&format!("-o whole.png {LARGE}"))
        .assert()
        .success();
    let with_little = format!("-o little.png {LARGE} --memory 120M");
    let said = said(place.stylize(&with_little));
    assert!(said.contains("tiles and scratch files"), "{said}");
    let difference = largest_difference(&place, "whole.png", "little.png");
    assert!(difference <= 1, "{difference}");
    assert_eq!(place.contents(), ["little.png", "whole.png"]);
    // The same bytes on any number of threads.
    let again = with_little.replace("little.png", "again.png");
    place
        .stylize(&format!("{again} --threads 1"))
        .assert()
        .success();
    assert_eq!(place.pixels("little.png"), place.pixels("again.png"));
}

#[test]
fn an_optimizer_with_its_state_in_scratch_files_takes_the_same_steps() {
    let place = Workplace::new();
    for optimizer in ["lbfgs", "adam --average 0.5", "rmsprop"] {
        let options = format!("{LARGE} --optimizer {optimizer} --learning-rate 2 --tile 256");
        place
            .stylize(&format!("-o memory.png {options}"))
            .assert()
            .success();
        let said = said(place.stylize(&format!("-o disk.png {options} --memory 120M")));
        assert!(said.contains("tiles and scratch files"), "{said}");
        assert_eq!(
            place.pixels("memory.png"),
            place.pixels("disk.png"),
            "{optimizer}"
        );
    }
}

#[test]
fn a_run_in_tiles_is_resumed_with_the_same_result() {
    let place = Workplace::new();
    let options = "--size 120x90 --scales 60,120 --iterations 12 --tile 64 --style-layers conv1_1,conv3_1 --content-layers conv3_1";
    place
        .stylize(&format!("-o straight.png {options}"))
        .assert()
        .success();
    // A folder stands where the picture is to be written, so that the checkpoint stays.
    let broken = format!("-o out.png {options} --checkpoint c --checkpoint-every 1");
    std::fs::create_dir(place.path("sub")).unwrap();
    let mut command = place.stylize(&broken.replace("out.png", "sub/out.png"));
    command.env("TMPDIR", place.path("missing"));
    std::thread::scope(|scope| {
        let run = scope.spawn(|| command.assert().code(1));
        while !place.path("c.previous").exists() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        std::fs::rename(place.path("sub"), place.path("gone")).unwrap();
        run.join().unwrap();
    });
    std::fs::create_dir(place.path("sub")).unwrap();
    place.impasto("resume c").assert().success();
    assert_eq!(place.pixels("straight.png"), place.pixels("sub/out.png"));
}

#[test]
fn a_seamless_texture_in_tiles_is_that_of_the_whole() {
    let place = Workplace::new();
    let texture = |options: &str| {
        let mut command = place.impasto("texture");
        command.arg(data("style/great_wave.jpg"));
        command.args("--size 128x96 --seamless --scales 1 --iterations 3".split(' '));
        command.args(options.split(' ')).assert().success();
    };
    texture("-o whole.png");
    texture("-o tiles.png --tile 64");
    let difference = largest_difference(&place, "whole.png", "tiles.png");
    assert!(difference <= 1, "{difference}");
}

#[test]
fn what_needs_all_positions_at_once_is_refused_in_tiles() {
    let place = Workplace::new();
    for (options, reason) in [
        (
            "--preset strotss --tile 64",
            "--tile does not go with the methods strotss and nearest",
        ),
        (
            "--style-loss sliced --tile 64",
            "--tile does not go with the style losses sliced and histogram",
        ),
        (
            "--style-loss histogram --tile 64",
            "which sort all positions of the picture: leave it out",
        ),
        (
            "--optimizer adam --normalize-gradients --tile 64",
            "normalize-gradients, which needs",
        ),
        (
            "--style-loss sliced --size 2000 --memory 500M",
            "of memory; tiles need less, but do not go with the style losses sliced",
        ),
        (
            "--size 32768x32768 --memory 1G",
            "the content picture at 32768x32768 needs at least",
        ),
        (
            "--size 32768x32768 --memory 1G",
            "GB of memory, even in tiles, and there is 1.0 GB; ask for a smaller size",
        ),
    ] {
        let line = place.refusal(place.stylize(&format!("-o out.png {options}")));
        assert!(line.contains(reason), "{options}: {line}");
    }
    for (option, reason) in [
        (
            "--memory lots",
            "write a number of bytes, or of G, M, GiB or MiB: 2G, 500M",
        ),
        ("--memory 5M", "it must be at least 100"),
        ("--tile 5", "5 is not in 64..=65536"),
    ] {
        let line =
            crate::workplace::usage_error(place.stylize(&format!("-o out.png {SHALLOW} {option}")));
        assert!(line.contains(reason), "{option}: {line}");
    }
}

#[test]
fn a_folder_that_takes_no_scratch_file_is_refused_before_the_work() {
    let place = Workplace::new();
    let options = format!("-o out.png {LARGE} --memory 120M");
    let line = place.refusal(place.stylize(&format!("{options} --scratch missing")));
    assert!(
        line.contains(
            "the folder for scratch files, missing: no such file or directory; name another one"
        ),
        "{line}"
    );
}
