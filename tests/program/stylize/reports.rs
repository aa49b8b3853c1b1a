//! `impasto stylize --log`, `--frames`, `--quiet` and `--verbose`.

use crate::workplace::{SMALL, Workplace, said};

#[test]
fn the_log_has_a_line_for_each_iteration_and_losses_fall() {
    let place = Workplace::new();
    let arguments = "-o out.png --size 64 --iterations 12 --preset classic --init content --tv-weight 0.1 --log log.jsonl";
    place.stylize(arguments).assert().success();
    let lines = place.log("log.jsonl");
    assert_eq!(lines.len(), 12);
    let mut seconds = 0.0;
    for (iteration, line) in (1..).zip(&lines) {
        let number = |key: &str| line[key].as_f64().unwrap();
        assert_eq!(line["iteration"], iteration);
        let sum = number("content") + number("style") + number("tv");
        assert!((number("total") / sum - 1.0).abs() < 1e-12);
        assert!(number("style") > 0.0 && number("tv") > 0.0);
        assert!(number("seconds") >= seconds);
        seconds = number("seconds");
        assert_eq!(line.as_object().unwrap().len(), 7, "{line}");
    }
    // The losses are those of the picture before the step: it begins as the photograph itself.
    assert_eq!(lines[0]["content"], 0.0);
    assert!(lines[1]["content"].as_f64().unwrap() > 0.0);
    let totals: Vec<_> = lines
        .iter()
        .map(|line| line["total"].as_f64().unwrap())
        .collect();
    assert!(
        totals.is_sorted_by(|earlier, later| later < earlier),
        "{totals:?}"
    );
}

#[test]
fn frames_are_written_after_the_iterations_asked_for() {
    let place = Workplace::new();
    let small = "-o out.png --size 32 --iterations 10 --init content";
    place
        .stylize(&format!("{small} --frames a/b"))
        .assert()
        .success();
    let names = |folder: &str| {
        let entries = place.path(folder).read_dir().unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let due = [
        "00001.png",
        "00002.png",
        "00003.png",
        "00004.png",
        "00005.png",
        "00010.png",
    ];
    assert_eq!(names("a/b"), due);
    let frames = "--frames c --frames-at 4";
    place
        .stylize(&format!("{small} {frames}"))
        .assert()
        .success();
    assert_eq!(names("c"), ["00004.png", "00008.png"]);
    // The last frame is the picture itself.
    assert!(place.pixels("a/b/00010.png") == place.pixels("out.png"));
}

#[test]
fn quiet_prints_nothing_and_verbose_prints_details() {
    let place = Workplace::new();
    let quiet = place.stylize(&format!("{SMALL} -q")).assert().success();
    assert!(quiet.get_output().stderr.is_empty() && quiet.get_output().stdout.is_empty());
    let said = said(place.stylize(&format!("{SMALL} -v")));
    for detail in [
        "VGG-16 from the program itself",
        "chelsea.jpg, 451x300",
        "painted   at 48x32",
        "752x600, seen at 48x38",
        "conv5_1=1",
        "learning rate 10, from content",
        " threads, ",
        "s an iteration",
    ] {
        assert!(said.contains(detail), "{detail} in {said}");
    }
}
