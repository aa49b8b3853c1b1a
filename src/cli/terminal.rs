//! What is printed: results on the output stream, lines about the run on the error stream.

use anyhow::Context;
use std::fmt::Arguments;
use std::io::{self, Write};

/// The longest line that is printed.
const MAX_LINE: usize = 1000;

/// Prints a result on the output stream.
///
/// # Errors
/// If it cannot be written. That its reader has closed the pipe, having seen enough, is none.
pub fn print(result: &[u8]) -> anyhow::Result<()> {
    match io::stdout().write_all(result) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("the result cannot be printed"),
    }
}

/// Prints one line on the error stream, whatever names of files and tensors are in it. If nobody reads the stream any more, that is no
/// reason to stop.
pub fn say(line: Arguments) {
    let _ = writeln!(io::stderr(), "{}", printable(&line.to_string()));
}

/// A line without characters that would make a terminal do more than show it: control characters, and those that change the
/// direction of writing.
pub fn printable(line: &str) -> String {
    let mut shown = String::new();
    for letter in line.chars().take(MAX_LINE) {
        let redirects = matches!(
            letter,
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        );
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else if redirects {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    if line.chars().nth(MAX_LINE).is_some() {
        shown.push_str(" …");
    }
    shown
}
