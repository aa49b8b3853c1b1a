//! Numbers out of their range: as options of `impasto stylize`, and in a preset file.

use crate::workplace::{SMALL, Workplace, usage_error};
use impasto::painting::{Bounds, DEFINITIONS};

/// A numeric setting, values that it may not have, and the words for those that it may have: those of its option, and those
/// behind its name in a file.
type Range = (
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
);

const RANGES: &[Range] = &[
    (
        "border",
        &["65", "-1", "0.5", "wide"],
        "write a whole number from 0 to 64",
        "must be from 0 to 64, not 65",
    ),
    (
        "style-scale",
        &["0.01", "-1", "8.5", "1,9", "1,", "nan"],
        "write a number from 0.05 to 8",
        "must be from 0.05 to 8, not 0.01",
    ),
    (
        "style-margin",
        &["0.46", "-0.1", "inf"],
        "write a number from 0 to 0.45",
        "must be from 0 to 0.45, not 0.46",
    ),
    (
        "style-blend",
        &["-1", "1,-1", "1;2", "inf"],
        "write a number, 0 or more",
        "must be 0 or more, not -1",
    ),
    (
        "iterations",
        &["0", "-1", "1.5", "4294967296"],
        "write a whole number, 1 or more",
        "must be 1 or more, not 0",
    ),
    (
        "finer-iterations",
        &["-1", "1.5"],
        "write a whole number, 0 or more",
        "",
    ),
    (
        "split-iterations",
        &["-1", "1.5"],
        "write a whole number, 0 or more",
        "",
    ),
    (
        "learning-rate",
        &["-1", "0", "nan", "inf"],
        "write a number above 0",
        "must be above 0, not -1",
    ),
    (
        "history",
        &["101", "0", "-1"],
        "write a whole number from 1 to 100",
        "must be from 1 to 100, not 101",
    ),
    (
        "average",
        &["1", "-0.1", "1.5"],
        "write a number from 0 to less than 1",
        "must be from 0 to less than 1, not 1",
    ),
    (
        "noise-ratio",
        &["1.5", "-0.1"],
        "write a number from 0 to 1",
        "must be from 0 to 1, not 1.5",
    ),
    // Numbers without a sign: a file with a negative one is not read at all.
    (
        "seed",
        &["-1", "0.5", "18446744073709551616"],
        "write a whole number, 0 or more",
        "",
    ),
    (
        "content-weight",
        &["-1", "nan", "inf", "much"],
        "write a number, 0 or more",
        "must be 0 or more, not -1",
    ),
    (
        "style-weight",
        &["-1", "nan", "inf"],
        "write a number, 0 or more",
        "must be 0 or more, not -1",
    ),
    (
        "tv-weight",
        &["-1", "nan", "inf"],
        "write a number, 0 or more",
        "must be 0 or more, not -1",
    ),
    (
        "content-layers",
        &["conv4_2=-1", "conv4_2=inf", "conv4_2="],
        "is not a weight: write 0 or more, as in conv4_1=3",
        "must be 0 or more, not -1",
    ),
    (
        "style-layers",
        &["conv1_1=-1", "conv1_1,conv2_1=nan"],
        "is not a weight: write 0 or more, as in conv4_1=3",
        "must be 0 or more, not -1",
    ),
    // These can be set in files only.
    ("coarsest", &["0"], "", "must be 1 or more, not 0"),
    (
        "scale-step",
        &["1.0", "9.0"],
        "",
        "must be from 1.1 to 8, not 1",
    ),
    (
        "beta2",
        &["1.0"],
        "",
        "must be from 0 to less than 1, not 1",
    ),
    (
        "content-falloff",
        &["0.0"],
        "",
        "must be from 0.01 to 1, not 0",
    ),
    (
        "finest-learning-rate",
        &["0.0"],
        "",
        "must be from 0.01 to 1, not 0",
    ),
    ("tv-diagonals", &["-0.5"], "", "must be 0 or more, not -0.5"),
];

/// Checks that an option is refused with each of these values.
fn check_option(option: &str, values: &[&str], words: &str) {
    let place = Workplace::new();
    for value in values {
        let message = usage_error(place.stylize(&format!("-o out.png {option} {value}")));
        assert!(message.contains(words), "{message}, not {words}");
        let last = option.rsplit(' ').next().unwrap();
        let named = format!("invalid value '{value}' for '{last} <");
        assert!(message.contains(&named), "{message}");
        assert!(place.contents().is_empty());
    }
}

#[test]
fn an_option_out_of_range_is_refused_with_its_range() {
    for (name, values, words, _) in RANGES.iter().filter(|range| !range.2.is_empty()) {
        check_option(&format!("--{name}"), values, words);
    }
}

/// They get as far as the photograph, which is missing.
#[test]
fn numbers_at_the_ends_of_their_ranges_are_accepted() {
    let place = Workplace::new();
    for options in [
        "--border 0 --style-scale 0.05 --style-margin 0 --style-blend 0,1 --iterations 1 --history 1",
        "--border 64 --style-scale 8 --style-margin 0.45 --iterations 4294967295 --history 100",
        "--learning-rate 1e-9 --average 0 --noise-ratio 0 --seed 0 --content-weight 0 --style-weight 0",
        "--average 0.999 --noise-ratio 1 --seed 18446744073709551615 --tv-weight 0 --threads 1024",
        "--content-layers conv4_2=0 --style-layers conv1_1=0 --size 32768 --scales 15 --jpeg-quality 1",
    ] {
        let line =
            place.refusal(place.impasto(&format!("stylize no.jpg no.jpg -o out.jpg {options}")));
        assert_eq!(
            line,
            "error: content picture: no.jpg: no such file or directory"
        );
    }
}

#[test]
fn a_setting_in_a_file_out_of_range_is_refused_with_its_range() {
    let place = Workplace::new();
    for (name, values, _, words) in RANGES.iter().filter(|range| !range.3.is_empty()) {
        // Layers are a table in a file.
        let value = match values[0].split_once('=') {
            Some((layer, weight)) => format!("{{ {layer} = {weight} }}"),
            None => values[0].to_owned(),
        };
        place.write("mine.toml", format!("{name} = {value}"));
        let line = place.refusal(place.stylize(&format!("{SMALL} --preset mine.toml")));
        assert_eq!(line, format!("error: --preset: mine.toml: {name} {words}"));
    }
    place.write("mine.toml", "pooling = 'max'\nseed = -1");
    let line = place.refusal(place.stylize(&format!("{SMALL} --preset mine.toml")));
    assert!(
        line.starts_with("error: --preset: mine.toml: line 2: invalid value: integer `-1`"),
        "{line}"
    );
}

#[test]
fn the_table_of_ranges_has_every_setting_that_has_a_range() {
    for setting in DEFINITIONS {
        let name = setting.name();
        let in_table = RANGES.iter().any(|range| range.0 == name);
        assert_eq!(setting.bounds != Bounds::any(), in_table, "{name}");
    }
}

/// Sizes and schedules are words or numbers, and these options are not settings.
#[test]
fn other_numbers_out_of_range_are_refused_with_their_range() {
    let size = "write pixels, from 1 to 32768: the long edge (512), or width x height (666x500)";
    let scales = "write auto, a number of sizes from 1 to 15, or long edges in pixels, each longer than the one before";
    let sizes = ["0", "32769", "0x5", "5x32769", "5x", "1.5", "big"];
    check_option("--size", &sizes, size);
    check_option("--scales", &["0", "3,2", "0,5", "64,64", "some"], scales);
    check_option("--jpeg-quality", &["0", "101", "256"], "100");
    check_option("--threads", &["0", "1025", "65536"], "1024");
    check_option(
        "--frames f --frames-at",
        &["0", "often", "1.5"],
        "write classic, or a number N for every Nth iteration",
    );
    check_option(
        "--checkpoint c --checkpoint-every",
        &["0", "0s", "1d", "1.5s"],
        "write a number of iterations, or a time: 20, 30s, 5m, 1h",
    );
}
