//! Lists of jobs: from a file, or every photograph of a folder in the style of every painting of another.
//!
//! What a job does not set is taken from its preset, then from `[defaults]`, then from the preset named there.

use crate::cli::paint::paths::canonical;
use crate::cli::request::{ALL, Files, REST};
use crate::files::picture::EXTENSIONS;
use crate::painting::{Init, Recipe};
use anyhow::{Context, anyhow, bail, ensure};
use serde::Deserialize;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

/// The largest list that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// The keys of a job that are not settings.
const NAMES: [&str; 6] = [
    "content",
    "style",
    "content-mask",
    "style-mask",
    "output",
    "preset",
];

/// The endings of pictures that can be read but are not written.
const READ_ONLY: [&str; 4] = ["pgm", "pbm", "pnm", "pam"];

/// One picture to be painted.
pub struct Job {
    /// What messages call it.
    pub name: String,
    pub files: Files,
    /// Its settings, as far as the list has them.
    pub recipe: Recipe,
}

/// The keys of [`NAMES`], in a job or for all of them.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Names {
    content: Option<PathBuf>,
    style: Option<Paths>,
    content_mask: Option<Paths>,
    style_mask: Option<Paths>,
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

/// The jobs of a list. Names of files are relative to its folder. `preset` stands in for the one that `[defaults]` names.
///
/// # Errors
/// One line: the file, the line, the job and what is wrong with it.
pub fn read(path: &Path, preset: Option<Recipe>) -> anyhow::Result<Vec<Job>> {
    let shown = path.display();
    let text = read_text(path).with_context(|| shown.to_string())?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let in_line = |at: usize| format!("{shown}: line {}", 1 + text[..at].matches('\n').count());
    let explain = |job: &str, error: &Error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let message = error.message().replace('\n', " ");
        // The rest is all the keys that a recipe has.
        let message = match message.split_once(", expected") {
            Some((unknown, _)) if unknown.starts_with("unknown field") => {
                let names = NAMES.join(", ");
                format!("{unknown}; a job has {names}, and the keys of a recipe")
            }
            _ => message,
        };
        anyhow!("{}{job}: {message}", in_line(at))
    };
    let whole = DeTable::parse(&text).map_err(|error| explain("", &error))?;
    let (mut defaults, mut list) = (None, Vec::new());
    for (key, value) in whole.into_inner() {
        let line = in_line(key.span().start);
        match (key.get_ref().as_ref(), value.into_inner()) {
            ("defaults", DeValue::Table(table)) => defaults = Some(Spanned::new(key.span(), table)),
            ("job", DeValue::Array(jobs)) => {
                for job in jobs {
                    let span = job.span();
                    match job.into_inner() {
                        DeValue::Table(table) => list.push(Spanned::new(span, table)),
                        _ => bail!(
                            "{}: not a job; begin each with [[job]]",
                            in_line(span.start)
                        ),
                    }
                }
            }
            (key, _) => {
                bail!("{line}: {key}: a list has one [defaults], and begins each job with [[job]]")
            }
        }
    }
    ensure!(
        !list.is_empty(),
        "{shown}: there are no jobs in it; begin each with [[job]]"
    );
    let open = |preset: &Path| {
        let built_in = preset.to_str().and_then(Recipe::preset);
        built_in.map_or_else(|| Recipe::open(&folder.join(preset)), Ok)
    };
    let (names, defaults, line) = match defaults {
        None => (Names::default(), Recipe::default(), String::new()),
        Some(table) => {
            let line = in_line(table.span().start);
            let (names, recipe) = split(table).map_err(|error| explain(", defaults", &error))?;
            (names, recipe, line)
        }
    };
    ensure!(
        names.output.is_none(),
        "{line}, defaults: output: all jobs would write one file; give each its own"
    );
    let behind = match (preset, &names.preset) {
        (Some(preset), _) => preset,
        (None, Some(name)) => {
            open(name).map_err(|trouble| anyhow!("{line}, defaults: preset: {trouble}"))?
        }
        (None, None) => Recipe::default(),
    };
    let jobs = (1..).zip(list).map(|(number, table)| {
        let job = format!(", job {number}");
        let name = in_line(table.span().start) + &job;
        let (own, recipe) = split(table).map_err(|error| explain(&job, &error))?;
        let preset = match &own.preset {
            Some(preset) => open(preset).map_err(|trouble| anyhow!("{name}: preset: {trouble}"))?,
            None => Recipe::default(),
        };
        let mut recipe = (recipe.or(preset)).or(defaults.clone()).or(behind.clone());
        if let Some(Init::File(file)) = &mut recipe.init {
            *file = folder.join(&*file);
        }
        let files = own.files(&names, folder).with_context(|| name.clone())?;
        Ok(Job {
            name,
            files,
            recipe,
        })
    });
    jobs.collect()
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    ensure!(path.exists(), "there is no such file");
    // Asked before it is opened: opening a pipe would wait for somebody to write.
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
            output: folder.join(
                self.output
                    .context("output is missing: the file to write")?,
            ),
        };
        ensure!(!files.style.is_empty(), "style is missing: how to paint it");
        Ok(files)
    }
}

/// Every photograph of a folder in the style of every painting of another, to be written as `content_style.ending`.
///
/// # Errors
/// If a folder has no pictures, or those to be painted would be among them.
pub fn pairs(
    contents: &Path,
    styles: &Path,
    output: &Path,
    ending: &str,
) -> anyhow::Result<Vec<Job>> {
    for folder in [contents, styles] {
        ensure!(
            canonical(folder) != canonical(output),
            "{}: what is painted there would be taken for one of its pictures by the next run; name another folder with --output",
            output.display()
        );
    }
    let styles = pictures(styles)?;
    let mut jobs = Vec::new();
    for content in pictures(contents)? {
        for style in &styles {
            let mut name = OsString::from(stem(&content));
            name.push("_");
            name.push(stem(style));
            name.push(".");
            name.push(ending);
            jobs.push(Job {
                name: format!("{} in the style of {}", content.display(), style.display()),
                files: Files {
                    content: Some(content.clone()),
                    style: vec![style.clone()],
                    output: output.join(name),
                    ..Files::default()
                },
                recipe: Recipe::default(),
            });
        }
    }
    Ok(jobs)
}

fn stem(file: &Path) -> &OsStr {
    file.file_stem().unwrap_or_default()
}

/// The picture files of a folder, by their endings, in the order of their names; without hidden ones.
fn pictures(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let shown = folder.display();
    let is_picture = |file: &Path| {
        let ending = file.extension().and_then(OsStr::to_str);
        let ending = ending.unwrap_or_default().to_ascii_lowercase();
        let hidden = file
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        let known = EXTENSIONS
            .iter()
            .chain(&READ_ONLY)
            .any(|known| *known == ending);
        known && !hidden && file.is_file()
    };
    ensure!(folder.is_dir(), "{shown}: there is no such folder");
    let entries = folder.read_dir().with_context(|| shown.to_string())?;
    let mut files = Vec::new();
    for entry in entries {
        files.push(entry.with_context(|| shown.to_string())?.path());
    }
    files.retain(|file| is_picture(file));
    if files.is_empty() {
        bail!("{shown}: there are no pictures in this folder");
    }
    files.sort();
    Ok(files)
}
