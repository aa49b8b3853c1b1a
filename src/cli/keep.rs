//! The end of a run: its picture is written, wherever that is possible.

use anyhow::anyhow;
use impasto::picture::{FloatPicture, OutputFile};
use impasto::stylize::StylizeError;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often it is looked whether the picture's folder is still there.
const LOOK: Duration = Duration::from_secs(5);

/// Writes the picture; if its place no longer takes it, writes it elsewhere, so that the work is not lost.
///
/// # Errors
/// If it is not where it was to be: where it is instead, if anywhere.
pub fn keep(output: &OutputFile, picture: &FloatPicture) -> anyhow::Result<()> {
    let Err(error) = output.write(picture) else {
        return Ok(());
    };
    let here = PathBuf::from(".");
    let folders = [std::env::temp_dir()]
        .into_iter()
        .chain(std::env::home_dir())
        .chain([here]);
    let mut troubles = error.to_string();
    for folder in folders {
        let rescue = unused(&folder);
        match OutputFile::new(&rescue).and_then(|place| place.write(picture)) {
            Ok(()) => {
                return Err(anyhow!(
                    "{troubles}; the picture is in {} instead",
                    rescue.display()
                ));
            }
            Err(second) => troubles += &format!("; nor could it be kept elsewhere: {second}"),
        }
    }
    Err(anyhow!(troubles))
}

/// A name in this folder that no picture kept there before has.
fn unused(folder: &Path) -> PathBuf {
    let id = std::process::id();
    let names = (2..).map(|number| format!("impasto-{id}-{number}.png"));
    let mut files = std::iter::once(format!("impasto-{id}.png"))
        .chain(names)
        .map(|name| folder.join(name));
    (files.find(|file| !file.exists())).expect("there is always another number")
}

/// Keeps the last good picture of a run that went out of bounds.
pub fn keep_last_good(error: StylizeError, output: &OutputFile) -> anyhow::Error {
    match &error {
        StylizeError::Diverged {
            last_good: Some(picture),
            ..
        } => match keep(output, picture) {
            Ok(()) => anyhow!(
                "{error}; the last good picture is in {}",
                output.path().display()
            ),
            Err(second) => anyhow!("{error}; {second}"),
        },
        _ => error.into(),
    }
}

/// Looks now and then whether the place for the picture is still there.
pub struct Watch<'a> {
    output: &'a OutputFile,
    last: Instant,
    there: bool,
}

impl<'a> Watch<'a> {
    /// A place that is there now.
    pub fn new(output: &'a OutputFile) -> Self {
        Self {
            output,
            last: Instant::now(),
            there: true,
        }
    }

    /// What is wrong with the place, if that is new.
    pub fn trouble(&mut self) -> Option<String> {
        if self.last.elapsed() < LOOK {
            return None;
        }
        self.last = Instant::now();
        let trouble = self.output.check_place().err();
        let news = trouble.filter(|_| self.there);
        self.there &= news.is_none();
        news.map(|trouble| {
            format!("{trouble}; the run goes on, and its picture will be kept elsewhere if need be")
        })
    }
}
