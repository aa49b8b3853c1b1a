//! `impasto weights`: what a weights file contains, a conversion of it, and where such files are.

mod convert;
mod info;
mod places;

use super::terminal::printable;
use anyhow::Context;
use clap::Subcommand;
use std::io::{self, Write};
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
        match io::stdout().write_all(lines.as_bytes()) {
            // The reader has closed the pipe: it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            printed => printed.context("the result cannot be printed")?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
