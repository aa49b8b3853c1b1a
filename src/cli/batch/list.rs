//! Jobs from a TOML file.
//!
//! What a job does not set is taken from its preset, then from `[defaults]`, then from the preset named there.

use super::task::Job;
use crate::cli::request::{ALL, Files, REST};
use crate::painting::{Init, Recipe};
use anyhow::{Context, anyhow, bail, ensure};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

/// The largest list that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// The keys of a job that are not settings.
const NAMES: [&str; 7] = [
    "content",
    "style",
    "content-mask",
    "style-mask",
    "protect",
    "output",
    "preset",
];

/// The keys of [`NAMES`], in a job or for all of them.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Names {
    content: Option<PathBuf>,
    style: Option<Paths>,
    content_mask: Option<Paths>,
    style_mask: Option<Paths>,
    protect: Option<PathBuf>,
    output: Option<PathBuf>,
    preset: Option<PathBuf>,
}

#[derive(Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected the name of a file, or a list of names"
)]
enum Paths {
    One(PathBuf),
    Several(Vec<PathBuf>),
}

impl From<Paths> for Vec<PathBuf> {
    fn from(paths: Paths) -> Self {
        match paths {
            Paths::One(path) => vec![path],
            Paths::Several(paths) => paths,
        }
    }
}

/// A list while it is read.
struct List<'a> {
    path: &'a Path,
    text: &'a str,
}

type Table<'a> = Spanned<DeTable<'a>>;

/// What `[defaults]` says.
struct Defaults {
    names: Names,
    recipe: Recipe,
}

/// The jobs of a list. Names of files are relative to its folder. A `preset` replaces the one that `[defaults]` names.
///
/// # Errors
/// One line: the file, the line, the job and what is wrong with it.
pub fn read(path: &Path, preset: Option<Recipe>) -> anyhow::Result<Vec<Job>> {
    let text = read_text(path).with_context(|| path.display().to_string())?;
    let list = List { path, text: &text };
    let (defaults, jobs) = list.tables()?;
    let defaults = list.defaults(defaults, preset)?;
    let jobs = (1..).zip(jobs);
    jobs.map(|(number, table)| list.job(number, table, &defaults))
        .collect()
}

impl List<'_> {
    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// `jobs.toml: line 7`, for an offset in the text.
    fn line(&self, at: usize) -> String {
        let line = 1 + self.text[..at].matches('\n').count();
        format!("{}: line {line}", self.path.display())
    }

    /// The message for an error in the TOML.
    fn error(&self, job: &str, error: &Error) -> anyhow::Error {
        let at = error
            .span()
            .map_or(0, |span| span.start)
            .min(self.text.len());
        let message = error.message().replace('\n', " ");
        // After "expected" all keys of a recipe are listed.
        let message = match message.split_once(", expected") {
            Some((unknown, _)) if unknown.starts_with("unknown field") => {
                let names = NAMES.join(", ");
                format!("{unknown}; a job has {names}, and the keys of a recipe")
            }
            _ => message,
        };
        anyhow!("{}{job}: {message}", self.line(at))
    }

    /// The table `[defaults]`, if there is one, and the tables `[[job]]`.
    fn tables(&self) -> anyhow::Result<(Option<Table<'_>>, Vec<Table<'_>>)> {
        let whole = DeTable::parse(self.text).map_err(|error| self.error("", &error))?;
        let (mut defaults, mut jobs) = (None, Vec::new());
        for (key, value) in whole.into_inner() {
            let at = key.span().start;
            match (key.get_ref().as_ref(), value.into_inner()) {
                ("defaults", DeValue::Table(table)) => {
                    defaults = Some(Spanned::new(key.span(), table))
                }
                ("job", DeValue::Array(values)) => {
                    for value in values {
                        let span = value.span();
                        let DeValue::Table(table) = value.into_inner() else {
                            let line = self.line(span.start);
                            bail!("{line}: not a job; begin each with [[job]]");
                        };
                        jobs.push(Spanned::new(span, table));
                    }
                }
                (key, _) => bail!(
                    "{}: {key}: a list has one [defaults], and begins each job with [[job]]",
                    self.line(at)
                ),
            }
        }
        ensure!(
            !jobs.is_empty(),
            "{}: there are no jobs in it; begin each with [[job]]",
            self.path.display()
        );
        Ok((defaults, jobs))
    }

    fn defaults(&self, table: Option<Table>, preset: Option<Recipe>) -> anyhow::Result<Defaults> {
        let Some(table) = table else {
            return Ok(Defaults {
                names: Names::default(),
                recipe: preset.unwrap_or_default(),
            });
        };
        let line = self.line(table.span().start);
        let (names, recipe) = split(table).map_err(|error| self.error(", defaults", &error))?;
        ensure!(
            names.output.is_none(),
            "{line}, defaults: output: all jobs would write one file; give each its own"
        );
        let preset = match (preset, &names.preset) {
            (Some(preset), _) => preset,
            (None, Some(name)) => self
                .preset(name, &recipe)
                .with_context(|| format!("{line}, defaults: preset"))?,
            (None, None) => Recipe::default(),
        };
        Ok(Defaults {
            names,
            recipe: recipe.or(preset),
        })
    }

    fn job(&self, number: usize, table: Table, defaults: &Defaults) -> anyhow::Result<Job> {
        let job = format!(", job {number}");
        let name = self.line(table.span().start) + &job;
        let (names, recipe) = split(table).map_err(|error| self.error(&job, &error))?;
        let preset = match &names.preset {
            Some(preset) => self
                .preset(preset, &recipe)
                .with_context(|| format!("{name}: preset"))?,
            None => Recipe::default(),
        };
        let mut recipe = recipe.or(preset).or(defaults.recipe.clone());
        if let Some(Init::File(file)) = &mut recipe.init {
            *file = self.folder().join(&*file);
        }
        let files = names.files(&defaults.names, self.folder());
        Ok(Job {
            files: files.with_context(|| name.clone())?,
            name,
            recipe,
        })
    }

    /// A preset by its name, or in a file beside the list, for a recipe that wins over it.
    fn preset(&self, preset: &Path, winning: &Recipe) -> anyhow::Result<Recipe> {
        let built_in = |name| Recipe::preset_under(name, winning);
        match preset.to_str().and_then(built_in) {
            Some(recipe) => Ok(recipe),
            None => Ok(Recipe::open(&self.folder().join(preset))?),
        }
    }
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    ensure!(path.exists(), "there is no such file");
    // The kind of file is checked first: opening a pipe would wait until somebody writes to it.
    ensure!(
        path.is_file(),
        "not a file; name a list of jobs, or folders with --contents and --styles"
    );
    let mut text = String::new();
    let length = File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    ensure!(
        length as u64 <= MAX_BYTES,
        "longer than {} MB; make several lists of it",
        MAX_BYTES >> 20
    );
    Ok(text)
}

/// The names and the settings of a job, or of the defaults.
fn split(table: Spanned<DeTable>) -> Result<(Names, Recipe), Error> {
    let span: Range<usize> = table.span();
    let (mut names, mut recipe) = (DeTable::new(), DeTable::new());
    for (key, value) in table.into_inner() {
        let is_name = NAMES.contains(&key.get_ref().as_ref());
        let part = if is_name { &mut names } else { &mut recipe };
        part.insert(key, value);
    }
    let part = |table| Deserializer::from(Spanned::new(span.clone(), table));
    Ok((
        Names::deserialize(part(names))?,
        Recipe::deserialize(part(recipe))?,
    ))
}

impl Names {
    fn files(self, defaults: &Self, folder: &Path) -> anyhow::Result<Files> {
        let place = |path: PathBuf| match path.to_str() {
            Some(ALL | REST) => path,
            _ => folder.join(path),
        };
        let places = |own: Option<Paths>, default: &Option<Paths>| -> Vec<_> {
            let paths = own.or(default.clone()).map(Vec::from).unwrap_or_default();
            paths.into_iter().map(place).collect()
        };
        let content = self.content.or(defaults.content.clone());
        let files = Files {
            content: Some(folder.join(content.context("content is missing: what to paint")?)),
            style: places(self.style, &defaults.style),
            content_mask: places(self.content_mask, &defaults.content_mask),
            style_mask: places(self.style_mask, &defaults.style_mask),
            protect: (self.protect.or(defaults.protect.clone())).map(|mask| folder.join(mask)),
            output: folder.join(
                self.output
                    .context("output is missing: the file to write")?,
            ),
        };
        ensure!(!files.style.is_empty(), "style is missing: how to paint it");
        Ok(files)
    }
}
