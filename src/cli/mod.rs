//! The command line: what can be asked for, and how the answer is reported.
//!
//! `args` has the options, `request` what they ask for, and `paint` does it. `run` has the options of all commands that paint one
//! picture, and `terminal` prints lines. Each other file or folder is a subcommand.

mod args;
mod batch;
mod bench;
mod check_gradient;
mod completions;
mod explain;
mod man;
mod paint;
mod reconstruct;
mod request;
mod resume;
mod run;
#[cfg(feature = "studio")]
mod studio;
mod stylize;
mod terminal;
mod texture;
mod weights;

use clap::{CommandFactory, Parser};
use paint::processes;
use std::ffi::OsString;
use std::process::ExitCode;

/// Paints a photograph in the style of a painting.
///
/// A neural network (VGG) looks at both pictures. Then the pixels are changed, step by step, until the network sees the content of
/// the photograph in the brush strokes and colors of the painting (Gatys, Ecker and Bethge 2015). Everything runs on the CPU, and
/// nothing is downloaded.
#[derive(Parser)]
#[command(name = "impasto", version, about, long_about, max_term_width = 100)]
#[allow(clippy::large_enum_variant, reason = "there is only one value of it")]
enum Cli {
    Stylize(stylize::Stylize),
    Texture(texture::Texture),
    Reconstruct(reconstruct::Reconstruct),
    Batch(batch::Batch),
    Resume(resume::Resume),
    #[cfg(feature = "studio")]
    Studio(studio::StudioCommand),
    Explain(explain::Explain),
    Bench(bench::Bench),
    CheckGradient(check_gradient::CheckGradient),
    #[command(subcommand)]
    Weights(weights::Command),
    Completions(completions::Completions),
    #[command(name = "man")]
    ManPages(man::ManPages),
}

/// Runs the program: does what the `arguments` ask for, of which the first is the name of the program, prints an error if there is one,
/// and returns the exit code. `built_in` is a weights file inside the program.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    built_in: Option<&'static [u8]>,
) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // mpirun ends all processes when one fails: the others wait for the first, which prints what is wrong.
    let with_others = arguments.iter().any(|argument| argument == "--mpi");
    let quiet = with_others && processes::is_launched_after_another();
    let command = match Cli::try_parse_from(arguments) {
        Ok(command) => command,
        Err(_) if quiet => return ExitCode::SUCCESS,
        Err(message) => {
            // Help and version are such messages too. If nobody can read them, nobody can be told.
            let _ = message.print();
            return ExitCode::from(message.exit_code() as u8);
        }
    };
    let result = match command {
        Cli::Stylize(command) => command.run(built_in),
        Cli::Texture(command) => command.run(built_in),
        Cli::Reconstruct(command) => command.run(built_in),
        Cli::Batch(command) => command.run(built_in),
        Cli::Resume(command) => command.run(built_in),
        #[cfg(feature = "studio")]
        Cli::Studio(command) => command.run(built_in),
        Cli::Explain(command) => command.run(built_in),
        Cli::Bench(command) => command.run(),
        Cli::CheckGradient(command) => command.run(),
        Cli::Weights(command) => command.run(built_in),
        Cli::Completions(command) => command.run(Cli::command()),
        Cli::ManPages(command) => command.run(Cli::command()),
    };
    match result {
        Ok(code) => code,
        Err(_) if quiet => ExitCode::SUCCESS,
        Err(error) => {
            terminal::say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
