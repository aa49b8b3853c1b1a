//! Those who watch a run, and the options that ask for them.

use super::places::Places;
use super::say;
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use impasto::picture::Picture;
use impasto::report::{Animation, AnimationFile, FrameSchedule, Frames, Log, Progress};
use impasto::stylize::Step;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Options of what is reported.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct ReportOptions {
    /// Keep pictures of the run in this folder: 00020.png is the one after iteration 20
    #[arg(long, value_name = "DIR")]
    frames: Option<PathBuf>,

    /// After which iterations: classic is 1, 2, 3, 4, 5, 10, 20 and then every 20th; N is every Nth
    #[arg(
        long,
        value_name = "classic|N",
        default_value = "classic",
        requires = "frames"
    )]
    frames_at: FrameSchedule,

    /// Write the picture as it develops to this file, animated: up to 60 frames, most of them of the early iterations, up to 480
    /// pixels along the long edge; of a run that is resumed, what it shows is since then
    #[arg(long, value_name = "FILE.gif|FILE.apng")]
    animation: Option<PathBuf>,

    /// Write the losses to this file, a JSON object a line, a line an iteration
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    #[command(flatten)]
    pub talk: TalkOptions,
}

/// Options of how much is said.
#[derive(Args, Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct TalkOptions {
    /// Say nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say settings, sizes, CPU features and timings too
    #[arg(short, long)]
    pub verbose: bool,
}

impl TalkOptions {
    /// Says something unless told to be quiet.
    pub fn remark(self, text: impl Display) {
        if !self.quiet {
            say(format_args!("{text}"));
        }
    }

    /// Says something if told to be talkative.
    pub fn detail(self, text: impl Display) {
        if self.verbose {
            say(format_args!("{text}"));
        }
    }
}

impl From<TalkOptions> for ReportOptions {
    fn from(talk: TalkOptions) -> Self {
        Self {
            talk,
            ..Self::default()
        }
    }
}

impl ReportOptions {
    /// Checks that the reports can be written where they are to be.
    ///
    /// # Errors
    /// If a place cannot be, or is another file's.
    pub fn check(&self, places: &mut Places) -> anyhow::Result<()> {
        if let Some(log) = &self.log {
            places.writes("--log", log)?;
            let folder = log.parent().filter(|folder| *folder != Path::new(""));
            ensure!(
                folder.is_none_or(Path::is_dir),
                "{}: there is no folder {} for the log",
                log.display(),
                folder.unwrap_or(Path::new("")).display()
            );
            ensure!(
                !log.is_dir(),
                "{}: this is a folder; name a file for the log",
                log.display()
            );
            #[cfg(unix)]
            ensure!(
                !log.metadata().is_ok_and(|file| file.file_type().is_fifo()),
                "{}: the log would wait for somebody to read this pipe; name a file",
                log.display()
            );
        }
        if let Some(animation) = &self.animation {
            places.writes("--animation", animation)?;
            animation_file(animation)?;
        }
        Ok(())
    }

    /// Checks the folder for the frames, once all other files are named.
    ///
    /// # Errors
    /// If it is none, or a frame would replace one of the files.
    pub fn check_frames(&self, places: &Places) -> anyhow::Result<()> {
        (self.frames.as_deref()).map_or(Ok(()), |folder| places.holds_frames(folder))
    }
}

fn animation_file(path: &Path) -> anyhow::Result<AnimationFile> {
    AnimationFile::new(path)
        .map_err(|trouble| anyhow!("{}: --animation: {trouble}", path.display()))
}

/// Those who watch a run. One that fails says so once and is dropped; the run goes on.
pub struct Reports {
    progress: Option<Progress>,
    log: Option<Log>,
    frames: Option<Frames>,
    animation: Option<Animation>,
}

impl Reports {
    /// For a run of so many iterations, of which the first `done` are not done again.
    ///
    /// # Errors
    /// If a file cannot be made.
    pub fn create(options: &ReportOptions, done: usize, iterations: usize) -> anyhow::Result<Self> {
        let frames = options.frames.clone().map(|folder| {
            let name = folder.display().to_string();
            Frames::create(folder, options.frames_at)
                .with_context(|| format!("{name}: no frames can be kept there"))
        });
        let frames = frames.transpose()?;
        let log = options.log.as_deref().map(|path| {
            match done {
                0 => Log::create(path),
                _ => Log::resume(path, done),
            }
            .with_context(|| format!("{}: no log can be made", path.display()))
        });
        let animation = options.animation.as_deref().map(animation_file);
        Ok(Self {
            log: log.transpose()?,
            frames,
            animation: (animation.transpose()?).map(|file| Animation::new(file, done, iterations)),
            progress: (!options.talk.quiet).then(|| Progress::new(iterations)),
        })
    }

    /// Shows them what is known after an iteration.
    pub fn observe(&mut self, step: &Step) {
        if let Some(Err(error)) = self.log.as_mut().map(|log| log.observe(step)) {
            self.warn(format_args!("warning: nothing more can be logged: {error}"));
            self.log = None;
        }
        if let Some(Err(error)) = self.frames.as_mut().map(|frames| frames.observe(step)) {
            self.warn(format_args!("warning: no more frames: {error}"));
            self.frames = None;
        }
        if let Some(animation) = &mut self.animation {
            animation.observe(step);
        }
        if let Some(progress) = &mut self.progress {
            progress.observe(step);
        }
    }

    /// Says something without writing into the progress bar.
    pub fn warn(&self, warning: std::fmt::Arguments) {
        match &self.progress {
            Some(progress) => progress.suspend(|| say(warning)),
            None => say(warning),
        }
    }

    /// Tells them that there is nothing more to see.
    pub fn finish(&self) {
        if let Some(progress) = &self.progress {
            progress.finish();
        }
    }

    /// Writes the animation, if one is asked for, that ends with this picture.
    pub fn animate(&mut self, last: &Picture) {
        if let Some(Err(trouble)) = self.animation.take().map(|animation| animation.write(last)) {
            self.warn(format_args!("warning: no animation: {trouble}"));
        }
    }
}
