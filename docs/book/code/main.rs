//! `book draw FOLDER [CHAPTER…]` draws the figures, of all chapters or of some. mdBook calls `book preprocess`.

use anyhow::{Context, Result, bail};
use book::chapters::CHAPTERS;
use book::drawings::{Drawings, Numbers};
use book::preprocess;
use std::path::Path;
use std::time::Instant;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["draw", folder, ref chapters @ ..] => draw(folder.as_ref(), chapters),
        ["preprocess", "supports", renderer] if renderer != "html" => std::process::exit(1),
        ["preprocess", "supports", _] => Ok(()),
        ["preprocess"] => preprocess::run(),
        _ => bail!("use: book draw FOLDER [CHAPTER…], or book preprocess"),
    }
}

/// Draws the figures of the chapters named, or of all.
fn draw(folder: &Path, names: &[&str]) -> Result<()> {
    if let Some(name) = (names.iter()).find(|name| !CHAPTERS.iter().any(|c| c.name == **name)) {
        let known: Vec<_> = CHAPTERS.iter().map(|chapter| chapter.name).collect();
        bail!("there is no chapter {name}; there are {}", known.join(", "));
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut numbers = Numbers::read(folder)?;
    for chapter in CHAPTERS {
        if names.is_empty() || names.contains(&chapter.name) {
            let start = Instant::now();
            let mut drawings = Drawings::of_chapter(folder, chapter.name);
            (chapter.draw)(&mut drawings).with_context(|| format!("chapter {}", chapter.name))?;
            numbers.replace(drawings);
            println!(
                "{:20} {:6.1} s",
                chapter.name,
                start.elapsed().as_secs_f64()
            );
        }
    }
    numbers.write(folder)
}
