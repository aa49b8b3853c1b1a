//! `impasto batch`: many pictures with one network in memory.

mod checks;
mod folders;
mod list;
mod page;
mod records;
mod task;

use super::args::{
    CheckpointOptions, ForStylize, Interval, MemoryArgs, NetworkOptions, OutputOptions,
    PresetOptions, SettingOptions, TalkOptions,
};
use super::paint::report::file_name;
use super::paint::{Ended, Painter, interrupt};
use super::request::RunRequest;
use super::terminal::say;
use crate::files::picture::EXTENSIONS;
use crate::painting::Recipe;
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use page::BatchReport;
use records::{Records, Status};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use task::{Job, Task};
use thiserror::Error;

/// Paint many pictures: a list of jobs, or every photograph of a folder in the style of every painting of another
///
/// The network is read once. Pictures that exist are skipped, unless they were made from other pictures or with other settings: after
/// an interruption the same command continues. If a job fails, that is reported, the others are painted, and the exit code is 1.
/// Options given here win over the list.
#[derive(Args)]
#[command(mut_arg("save_settings", |option| option.hide(true)))]
pub struct Batch {
    /// A TOML file with the jobs: content, style, output and any settings of each; the chapter "Many pictures" of the book has an example
    #[arg(
        value_name = "JOBS.toml",
        required_unless_present = "contents",
        conflicts_with_all = ["contents", "styles", "output", "format"]
    )]
    jobs: Option<PathBuf>,

    /// A folder of photographs, instead of a list
    #[arg(long, value_name = "DIR", requires = "styles", requires = "output")]
    contents: Option<PathBuf>,

    /// A folder of paintings
    #[arg(long, value_name = "DIR", requires = "contents")]
    styles: Option<PathBuf>,

    /// The folder for the painted pictures, CONTENT_STYLE.png each; it is created if it does not exist
    #[arg(short, long, value_name = "DIR", requires = "contents")]
    output: Option<PathBuf>,

    /// The format of the painted pictures in that folder
    #[arg(
        long,
        value_name = "png|jpg|…",
        default_value = "png",
        value_parser = PossibleValuesParser::new(EXTENSIONS),
        hide_possible_values = true,
        requires = "contents"
    )]
    format: String,

    /// Paint only every Nth job, beginning with the Ith: N machines, each with another I, paint every job once
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,

    /// Paint everything again, whether finished or begun
    #[arg(long)]
    again: bool,

    /// Write checkpoints, so that a picture that was begun is continued: after every Nth iteration, or after a time in seconds,
    /// minutes or hours: 30s, 5m, 1h
    #[arg(long, value_name = "N|TIME")]
    checkpoint_every: Option<Interval>,

    /// Write a page about all jobs of this call to this file: pictures, losses, times, and why jobs failed. The page is a single
    /// file without links to others
    #[arg(long, value_name = "FILE.html", help_heading = "Reports")]
    report: Option<PathBuf>,

    #[command(flatten)]
    settings: SettingOptions<ForStylize>,

    #[command(flatten)]
    preset: PresetOptions,

    #[command(flatten)]
    encoding: OutputOptions,

    #[command(flatten)]
    network: NetworkOptions,

    #[command(flatten)]
    memory: MemoryArgs,

    #[command(flatten)]
    talk: TalkOptions,
}

/// One of several equal parts of the jobs, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shard {
    number: usize,
    of: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("write which part of how many, from 1/8 to 8/8")]
struct InvalidShard;

impl FromStr for Shard {
    type Err = InvalidShard;

    fn from_str(text: &str) -> Result<Self, InvalidShard> {
        let number = |text: &str| text.parse().ok();
        let shard = text
            .split_once('/')
            .and_then(|(i, n)| Some((number(i)?, number(n)?)));
        match shard {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(InvalidShard),
        }
    }
}

/// How many jobs ended in which way.
#[derive(Default)]
struct Tally {
    painted: usize,
    skipped: usize,
    failed: Vec<String>,
}

impl Batch {
    /// Paints what is not finished.
    ///
    /// # Errors
    /// If the list is wrong; then nothing is painted.
    pub fn run(mut self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        self.network.weights = self.network.named_weights();
        let tasks = self.tasks()?;
        checks::files(&tasks, self.network.weights.as_deref())?;
        if let Some(file) = &self.report {
            let (list, preset) = (self.jobs.as_deref(), self.preset.file());
            let others = [list, preset.as_deref(), self.network.weights.as_deref()];
            checks::report(file, &tasks, &others)?;
        }
        let mut painter = Painter::of_many(built_in, self.talk.quiet)?;
        let (_, loaded) = painter.read_weights(&self.network)?;
        for task in &tasks {
            checks::settings(task, &loaded.weights).with_context(|| task.name.clone())?;
        }
        let Shard { number, of } = self.shard.unwrap_or(Shard { number: 1, of: 1 });
        let mine: Vec<_> = (1..).zip(&tasks).skip(number - 1).step_by(of).collect();
        for (_, task) in &mine {
            records::create_folder(&task.request.files.output)?;
            checks::output(task).with_context(|| task.name.clone())?;
        }
        let mut report = self.batch_report(tasks.len(), mine.len())?;
        painter.detail = report.as_ref().map(BatchReport::detail);
        let (tally, left) = self.paint_all(&mut painter, &mine, tasks.len(), &mut report);
        if let Some(report) = report {
            report.write(&tally, left);
        }
        Ok(self.tell(&tally, left))
    }

    /// Says how the batch ended, with this many jobs left after Ctrl-C.
    fn tell(&self, tally: &Tally, left: usize) -> ExitCode {
        if left > 0 {
            self.talk
                .remark(format_args!("{}, {left} left", tally.text()));
            return ExitCode::from(interrupt::EXIT_CODE);
        }
        if tally.failed.is_empty() {
            self.talk.remark(tally.text());
            return ExitCode::SUCCESS;
        }
        say(format_args!("{}", tally.text()));
        ExitCode::FAILURE
    }

    /// What is collected for the page about `count` tasks, of which this process has `mine`, if there is to be one.
    fn batch_report(&self, count: usize, mine: usize) -> anyhow::Result<Option<BatchReport>> {
        let Some(file) = &self.report else {
            return Ok(None);
        };
        let title = match (&self.jobs, &self.contents, &self.styles) {
            (None, Some(contents), Some(styles)) => {
                format!(
                    "{} in the styles of {}",
                    file_name(contents),
                    file_name(styles)
                )
            }
            (list, ..) => list.as_deref().map(file_name).unwrap_or_default(),
        };
        BatchReport::new(file, title, count, mine).map(Some)
    }

    /// Paints these tasks, each with its number, of a list of `count`. Returns how they ended, and how many are left after Ctrl-C.
    fn paint_all(
        &self,
        painter: &mut Painter,
        mine: &[(usize, &Task)],
        count: usize,
        report: &mut Option<BatchReport>,
    ) -> (Tally, usize) {
        let mut tally = Tally::default();
        let mut records = Records::default();
        for (at, &(number, task)) in mine.iter().enumerate() {
            let output = task.request.files.output.display();
            let title = format!("job {number} of {count}: {output}");
            let ended = if painter.interrupted() {
                Ok(Some(Ended::Early))
            } else {
                self.paint(painter, &mut records, &title, &task.request)
            };
            if let Some(report) = report {
                let run = painter.report.take();
                match &ended {
                    Ok(Some(Ended::Finished)) => report.painted(number, task, run),
                    Ok(Some(Ended::Early)) => report.ended_early(number, task, run),
                    Ok(None) => report.skipped(number, task),
                    Err(error) => report.failed(number, task, error),
                }
            }
            match ended {
                Ok(Some(Ended::Finished)) => tally.painted += 1,
                Ok(None) => tally.skipped += 1,
                Ok(Some(Ended::Early)) => return (tally, mine.len() - at),
                Err(error) => {
                    say(format_args!("{title}: failed: {error:#}"));
                    tally.failed.push(output.to_string());
                }
            }
        }
        (tally, 0)
    }

    /// Paints one picture. Returns `None` if it is there already.
    fn paint(
        &self,
        painter: &mut Painter,
        records: &mut Records,
        title: &str,
        request: &RunRequest,
    ) -> anyhow::Result<Option<Ended>> {
        let output = &request.files.output;
        let status = records.status(request)?;
        if status == Status::Finished && !self.again {
            self.talk.detail(format_args!("{title}: there already"));
            return Ok(None);
        }
        let why = match status {
            Status::Outdated => ", again: its pictures or settings have changed",
            _ => "",
        };
        self.talk.remark(format_args!("{title}{why}"));
        let recipe = records.made_from(request)?;
        if self.again {
            records::remove_checkpoint(output);
        }
        let begun = records.begun(request, &recipe);
        if let Some(begun) = &begun {
            let done = begun.state.iterations();
            self.talk
                .remark(format_args!("continuing after iteration {done}"));
        }
        let ended = painter.paint(request, begun)?;
        if ended == Ended::Finished {
            records::write_record(output, &recipe);
            records::remove_checkpoint(output);
        }
        Ok(Some(ended))
    }

    /// The jobs, with the options of the command line.
    fn tasks(&self) -> anyhow::Result<Vec<Task>> {
        ensure!(
            self.preset.save_settings.is_none(),
            "--save-settings is for one run, and here are many: use it with impasto stylize"
        );
        let preset = self.preset.recipe(&self.settings.recipe)?;
        let jobs = match (&self.jobs, &self.contents, &self.styles, &self.output) {
            (Some(list), ..) => list::read(list, preset)?,
            (None, Some(contents), Some(styles), Some(output)) => {
                let mut jobs = folders::pairs(contents, styles, output, &self.format)?;
                for job in &mut jobs {
                    job.recipe = preset.clone().unwrap_or_default();
                }
                jobs
            }
            _ => {
                return Err(anyhow!(
                    "name a list of jobs, or --contents, --styles and --output"
                ));
            }
        };
        Ok(jobs.into_iter().map(|job| self.task(job)).collect())
    }

    fn task(&self, job: Job) -> Task {
        let checkpoints = (self.checkpoint_every).map(|checkpoint_every| CheckpointOptions {
            checkpoint: Some(records::checkpoint_path(&job.files.output)),
            checkpoint_every,
        });
        let request = RunRequest {
            files: job.files,
            settings: Recipe::or(self.settings.recipe.clone(), job.recipe).settings(),
            output: self.encoding.clone(),
            settings_from: None,
            save_settings: None,
            network: self.network.clone(),
            memory: self.memory.clone(),
            reports: self.talk.into(),
            checkpoints: checkpoints.unwrap_or_default(),
        };
        Task {
            name: job.name,
            request,
        }
    }
}

impl Tally {
    /// `12 painted, 3 skipped, 1 failed: out/a.png`
    fn text(&self) -> String {
        let Self {
            painted,
            skipped,
            failed,
        } = self;
        let names = if failed.is_empty() {
            String::new()
        } else {
            format!(": {}", failed.join(", "))
        };
        let failed = failed.len();
        format!("{painted} painted, {skipped} skipped, {failed} failed{names}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_counted_from_1_to_their_number() {
        assert_eq!("2/3".parse(), Ok(Shard { number: 2, of: 3 }));
        for bad in ["0/3", "4/3", "0/0", "1", "1/", "/3", "-1/3", "1/3/5", "a/b"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
