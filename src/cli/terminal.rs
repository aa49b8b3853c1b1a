//! Lines for the terminal's error stream.

use std::fmt::Arguments;
use std::io::Write;

/// The longest line that is printed.
const MAX_LINE: usize = 1000;

/// Prints one line on the error stream, whatever names of files and tensors are in it. If nobody reads the stream any more, that is no
/// reason to stop.
pub fn say(line: Arguments) {
    let _ = writeln!(std::io::stderr(), "{}", printable(&line.to_string()));
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
