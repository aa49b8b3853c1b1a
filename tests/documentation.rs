//! What the documentation shows is what the code does.

use impasto::painting::{Bounds, Command, DEFINITIONS, Definition, Group, Recipe};
use std::fmt::Write;
use std::path::Path;

#[path = "../examples/one_iteration.rs"]
mod one_iteration;

#[test]
fn the_example_of_one_iteration_makes_the_loss_smaller() {
    one_iteration::main().unwrap();
}

/// docs/book/src/use/settings.md is made from the definitions of the settings. `UPDATE_DOCS=1 cargo test --test documentation` writes it.
#[test]
fn the_table_of_settings_is_that_of_their_definitions() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/book/src/use/settings.md");
    let expected = settings_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = expected.lines().zip(found.lines()).find(|(a, b)| a != b);
    assert!(
        expected == found,
        "docs/book/src/use/settings.md is out of date: UPDATE_DOCS=1 cargo test --test documentation writes it; first difference: {differs:?}"
    );
}

fn settings_page() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         Every setting of a run. Each is an option of the commands named (`--style-weight 2`) and a key in TOML files\n\
         (`style-weight = 2.0`), which `--preset` reads and `--save-settings` writes. A TOML file needs to set only what differs\n\
         from the default. `impasto batch` has the options of `impasto stylize`.\n\n\
         This page is made from the table in `src/painting/settings/mod.rs`.\n",
    );
    for group in Group::ALL {
        writeln!(page, "\n## {}\n", group.name()).unwrap();
        writeln!(page, "| setting | meaning | default | allowed | commands |").unwrap();
        writeln!(page, "|---|---|---|---|---|").unwrap();
        for setting in DEFINITIONS.iter().filter(|setting| setting.group == group) {
            writeln!(page, "{}", row(setting)).unwrap();
        }
    }
    page
}

fn row(setting: &Definition) -> String {
    let name = setting.name();
    let value = setting.value_name().unwrap_or_default().replace('|', "\\|");
    let option = match (setting.commands.is_empty(), value.is_empty()) {
        (true, _) => format!("`{name} = {value}`"),
        (false, true) => format!("`--{name}`"),
        (false, false) => format!("`--{name} {value}`"),
    };
    let commands = if setting.commands.is_empty() {
        "in TOML files only".to_owned()
    } else {
        let names: Vec<_> = setting
            .commands
            .iter()
            .map(|&command| command_name(command))
            .collect();
        names.join(", ")
    };
    let allowed = if setting.bounds == Bounds::any() {
        String::new()
    } else {
        setting.bounds.to_string()
    };
    let only = match setting.optimizer {
        Some(optimizer) => format!("; for the optimizer {optimizer}"),
        None => String::new(),
    };
    format!(
        "| {option} | {}{only} | {} | {allowed} | {commands} |",
        setting.help.replace('|', "\\|"),
        defaults(setting)
    )
}

/// The default, and those of the commands whose presets have another one.
fn defaults(setting: &Definition) -> String {
    let of = |command: Command| {
        let preset = Recipe::preset(command.preset()).unwrap();
        (setting.text)(&preset.settings())
    };
    let default = (setting.default)();
    let mut text = format!("`{default}`");
    for &command in setting.commands {
        let other = of(command);
        if other != default {
            write!(text, "; {}: `{other}`", command_name(command)).unwrap();
        }
    }
    text
}

fn command_name(command: Command) -> &'static str {
    match command {
        Command::Stylize => "stylize",
        Command::Texture => "texture",
        Command::Reconstruct => "reconstruct",
    }
}
