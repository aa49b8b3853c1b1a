//! Files that the program reads and writes: pictures, network weights, and checkpoints of runs.

pub(crate) mod atomic_file;
#[cfg(feature = "cli")]
pub(crate) mod checkpoint;
pub mod picture;
pub mod weights;

pub use atomic_file::AtomicFileError;

/// What the system says is wrong, without its error number: "no such file or directory".
pub(crate) fn os_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
