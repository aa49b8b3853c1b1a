//! Jobs from two folders: every photograph of one in the style of every painting of the other.

use super::task::Job;
use crate::cli::paint::paths::canonical;
use crate::cli::request::Files;
use crate::files::picture::EXTENSIONS;
use crate::painting::Recipe;
use anyhow::{Context, bail, ensure};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The extensions of pictures that can be read but are not written.
const READ_ONLY: [&str; 4] = ["pgm", "pbm", "pnm", "pam"];

/// Every photograph of a folder in the style of every painting of another, to be written as `content_style.extension`.
///
/// # Errors
/// If a folder has no pictures, or those to be painted would be among them.
pub fn pairs(
    contents: &Path,
    styles: &Path,
    output: &Path,
    extension: &str,
) -> anyhow::Result<Vec<Job>> {
    for folder in [contents, styles] {
        ensure!(
            canonical(folder) != canonical(output),
            "{}: what is painted there would be taken for one of its pictures by the next run; name another folder with --output",
            output.display()
        );
    }
    let styles = pictures(styles)?;
    let mut jobs = Vec::new();
    for content in pictures(contents)? {
        for style in &styles {
            let mut name = OsString::from(stem(&content));
            name.push("_");
            name.push(stem(style));
            name.push(".");
            name.push(extension);
            jobs.push(Job {
                name: format!("{} in the style of {}", content.display(), style.display()),
                files: Files {
                    content: Some(content.clone()),
                    style: vec![style.clone()],
                    output: output.join(name),
                    ..Files::default()
                },
                recipe: Recipe::default(),
            });
        }
    }
    Ok(jobs)
}

fn stem(file: &Path) -> &OsStr {
    file.file_stem().unwrap_or_default()
}

/// The picture files of a folder, by their extensions, in the order of their names; without hidden ones.
fn pictures(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let shown = folder.display();
    let is_picture = |file: &Path| {
        let extension = file.extension().and_then(OsStr::to_str);
        let extension = extension.unwrap_or_default().to_ascii_lowercase();
        let hidden = file
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        let known = EXTENSIONS
            .iter()
            .chain(&READ_ONLY)
            .any(|known| *known == extension);
        known && !hidden && file.is_file()
    };
    ensure!(folder.is_dir(), "{shown}: there is no such folder");
    let entries = folder.read_dir().with_context(|| shown.to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.with_context(|| shown.to_string())?.path());
    }
    files.retain(|file| is_picture(file));
    if files.is_empty() {
        bail!("{shown}: there are no pictures in this folder");
    }
    files.sort();
    Ok(files)
}
