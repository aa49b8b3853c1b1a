//! Options for what is reported while a run goes on.

use crate::cli::terminal::say;
use crate::painting::observers::FrameSchedule;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::path::PathBuf;

/// Options for reports.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct ReportOptions {
    /// Write pictures of the run to this folder: 00020.png is the one after iteration 20
    #[arg(long, value_name = "DIR")]
    pub frames: Option<PathBuf>,

    /// After which iterations: classic is 1, 2, 3, 4, 5, 10, 20 and then every 20th; N is every Nth
    #[arg(
        long,
        value_name = "classic|N",
        default_value = "classic",
        requires = "frames"
    )]
    pub frames_at: FrameSchedule,

    /// Write an animation of the developing picture to this file: up to 60 frames, most of them from the early iterations, up to
    /// 480 pixels along the long edge. After a resume it shows only what came since
    #[arg(long, value_name = "FILE.gif|FILE.apng")]
    pub animation: Option<PathBuf>,

    /// Write the losses to this file: a line for each iteration, a JSON object each
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// Write a page about the run to this file: its pictures, settings, losses and times. The page is a single file without links to
    /// others, to be looked at in a browser or sent to somebody. After a resume it shows only the losses since
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,

    #[command(flatten)]
    pub talk: TalkOptions,
}

impl From<TalkOptions> for ReportOptions {
    fn from(talk: TalkOptions) -> Self {
        Self {
            talk,
            ..Self::default()
        }
    }
}

/// Options for how much is printed.
#[derive(Args, Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Reports")]
pub struct TalkOptions {
    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print settings, sizes, CPU features and timings too
    #[arg(short, long)]
    pub verbose: bool,
}

impl TalkOptions {
    /// Prints a line, unless `--quiet`.
    pub fn remark(self, text: impl Display) {
        if !self.quiet {
            say(format_args!("{text}"));
        }
    }

    /// Prints a line if `--verbose`.
    pub fn detail(self, text: impl Display) {
        if self.verbose {
            say(format_args!("{text}"));
        }
    }
}
