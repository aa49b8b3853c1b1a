//! A log of the losses: one JSON object a line, one line an iteration.

use crate::stylize::Step;
use serde::Serialize;
use std::fs::File;
use std::io::{self, LineWriter, Write};
use std::path::Path;

/// Writes the losses to a file while the run goes on.
pub struct Log(LineWriter<File>);

/// One line. The losses are of the picture before the iteration's step, each already times its weight.
#[derive(Serialize)]
struct Line {
    iteration: usize,
    content: f64,
    style: f64,
    tv: f64,
    /// The sum of the three.
    total: f64,
    /// Since the first iteration began.
    seconds: f64,
}

impl Log {
    /// A log in a new file, or in place of an old one.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(LineWriter::new(File::create(path)?)))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn observe(&mut self, step: &Step) -> io::Result<()> {
        let line = Line {
            iteration: step.iteration,
            content: step.losses.content,
            style: step.losses.style,
            tv: step.losses.tv,
            total: step.losses.total(),
            seconds: step.elapsed.as_secs_f64(),
        };
        let json = serde_json::to_string(&line).expect("numbers can be written as JSON");
        writeln!(self.0, "{json}")
    }
}
