//! The observers of a run that the options ask for.

use super::animation::{Animation, AnimationFile};
use super::progress::Progress;
use super::report::RunReport;
use crate::cli::args::ReportOptions;
use crate::cli::terminal::say;
use crate::files::picture::Picture;
use crate::painting::observers::{Frames, Log};
use crate::painting::{Iteration, Painting};
use anyhow::{Context, anyhow};

/// Whoever watches a run. An observer that fails says so once and is dropped; the run continues.
pub struct Observers<'a> {
    /// What is collected for a page about the run, if there is one.
    pub report: Option<&'a mut RunReport>,
    progress: Option<Progress>,
    log: Option<Log>,
    frames: Option<Frames>,
    animation: Option<Animation>,
}

impl Observers<'_> {
    /// For a run with this number of iterations, of which the first `done` were done before it was resumed.
    ///
    /// # Errors
    /// If a file cannot be created.
    pub fn create(options: &ReportOptions, done: usize, iterations: usize) -> anyhow::Result<Self> {
        let frames = options.frames.clone().map(|folder| {
            let name = folder.display().to_string();
            Frames::create(folder, options.frames_at)
                .with_context(|| format!("{name}: no frames can be written there"))
        });
        // All checks come before the log, which replaces an older one.
        let frames = frames.transpose()?;
        let animation = options.animation.as_deref().map(|path| {
            AnimationFile::new(path)
                .map_err(|error| anyhow!("{}: --animation: {error}", path.display()))
        });
        let animation = animation.transpose()?;
        let log = options.log.as_deref().map(|path| {
            let log = if done == 0 {
                Log::create(path)
            } else {
                Log::resume(path, done)
            };
            log.with_context(|| format!("{}: no log can be written", path.display()))
        });
        Ok(Self {
            report: None,
            frames,
            log: log.transpose()?,
            animation: animation.map(|file| Animation::new(file, done, iterations)),
            progress: (!options.talk.quiet).then(|| Progress::new(iterations)),
        })
    }

    /// Shows them an iteration.
    pub fn observe(&mut self, iteration: &Iteration) {
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.observe(iteration)) {
            self.warn(format_args!("warning: the log ends here: {error}"));
            self.log = None;
        }
        if let Some(Err(error)) = self.frames.as_mut().map(|frames| frames.observe(iteration)) {
            self.warn(format_args!("warning: no more frames: {error}"));
            self.frames = None;
        }
        if let Some(animation) = &mut self.animation {
            animation.observe(iteration);
        }
        if let Some(report) = &mut self.report {
            report.observe(iteration);
        }
        if let Some(progress) = &mut self.progress {
            progress.observe(iteration);
        }
    }

    /// Prints a line without disturbing the progress bar.
    pub fn warn(&self, warning: std::fmt::Arguments) {
        match &self.progress {
            Some(progress) => progress.suspend(|| say(warning)),
            None => say(warning),
        }
    }

    /// Tells them that the run has ended.
    pub fn finish(&self) {
        if let Some(progress) = &self.progress {
            progress.finish();
        }
    }

    /// Shows the painted picture to the page about the run.
    pub fn finish_report(&mut self, painting: &Painting) {
        if let Some(report) = &mut self.report {
            report.finish(painting);
        }
    }

    /// Writes the animation, if there is one, with this picture as its last frame.
    pub fn write_animation(&mut self, last: impl FnOnce() -> Picture) {
        let animation = self.animation.take();
        if let Some(Err(error)) = animation.map(|animation| animation.write(&last())) {
            self.warn(format_args!("warning: no animation: {error}"));
        }
    }
}
