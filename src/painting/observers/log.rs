//! A log of the losses: one JSON object a line, one line an iteration.

use crate::painting::Iteration;
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, LineWriter, Seek, SeekFrom, Write};
use std::path::Path;

/// Writes the losses to a file during a run.
pub struct Log(LineWriter<File>);

/// One line. The losses are of the picture before the iteration's step, each already times its weight.
#[derive(Serialize)]
struct Line {
    iteration: usize,
    /// The size of the picture.
    size: String,
    content: f64,
    style: f64,
    tv: f64,
    /// The sum of the three.
    total: f64,
    /// The time since the first iteration began.
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

    /// Continues the log of a run that was interrupted. Lines after this many iterations are removed.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn resume(path: &Path, iterations: usize) -> io::Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut lines = BufReader::new(&file);
        let (mut length, mut line) = (0, Vec::new());
        for _ in 0..iterations {
            line.clear();
            lines.read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") {
                break;
            }
            length += line.len() as u64;
        }
        file.set_len(length)?;
        (&file).seek(SeekFrom::Start(length))?;
        Ok(Self(LineWriter::new(file)))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn observe(&mut self, iteration: &Iteration) -> io::Result<()> {
        let line = Line {
            iteration: iteration.iteration,
            size: iteration.size().to_string(),
            content: iteration.losses.content,
            style: iteration.losses.style,
            tv: iteration.losses.tv,
            total: iteration.losses.total(),
            seconds: iteration.elapsed.as_secs_f64(),
        };
        let json = serde_json::to_string(&line).expect("numbers can be written as JSON");
        writeln!(self.0, "{json}")
    }
}
