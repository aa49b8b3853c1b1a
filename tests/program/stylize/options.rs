//! Options of `impasto stylize` that are written wrong or given twice. `ranges.rs` has the numbers out of range.

use crate::workplace::{Workplace, data, said, usage_error};
use impasto::painting::DEFINITIONS;

#[test]
fn wrong_usage_exits_with_2_and_names_the_option() {
    let place = Workplace::new();
    for (arguments, named) in [
        ("", "--output"),
        ("-o out.png --size 0", "--size"),
        ("-o out.png --size 12x", "--size"),
        ("-o out.png --size big", "--size"),
        ("-o out.png --iterations many", "--iterations"),
        ("-o out.png --iterations 0", "--iterations"),
        ("-o out.png --iterations 99999999999", "--iterations"),
        ("-o out.png --learning-rate 0", "--learning-rate"),
        ("-o out.png --learning-rate -2", "--learning-rate"),
        ("-o out.png --learning-rate inf", "--learning-rate"),
        ("-o out.png --noise-ratio 1.5", "--noise-ratio"),
        ("-o out.png --style-weight -1", "--style-weight"),
        ("-o out.png --tv-weight NaN", "--tv-weight"),
        ("-o out.png --style-layers conv1_1=x", "--style-layers"),
        ("-o out.png --pooling median", "--pooling"),
        ("-o out.png --optimizer sgd", "--optimizer"),
        ("-o out.png --scales 3,2", "--scales"),
        ("-o out.png --style-scale 0", "--style-scale"),
        ("-o out.png --average 1", "--average"),
        ("-o out.png --history 0", "--history"),
        ("-o out.png --threads 0", "--threads"),
        ("-o out.png --frames-at 3", "--frames"),
        ("-o out.png --frames f --frames-at 0", "--frames-at"),
        ("-o out.png -q -v", "--quiet"),
        ("-o out.png --color", "--color"),
    ] {
        let message = usage_error(place.stylize(arguments));
        assert!(message.contains(named), "{arguments}: {message}");
        assert!(place.contents().is_empty());
    }
    usage_error(place.impasto(""));
    usage_error(place.impasto("paint"));
}

#[test]
fn a_wrong_word_is_refused_with_the_right_ones() {
    let place = Workplace::new();
    for (option, words) in [
        ("--optimizer sgd", "write one of adam, lbfgs, rmsprop"),
        ("--pooling median", "write one of avg, max"),
        (
            "--style-loss mse",
            "write one of gram, wasserstein, moments, sliced, histogram",
        ),
        (
            "--original-colors on",
            "write one of off, match, luminance, palette",
        ),
        (
            "--weights-convention bgr",
            "write one of caffe-rgb, caffe-bgr, torchvision",
        ),
        ("--bit-depth 12", "write 8 or 16"),
        ("--style-layers =3", "the name of a layer is missing"),
        ("--engine gpu", "[possible values: fast, reference]"),
    ] {
        let message = usage_error(place.stylize(&format!("-o out.png {option}")));
        let (name, value) = option.split_once(' ').unwrap();
        let named = format!("invalid value '{value}' for '{name} <");
        assert!(message.contains(&named), "{message}");
        assert!(message.contains(words), "{message}");
    }
}

/// What a run with two styles and these options says about its settings.
fn details(options: &str) -> String {
    let place = Workplace::new();
    let quick = "-o out.png --size 32 --iterations 1 --scales 1 --content-layers conv1_1 -v";
    let content = data("content/chelsea.jpg");
    let mut command = place.impasto("stylize");
    command.arg(content);
    for style in ["style/starry_night.jpg", "style/great_wave.jpg"] {
        command.arg(data(style));
    }
    command.args(quick.split(' ')).args(options.split(' '));
    said(command)
}

#[test]
fn a_list_that_is_given_twice_accumulates() {
    let twice = details("--style-layers conv1_1 --style-layers conv2_1=2");
    assert!(twice.contains(": conv1_1=1 conv2_1=2\n"), "{twice}");
    let thrice = details("--style-layers conv1_1,conv1_2=3 --style-layers conv2_1=2");
    assert!(
        thrice.contains(": conv1_1=1 conv1_2=3 conv2_1=2\n"),
        "{thrice}"
    );
}

#[test]
fn numbers_for_each_style_accumulate() {
    let place = Workplace::new();
    for (options, count) in [
        ("--style-blend 1 --style-blend 2", 2),
        ("--style-blend 1,2 --style-blend 3", 3),
        ("--style-scale 1 --style-scale 2", 2),
    ] {
        let line = place.refusal(place.stylize(&format!("-o out.png --size 32 {options}")));
        let expected = format!("has {count} numbers for 1 style picture:");
        assert!(line.contains(&expected), "{options}: {line}");
    }
}

#[test]
fn a_setting_that_is_not_a_list_is_refused_when_given_twice() {
    let place = Workplace::new();
    let mut number = 0;
    for setting in DEFINITIONS.iter().filter(|setting| !setting.list) {
        let name = setting.name();
        let once = if setting.value_name().is_none() {
            format!("--{name}")
        } else {
            format!("--{name} {}", (setting.default)())
        };
        for command in setting.commands {
            let command = format!("{command:?}").to_lowercase();
            let arguments = format!("{command} a.jpg -o out.png {once} {once}");
            let message = usage_error(place.impasto(&arguments));
            let expected = format!("the argument '--{name}");
            assert!(message.contains(&expected), "{message}");
            assert!(
                message.contains("cannot be used multiple times"),
                "{message}"
            );
            number += 1;
        }
    }
    assert!(number > 40, "{number} options");
}

#[test]
fn a_file_that_is_named_twice_is_refused() {
    let place = Workplace::new();
    for option in [
        "--output",
        "--log",
        "--frames",
        "--animation",
        "--checkpoint",
        "--preset",
        "--save-settings",
        "--weights",
    ] {
        let message = usage_error(place.stylize(&format!("-o a.png {option} a {option} b")));
        let expected = format!("the argument '{option} <");
        assert!(message.contains(&expected), "{message}");
        assert!(
            message.contains("cannot be used multiple times"),
            "{message}"
        );
    }
}
