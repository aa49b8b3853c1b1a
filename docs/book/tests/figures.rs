//! What the chapters draw and measure is what their text shows.

use book::chapters::CHAPTERS;
use book::drawings::{Drawings, Numbers};
use book::markdown::{includes, links, numbers};
use rayon::ThreadPoolBuilder;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Draws everything, as `make book` does. `BOOK_DRAWN` may name a folder to be replaced by what is drawn, which `make book` then need not
/// draw again.
#[test]
fn every_figure_and_number_is_drawn_and_shown() {
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("BOOK_DRAWN").map(PathBuf::from);
    let folder = kept.as_deref().unwrap_or(temporary.path());
    fs::remove_dir_all(folder).ok();
    fs::create_dir(folder).unwrap();
    let mut measured = Numbers::default();
    let (mut shown, mut named) = (BTreeSet::new(), BTreeSet::new());
    // `make test` gives each test one thread, since tests run side by side. This program has one test, so it takes all cores.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = ThreadPoolBuilder::new().num_threads(cores).build().unwrap();
    for chapter in CHAPTERS {
        let mut drawings = Drawings::of_chapter(folder, chapter.name);
        let drawn = pool.install(|| (chapter.draw)(&mut drawings));
        drawn.unwrap_or_else(|error| panic!("{}: {error:#}", chapter.name));
        measured.replace(drawings);
    }
    let texts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/learn");
    for entry in fs::read_dir(texts).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let included = includes(&text).into_iter().map(|(file, _)| file);
        let files = links(&text).into_iter().chain(included);
        shown.extend(files.filter_map(|file| Some(file.split_once("drawn/")?.1.to_owned())));
        named.extend(numbers(&text));
    }
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let drawn: BTreeSet<_> = files.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(drawn, shown, "drawn, and shown");
    let names: BTreeSet<_> = measured.names().map(str::to_owned).collect();
    assert_eq!(names, named, "measured, and in the text");
    measured.write(folder).unwrap();
}
