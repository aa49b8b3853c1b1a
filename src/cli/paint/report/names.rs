//! Names of files as a page shows them: without their folders, which are nobody's business but the user's.

use crate::cli::request::RunRequest;
use crate::cli::terminal::printable;
use std::path::Path;

/// The name of a file, without its folder.
pub fn file_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    printable(&name.to_string_lossy())
}

/// A message about a run, with the names of its files without their folders.
pub fn without_folders(message: &str, request: &RunRequest) -> String {
    let files = request.inputs().chain([request.files.output.as_path()]);
    let files = files.chain(request.network.weights.as_deref());
    let mut files: Vec<_> = files.map(|file| file.display().to_string()).collect();
    files.sort_by_key(|file| std::cmp::Reverse(file.len()));
    let mut text = message.to_owned();
    for file in files {
        text = text.replace(&file, &file_name(Path::new(&file)));
    }
    let words = text.split(' ').map(shortened);
    printable(&words.collect::<Vec<_>>().join(" "))
}

/// A word; of an absolute path, its last part.
fn shortened(word: &str) -> &str {
    let begin = word.find(|letter: char| letter.is_alphanumeric() || ['/', '\\'].contains(&letter));
    let path = &word[begin.unwrap_or(0)..];
    let is_absolute = path.starts_with(['/', '\\']) || path.get(1..3) == Some(":\\");
    let inner = path.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    match inner.rfind(['/', '\\']) {
        Some(at) if is_absolute => &path[at + 1..],
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_path_is_shortened_to_its_last_part() {
        for (word, short) in [
            ("/home/me/cat.jpg:", "cat.jpg:"),
            ("(/home/me/cat.jpg)", "cat.jpg)"),
            ("/home/me/", "me/"),
            (r"C:\Users\me\cat.jpg", "cat.jpg"),
            ("and/or", "and/or"),
            ("1/2", "1/2"),
            ("", ""),
            ("—", "—"),
            ("/", "/"),
        ] {
            assert_eq!(shortened(word), short, "{word}");
        }
    }
}
