//! `--help` and `--version` of the program and of its commands.

use crate::workplace::{Workplace, printed};
use impasto::painting::{Command, DEFINITIONS};

fn help(command: &str) -> String {
    let place = Workplace::new();
    printed(place.impasto(&format!("{command} --help")))
}

/// What a help text says about an option, in one line; `None` if it has no such option.
fn entry(help: &str, option: &str) -> Option<String> {
    // The names of options are indented, by less than what is said about them.
    let is_name = |line: &str| {
        let text = line.trim_start();
        text.starts_with('-') && line.len() - text.len() < 10
    };
    let named = format!("--{option}");
    let mut lines = help.lines();
    lines.find(|line| is_name(line) && line.split_whitespace().any(|word| word == named))?;
    let text = lines.take_while(|line| !is_name(line));
    let words: Vec<_> = text.flat_map(str::split_whitespace).collect();
    Some(words.join(" "))
}

#[test]
fn the_program_has_a_help_text_and_a_version() {
    let place = Workplace::new();
    let help = help("");
    for command in [
        "stylize",
        "texture",
        "reconstruct",
        "batch",
        "resume",
        "explain",
        "bench",
        "check-gradient",
        "weights",
    ] {
        assert!(help.contains(&format!(" {command} ")), "{command}: {help}");
    }
    let expected = format!("impasto {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(printed(place.impasto("--version")), expected);
}

#[test]
fn the_help_of_stylize_has_all_options() {
    let help = help("stylize");
    for option in [
        "--output",
        "--size",
        "--preset",
        "--iterations",
        "--learning-rate",
        "--init",
        "--noise-ratio",
        "--content-weight",
        "--style-weight",
        "--tv-weight",
        "--content-layers",
        "--style-layers",
        "--pooling",
        "--engine",
        "--weights",
        "--seed",
        "--threads",
        "--frames",
        "--frames-at",
        "--animation",
        "--log",
        "--report",
        "--quiet",
        "--verbose",
        "IMPASTO_CPU",
    ] {
        assert!(help.contains(option), "{option}");
    }
}

/// The defaults of the settings in `stylize`, `texture` and `reconstruct`. A command without a default has no such option.
const DEFAULTS: &[(&str, [&str; 3])] = &[
    ("size", ["512", "512", "512"]),
    ("scales", ["auto", "auto", "auto"]),
    ("border", ["8", "8", "0"]),
    ("style-scale", ["1", "1", ""]),
    ("style-margin", ["0.04", "0.04", ""]),
    ("style-blend", ["1", "1", ""]),
    ("iterations", ["320", "200", "200"]),
    ("finer-iterations", ["0", "0", "0"]),
    ("optimizer", ["lbfgs", "lbfgs", "lbfgs"]),
    ("learning-rate", ["10", "10", "10"]),
    ("history", ["10", "10", "10"]),
    ("average", ["0", "0", "0"]),
    ("init", ["content", "", ""]),
    ("noise-ratio", ["0.6", "", ""]),
    ("seed", ["0", "0", "0"]),
    ("content-weight", ["40", "", ""]),
    ("style-weight", ["1", "1", ""]),
    ("tv-weight", ["47", "0", "0"]),
    ("content-layers", ["conv4_2=1", "", ""]),
    ("style-layers", [STYLE_LAYERS, GRAM_LAYERS, ""]),
    ("method", ["layers", "", ""]),
    ("split-iterations", ["200", "", ""]),
    ("style-loss", ["wasserstein", "gram", ""]),
    ("original-colors", ["off", "", ""]),
    ("pooling", ["max", "avg", "avg"]),
];

const STYLE_LAYERS: &str = "conv1_1=256,conv2_1=64,conv3_1=16,conv4_1=4,conv5_1=1";

const GRAM_LAYERS: &str = "conv1_1=0.5,conv2_1=1,conv3_1=1.5,conv4_1=3,conv5_1=4";

#[test]
fn the_help_of_each_command_shows_its_own_defaults() {
    for (column, command) in ["stylize", "texture", "reconstruct"].iter().enumerate() {
        let help = help(command);
        for (option, defaults) in DEFAULTS {
            let default = defaults[column];
            let entry = entry(&help, option);
            if default.is_empty() {
                assert_eq!(entry, None, "{command}");
                continue;
            }
            let entry = entry.unwrap_or_else(|| panic!("{command} has no --{option}: {help}"));
            let shown = format!("[default: {default}]");
            assert!(entry.contains(&shown), "{command}: {entry}, not {default}");
        }
    }
}

#[test]
fn each_command_has_only_the_options_that_it_uses() {
    let has = |command: &str, option: &str| entry(&help(command), option).is_some();
    for (option, commands) in [
        ("rotations", [true, false, false]),
        ("seamless", [false, true, false]),
        ("normalize-gradients", [true, true, true]),
        ("content-mask", [true, false, false]),
        ("style-mask", [true, true, false]),
        ("protect", [true, false, false]),
        ("settings-from", [true, false, false]),
        ("layer", [false, false, true]),
        // These can be set in files only.
        ("enlarge-style", [false; 3]),
        ("clamp", [false; 3]),
        ("finest-learning-rate", [false; 3]),
        ("tv-mean", [false; 3]),
        ("beta2", [false; 3]),
        ("parameters", [false; 3]),
    ] {
        let found = ["stylize", "texture", "reconstruct"].map(|command| has(command, option));
        assert_eq!(found, commands, "{option}");
    }
}

/// A setting that is added later needs a line in the table above.
#[test]
fn the_table_of_defaults_has_every_setting_that_has_an_option_with_a_value() {
    let commands = [Command::Stylize, Command::Texture, Command::Reconstruct];
    for setting in DEFINITIONS {
        let name = setting.name();
        if setting.value_name().is_none() || setting.commands.is_empty() {
            continue;
        }
        let line = DEFAULTS.iter().find(|(option, _)| *option == name);
        let (_, defaults) = line.unwrap_or_else(|| panic!("{name}"));
        for (command, default) in commands.iter().zip(defaults) {
            let has_option = setting.commands.contains(command);
            assert_eq!(has_option, !default.is_empty(), "{name}, {command:?}");
        }
    }
}
