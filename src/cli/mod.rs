//! The command line: what can be asked for, and how the answer is reported.

mod batch;
mod bench;
mod checkpoints;
mod explain;
mod interrupt;
mod jobs;
mod keep;
mod kept;
mod machine;
mod options;
mod order;
mod paint;
mod places;
mod reconstruct;
mod records;
mod reports;
mod resume;
mod run;
mod stylize;
mod texture;
mod weights;

use clap::Parser;
use std::fmt::Arguments;
use std::io::Write;
use std::process::ExitCode;

/// Paints a photograph in the style of a painting.
///
/// A neural network that has learnt to see looks at both pictures. Then the pixels are changed, step by step, until it sees
/// the things of the photograph in the brush strokes and colours of the painting (Gatys, Ecker and Bethge 2015). All of it
/// runs on the CPU, with nothing to download.
#[derive(Parser)]
#[command(version, about, long_about, max_term_width = 100)]
#[allow(clippy::large_enum_variant, reason = "there is one of it")]
enum Cli {
    Stylize(stylize::Stylize),
    Texture(texture::Texture),
    Reconstruct(reconstruct::Reconstruct),
    Batch(batch::Batch),
    Resume(resume::Resume),
    Explain(explain::Explain),
    Bench(bench::Bench),
    #[command(subcommand)]
    Weights(weights::Command),
}

/// Does what the command line asks for. `built_in` is a weights file inside the program.
///
/// # Errors
/// What went wrong, to be shown to the user.
pub fn run(built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
    match Cli::parse() {
        Cli::Stylize(command) => command.run(built_in),
        Cli::Texture(command) => command.run(built_in),
        Cli::Reconstruct(command) => command.run(built_in),
        Cli::Batch(command) => command.run(built_in),
        Cli::Resume(command) => command.run(built_in),
        Cli::Explain(command) => command.run(built_in),
        Cli::Bench(command) => command.run(),
        Cli::Weights(command) => command.run(built_in),
    }
}

/// The longest line that is said or printed.
const LONGEST_LINE: usize = 1000;

/// Says one line on the error stream, whatever names of files and tensors are in it. If nobody listens any more, that is no
/// reason to stop.
pub fn say(line: Arguments) {
    let _ = writeln!(std::io::stderr(), "{}", printable(&line.to_string()));
}

/// A line without what would make a terminal do more than show it: control characters, and those that turn the direction of
/// writing.
fn printable(line: &str) -> String {
    let mut shown = String::new();
    for letter in line.chars().take(LONGEST_LINE) {
        match letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            true if letter.is_control() => shown.extend(letter.escape_default()),
            true => shown.extend(letter.escape_unicode()),
            false => shown.push(letter),
        }
    }
    if line.chars().nth(LONGEST_LINE).is_some() {
        shown.push_str(" …");
    }
    shown
}
