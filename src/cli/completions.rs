//! `impasto completions`: what a shell needs to complete commands and options.

use super::terminal::print;
use clap::{Args, Command};
use clap_complete::{Shell, generate};
use std::process::ExitCode;

/// Print the completions of commands and options for a shell
///
/// bash reads them from ~/.local/share/bash-completion/completions/impasto, fish from ~/.config/fish/completions/impasto.fish, and zsh from a file
/// called _impasto in one of the folders of its $fpath.
#[derive(Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the completions of the `program`.
    ///
    /// # Errors
    /// If they cannot be printed.
    pub fn run(&self, mut program: Command) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        generate(self.shell, &mut program, "impasto", &mut script);
        print(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
