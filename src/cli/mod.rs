//! The command line: what can be asked for, and how the answer is reported.

mod interrupt;
mod options;
mod stylize;

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
enum Cli {
    Stylize(stylize::Stylize),
}

/// Does what the command line asks for. `built_in` is a weights file inside the program.
///
/// # Errors
/// What went wrong, to be shown to the user.
pub fn run(built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
    match Cli::parse() {
        Cli::Stylize(command) => command.run(built_in),
    }
}

/// Says something on the error stream. If nobody listens any more, that is no reason to stop.
pub fn say(line: Arguments) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
