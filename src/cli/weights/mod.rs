//! `impasto weights`: what a weights file contains, a conversion of it, and where such files are.

mod convert;
mod info;
mod places;

use super::terminal::{print, printable};
use clap::Subcommand;
use std::process::ExitCode;

/// Look at weights, convert them, find them
#[derive(Subcommand)]
pub enum Command {
    Info(info::Info),
    Convert(convert::Convert),
    Where(places::Where),
}

impl Command {
    /// Does what is asked for.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn run(&self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let text = match self {
            Self::Info(command) => command.run(built_in)?,
            Self::Where(command) => command.run(built_in)?,
            Self::Convert(command) => return command.run(),
        };
        let lines: String = text.lines().map(|line| printable(line) + "\n").collect();
        print(lines.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
