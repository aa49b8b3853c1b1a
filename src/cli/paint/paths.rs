//! The files of a run: no file that is written may replace another.

use super::animation::AnimationFile;
use super::report::ReportFile;
use crate::cli::args::{CheckpointOptions, ReportOptions};
use crate::cli::request::RunRequest;
use crate::files::checkpoint::{CheckpointFile, previous};
use crate::painting::observers::Frames;
use anyhow::{anyhow, ensure};
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt;
use std::path::{Component, Path, PathBuf};

/// The files of a run that are known so far.
#[derive(Default)]
pub struct RunPaths {
    read: Vec<PathBuf>,
    written: Vec<PathBuf>,
}

impl RunPaths {
    /// Adds a file that is read. These are added first.
    pub fn add_read(&mut self, file: &Path) {
        self.read.push(canonical(file));
    }

    /// Adds a file that `option` writes.
    ///
    /// # Errors
    /// If it would replace a file that is read, or another that is written.
    pub fn add_written(&mut self, option: &str, file: &Path) -> anyhow::Result<()> {
        let (path, shown) = (canonical(file), file.display());
        ensure!(
            !self.read.contains(&path),
            "{shown}: {option} would replace a file that is read; name another"
        );
        ensure!(
            !self.written.contains(&path),
            "{shown}: {option} would replace another file of this run; name another"
        );
        self.written.push(path);
        Ok(())
    }

    /// Checks a folder for frames. It is checked last.
    fn check_frames(&self, folder: &Path) -> anyhow::Result<()> {
        let shown = folder.display();
        ensure!(
            folder.is_dir() || !folder.exists(),
            "{shown}: this is not a folder; name one for the frames"
        );
        let path = canonical(folder);
        ensure!(
            !self.written.contains(&path),
            "{shown}: --frames would replace another file of this run; name another folder"
        );
        let replaced = |file: &&PathBuf| file.parent() == Some(&path) && Frames::may_replace(file);
        let mut files = self.read.iter().chain(&self.written);
        ensure!(
            files.find(replaced).is_none(),
            "{shown}: a frame would replace another file of this run; name another folder"
        );
        Ok(())
    }
}

/// Checks that all files of a run can be written where they are to be, and that none replaces another. `resumed` says that a
/// checkpoint which is already there is this run's.
///
/// # Errors
/// Which file, and what is wrong with it.
pub fn check(request: &RunRequest, weights: Option<&Path>, resumed: bool) -> anyhow::Result<()> {
    let mut paths = RunPaths::default();
    let read = (request.inputs().chain(weights)).chain(request.settings_from.as_deref());
    read.for_each(|file| paths.add_read(file));
    paths.add_written("--output", &request.files.output)?;
    if let Some(file) = &request.save_settings {
        paths.add_written("--save-settings", file)?;
    }
    check_reports(&request.reports, &mut paths)?;
    check_checkpoints(&request.checkpoints, &mut paths, resumed)?;
    let frames = request.reports.frames.as_deref();
    frames.map_or(Ok(()), |folder| paths.check_frames(folder))
}

fn check_reports(options: &ReportOptions, paths: &mut RunPaths) -> anyhow::Result<()> {
    if let Some(log) = &options.log {
        paths.add_written("--log", log)?;
        let shown = log.display();
        let folder = log.parent().filter(|folder| *folder != Path::new(""));
        ensure!(
            folder.is_none_or(Path::is_dir),
            "{shown}: there is no folder {} for the log",
            folder.unwrap_or(Path::new("")).display()
        );
        ensure!(
            !log.is_dir(),
            "{shown}: this is a folder; name a file for the log"
        );
        #[cfg(unix)]
        ensure!(
            !log.metadata().is_ok_and(|file| file.file_type().is_fifo()),
            "{shown}: the log would wait for somebody to read this pipe; name a file"
        );
    }
    if let Some(animation) = &options.animation {
        paths.add_written("--animation", animation)?;
        AnimationFile::new(animation)
            .map_err(|error| anyhow!("{}: --animation: {error}", animation.display()))?;
    }
    if let Some(report) = &options.report {
        paths.add_written("--report", report)?;
        ReportFile::new(report)?;
    }
    Ok(())
}

fn check_checkpoints(
    options: &CheckpointOptions,
    paths: &mut RunPaths,
    resumed: bool,
) -> anyhow::Result<()> {
    let Some(path) = &options.checkpoint else {
        return Ok(());
    };
    for path in [path, &previous(path)] {
        paths.add_written("--checkpoint", path)?;
        ensure!(
            resumed || !path.exists(),
            "{}: --checkpoint would replace this file; if it is a checkpoint, impasto resume continues from it; otherwise name \
             another, or remove it",
            path.display()
        );
    }
    CheckpointFile::new(path)
        .map(drop)
        .map_err(|error| anyhow!("{}: --checkpoint: {error}", path.display()))
}

/// The path of a file, the same for all its names. Neither the file nor its folder needs to exist.
pub fn canonical(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    match path.components().next_back() {
        Some(Component::Normal(name)) => {
            let path = canonical(folder).join(name);
            path.canonicalize().unwrap_or(path)
        }
        // Out of a folder that does not exist yet, but will before the file is written.
        Some(Component::ParentDir) => {
            let mut path = canonical(folder);
            path.pop();
            path
        }
        _ => path.to_owned(),
    }
}
