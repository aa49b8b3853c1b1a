//! The files of a run: none may replace another.

use anyhow::ensure;
use impasto::report::Frames;
use std::path::{Path, PathBuf};

/// The files of a run, as far as they have been named.
#[derive(Default)]
pub struct Places {
    read: Vec<PathBuf>,
    written: Vec<PathBuf>,
}

impl Places {
    /// Takes note of a file that is read. Those come first.
    pub fn reads(&mut self, file: &Path) {
        self.read.push(whereabouts(file));
    }

    /// Takes note of a file that `option` has written.
    ///
    /// # Errors
    /// If it would replace a file that is read, or another that is written.
    pub fn writes(&mut self, option: &str, file: &Path) -> anyhow::Result<()> {
        let (place, shown) = (whereabouts(file), file.display());
        ensure!(
            !self.read.contains(&place),
            "{shown}: {option} would replace a file that is read; name another"
        );
        ensure!(
            !self.written.contains(&place),
            "{shown}: {option} would replace another file of this run; name another"
        );
        self.written.push(place);
        Ok(())
    }

    /// Checks a folder for frames. It comes last.
    ///
    /// # Errors
    /// If it is none, or a frame would replace another file.
    pub fn holds_frames(&self, folder: &Path) -> anyhow::Result<()> {
        let shown = folder.display();
        ensure!(
            folder.is_dir() || !folder.exists(),
            "{shown}: this is not a folder; name one for the frames"
        );
        let place = whereabouts(folder);
        ensure!(
            !self.written.contains(&place),
            "{shown}: --frames would replace another file of this run; name another folder"
        );
        let replaced = |file: &&PathBuf| file.parent() == Some(&place) && Frames::may_replace(file);
        ensure!(
            (self.read.iter().chain(&self.written))
                .find(replaced)
                .is_none(),
            "{shown}: a frame would replace another file of this run; name another folder"
        );
        Ok(())
    }
}

/// Where a file is or would be, however it is written: so that two names of one file are equal. Its folder need not be there.
pub fn whereabouts(path: &Path) -> PathBuf {
    if let Ok(place) = path.canonicalize() {
        return place;
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    match path.file_name() {
        Some(name) => whereabouts(folder).join(name),
        None => path.to_owned(),
    }
}
