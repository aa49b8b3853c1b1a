//! Writing the picture at the end of a run, wherever that is possible, so that the work is not lost.

use crate::files::picture::{FloatPicture, OutputFile};
use crate::painting::StylizeError;
use anyhow::anyhow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often to check that the picture's folder is still there.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Writes the picture. If its file can no longer be written, writes it to another folder.
///
/// # Errors
/// If it is not where it was to be; the message says where it is instead, if anywhere.
pub fn write_or_rescue(output: &OutputFile, picture: &FloatPicture) -> anyhow::Result<()> {
    let Err(error) = output.write(picture) else {
        return Ok(());
    };
    let folders = [std::env::temp_dir()]
        .into_iter()
        .chain(std::env::home_dir())
        .chain([PathBuf::from(".")]);
    let mut message = error.to_string();
    for folder in folders {
        let rescue = unused_name(&folder);
        match OutputFile::new(&rescue).and_then(|file| file.write(picture)) {
            Ok(()) => {
                let shown = rescue.display();
                return Err(anyhow!("{message}; the picture is in {shown} instead"));
            }
            Err(error) => message += &format!("; nor could it be written elsewhere: {error}"),
        }
    }
    Err(anyhow!(message))
}

/// The name of a file in this folder that does not exist yet.
fn unused_name(folder: &Path) -> PathBuf {
    let id = std::process::id();
    let names = (2..).map(|number| format!("impasto-{id}-{number}.png"));
    let mut files = std::iter::once(format!("impasto-{id}.png"))
        .chain(names)
        .map(|name| folder.join(name));
    (files.find(|file| !file.exists())).expect("there is always another number")
}

/// Writes the last good picture of a run that diverged. Returns the error for the user.
pub fn rescue_last_good(error: StylizeError, output: &OutputFile) -> anyhow::Error {
    match &error {
        StylizeError::Diverged {
            last_good: Some(picture),
            ..
        } => match write_or_rescue(output, picture) {
            Ok(()) => anyhow!(
                "{error}; the last good picture is in {}",
                output.path().display()
            ),
            Err(second) => anyhow!("{error}; {second}"),
        },
        _ => error.into(),
    }
}

/// Checks now and then that the picture can still be written.
pub struct OutputWatch<'a> {
    output: &'a OutputFile,
    last: Instant,
    failed: bool,
}

impl<'a> OutputWatch<'a> {
    pub fn new(output: &'a OutputFile) -> Self {
        Self {
            output,
            last: Instant::now(),
            failed: false,
        }
    }

    /// A warning if the picture can no longer be written, the first time that this is found.
    pub fn warning(&mut self) -> Option<String> {
        if self.failed || self.last.elapsed() < CHECK_INTERVAL {
            return None;
        }
        self.last = Instant::now();
        let error = self.output.check_place().err()?;
        self.failed = true;
        Some(format!(
            "{error}; the run continues, and its picture will be written elsewhere if need be"
        ))
    }
}
