//! `impasto batch`: many pictures with one network in memory.

use super::checkpoints::{CheckpointOptions, Every};
use super::interrupt;
use super::jobs::{self, Job};
use super::options::{PaintOptions, RecipeOptions};
use super::order::{NetworkOptions, Order, OutputOptions};
use super::paint::{Ended, Painter};
use super::places::whereabouts;
use super::records::{self, Records, Standing};
use super::reports::TalkOptions;
use super::say;
use super::weights::weights_variable;
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use impasto::ops::conv::Engine;
use impasto::picture::EXTENSIONS;
use impasto::stylize::{Init, Recipe};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

/// Paint many pictures: a list of jobs, or every photograph of a folder in the style of every painting of another
///
/// The network is read once. Pictures that are there are skipped, unless they were made from other pictures or with other settings:
/// after an interruption the same command goes on. A job that fails is told, and the next one is painted; the exit code is
/// then 1. Options given here win over the list.
#[derive(Args)]
#[command(mut_arg("save_settings", |option| option.hide(true)))]
pub struct Batch {
    /// A TOML file with the jobs: content, style, output and any settings of each; docs/batch.md has an example
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

    /// The folder for the painted pictures, CONTENT_STYLE.png each; it is made if it is not there
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

    /// Paint only each Nth job, beginning with the Ith: N machines, each with another I, paint all of them and none twice
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,

    /// Paint anew what is finished or begun
    #[arg(long)]
    again: bool,

    /// Keep checkpoints, so that a picture that was begun is gone on with: after each Nth iteration, or so many seconds,
    /// minutes or hours: 30s, 5m, 1h
    #[arg(long, value_name = "N|TIME")]
    checkpoint_every: Option<Every>,

    #[command(flatten)]
    paint: PaintOptions,

    #[command(flatten)]
    recipe: RecipeOptions,

    #[command(flatten)]
    encoding: OutputOptions,

    #[command(flatten)]
    network: NetworkOptions,

    #[command(flatten)]
    talk: TalkOptions,
}

/// One part of the jobs: the first is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shard {
    number: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok();
        let shard = text
            .split_once('/')
            .and_then(|(i, n)| Some((number(i)?, number(n)?)));
        match shard {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("write which part of how many, from 1/8 to 8/8".to_owned()),
        }
    }
}

/// A job and the order that it makes.
struct Task {
    name: String,
    order: Order,
}

/// What became of the jobs.
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
        self.network.weights = self.network.weights.or_else(weights_variable);
        let tasks = self.tasks()?;
        check_files(&tasks, self.network.weights.as_deref())?;
        let mut painter = Painter::of_many(built_in, self.talk.quiet)?;
        painter.read_weights(&self.network)?;
        for task in &tasks {
            (task.check(&painter)).with_context(|| task.name.clone())?;
        }
        let Shard { number, of } = self.shard.unwrap_or(Shard { number: 1, of: 1 });
        let mine: Vec<_> = (1..).zip(&tasks).skip(number - 1).step_by(of).collect();
        for (_, task) in &mine {
            records::make_folder(&task.order.files.output)?;
            task.order.output().with_context(|| task.name.clone())?;
        }

        let mut tally = Tally::default();
        let mut records = Records::default();
        for (at, (number, task)) in mine.iter().enumerate() {
            let title = format!(
                "job {number} of {}: {}",
                tasks.len(),
                task.order.files.output.display()
            );
            let ended = match painter.interrupted() {
                true => Ok(Some(Ended::Early)),
                false => self.paint(&mut painter, &mut records, &title, &task.order),
            };
            match ended {
                Ok(Some(Ended::Finished)) => tally.painted += 1,
                Ok(None) => tally.skipped += 1,
                Ok(Some(Ended::Early)) => {
                    let left = mine.len() - at;
                    self.talk
                        .remark(format_args!("{}, {left} left", tally.text()));
                    return Ok(ExitCode::from(interrupt::EXIT_CODE));
                }
                Err(error) => {
                    say(format_args!("{title}: failed: {error:#}"));
                    tally
                        .failed
                        .push(task.order.files.output.display().to_string());
                }
            }
        }
        match tally.failed[..] {
            [] => {
                self.talk.remark(tally.text());
                Ok(ExitCode::SUCCESS)
            }
            _ => {
                say(format_args!("{}", tally.text()));
                Ok(ExitCode::FAILURE)
            }
        }
    }

    /// Does one job; none if its picture is there.
    fn paint(
        &self,
        painter: &mut Painter,
        records: &mut Records,
        title: &str,
        order: &Order,
    ) -> anyhow::Result<Option<Ended>> {
        let output = &order.files.output;
        let standing = records.standing(order)?;
        if standing == Standing::Finished && !self.again {
            self.talk.detail(format_args!("{title}: there already"));
            return Ok(None);
        }
        let why = match standing {
            Standing::Outdated => ", again: its pictures or settings have changed",
            _ => "",
        };
        self.talk.remark(format_args!("{title}{why}"));
        let made_from = records.made_from(order)?;
        if self.again {
            records::forget(output);
        }
        let begun = records.begun(order, &made_from);
        if let Some(begun) = &begun {
            let done = begun.state.iterations();
            self.talk
                .remark(format_args!("going on after iteration {done}"));
        }
        let ended = painter.paint(order, begun)?;
        if ended == Ended::Finished {
            records::keep(output, &made_from);
            records::forget(output);
        }
        Ok(Some(ended))
    }

    /// The jobs with the options of the command line.
    fn tasks(&self) -> anyhow::Result<Vec<Task>> {
        ensure!(
            self.recipe.save_settings.is_none(),
            "--save-settings is for one run, and here are many: give it to impasto stylize"
        );
        let given = self.recipe.given().or(self.paint.given()?);
        let preset = self.recipe.preset()?;
        let default = Recipe::preset("default").expect("it is built in");
        let jobs = match (&self.jobs, &self.contents, &self.styles, &self.output) {
            (Some(list), ..) => jobs::read(list, preset)?,
            (None, Some(contents), Some(styles), Some(output)) => {
                let mut jobs = jobs::pairs(contents, styles, output, &self.format)?;
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
        let task = |Job {
                        name,
                        files,
                        recipe,
                    }| {
            let checkpoints = (self.checkpoint_every)
                .map(|every| CheckpointOptions::new(records::checkpoint(&files.output), every));
            let order = Order {
                files,
                recipe: given.clone().or(recipe).or(default.clone()),
                encoding: self.encoding.clone(),
                save_settings: None,
                network: self.network.clone(),
                reports: self.talk.into(),
                checkpoints: checkpoints.unwrap_or_default(),
            };
            Task { name, order }
        };
        Ok(jobs.into_iter().map(task).collect())
    }
}

impl Task {
    /// Checks the settings, as far as they can be without the pictures.
    fn check(&self, painter: &Painter) -> anyhow::Result<()> {
        let Order { files, recipe, .. } = &self.order;
        files.check_masks()?;
        let settings = recipe.clone().settings(Init::Content, Engine::default());
        (settings.check(&files.stand_ins())).map_err(|trouble| anyhow!(trouble))?;
        painter.check_layers(recipe)
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
        let names = match failed[..] {
            [] => String::new(),
            _ => format!(": {}", failed.join(", ")),
        };
        let failed = failed.len();
        format!("{painted} painted, {skipped} skipped, {failed} failed{names}")
    }
}

/// Checks that all pictures are there, that no two jobs write one file, and that none writes what another reads.
fn check_files(tasks: &[Task], weights: Option<&Path>) -> anyhow::Result<()> {
    let mut read = HashMap::new();
    for Task { name, order } in tasks {
        for file in order.inputs() {
            if read.contains_key(file) {
                continue;
            }
            let shown = file.display();
            ensure!(file.exists(), "{name}: {shown}: there is no such file");
            ensure!(
                file.is_file(),
                "{name}: {shown}: not a file; name a picture file"
            );
            read.insert(file, whereabouts(file));
        }
    }
    let mut readers: HashMap<_, _> = weights
        .map(|file| (whereabouts(file), "the weights"))
        .into_iter()
        .collect();
    for Task { name, order } in tasks {
        readers.extend(
            order
                .inputs()
                .map(|file| (read[file].clone(), name.as_str())),
        );
    }
    let mut written = HashMap::new();
    for Task { name, order } in tasks {
        let output = &order.files.output;
        let (place, shown) = (whereabouts(output), output.display());
        if let Some(other) = readers.get(&place) {
            return Err(anyhow!(
                "{name}: {shown}: it would replace a file that is read ({other}); name another"
            ));
        }
        if let Some(other) = written.insert(place, name) {
            return Err(anyhow!(
                "{name}: {shown}: another job writes this file too ({other}); name another, or rename one of the pictures"
            ));
        }
        let ending = output.extension().and_then(|ending| ending.to_str());
        let ending = ending.unwrap_or_default().to_ascii_lowercase();
        ensure!(
            EXTENSIONS.contains(&ending.as_str()),
            "{name}: {shown}: the ending says in which format to write; use one of {}",
            EXTENSIONS.join(", ")
        );
    }
    Ok(())
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
