//! What `impasto batch` stores beside the pictures, in a hidden folder: for each picture, what it was made from, so that it is not
//! painted twice; and the checkpoint of one that is being painted.

use crate::cli::paint::Resumed;
use crate::cli::paint::checkpoints::{RunDescription, digest};
use crate::cli::request::{ALL, REST, RunRequest, init_file};
use crate::cli::terminal::say;
use crate::engine::EngineKind;
use crate::files::checkpoint::{Checkpoint, CheckpointFile, previous};
use crate::painting::Init;
use anyhow::Context;
use serde_json::json;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The hidden folder.
const FOLDER: &str = ".impasto";

/// Whether a picture needs to be painted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It does not exist.
    Missing,
    /// It exists, and was made from other pictures or with other settings.
    Outdated,
    /// It exists, and nothing says that it is outdated.
    Finished,
}

/// The records of what pictures were made from.
#[derive(Default)]
pub struct Records {
    /// The SHA-256 of the files that were read so far.
    digests: HashMap<PathBuf, String>,
}

impl Records {
    /// Whether the picture of a request needs to be painted. One without a record was painted elsewhere, and counts as finished.
    ///
    /// # Errors
    /// If a file that it is made from cannot be read.
    pub fn status(&mut self, request: &RunRequest) -> anyhow::Result<Status> {
        let output = &request.files.output;
        if !output.exists() {
            return Ok(Status::Missing);
        }
        match std::fs::read(record_path(output)) {
            Ok(before) if before != self.made_from(request)?.as_bytes() => Ok(Status::Outdated),
            _ => Ok(Status::Finished),
        }
    }

    /// What the picture of a request is made from, as JSON: the contents of its files, and the settings that affect it.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn made_from(&mut self, request: &RunRequest) -> anyhow::Result<String> {
        let mut settings = request.settings.clone();
        if let Some(file) = init_file(&request.settings) {
            settings.init = Init::File(self.digest(file)?.into());
        }
        let files = &request.files;
        let mut digests = |files: &[PathBuf]| -> anyhow::Result<Vec<_>> {
            files.iter().map(|file| self.digest(file)).collect()
        };
        let mut made_from = json!({
            "content": digests(files.content.as_slice())?,
            "style": digests(&files.style)?,
            "content-mask": digests(&files.content_mask)?,
            "style-mask": digests(&files.style_mask)?,
            "weights": digests(request.network.weights.as_slice())?,
            "weights-convention": request.network.weights_convention,
            "reference": request.network.machine.engine()? == EngineKind::Reference,
            "recipe": settings,
        });
        // Only if there is one, so that records of earlier versions remain true.
        if let Some(mask) = &files.protect {
            made_from["protect"] = self.digest(mask)?.into();
        }
        Ok(made_from.to_string())
    }

    /// The SHA-256 of a file; of the words for all and the rest, the word.
    fn digest(&mut self, file: &Path) -> anyhow::Result<String> {
        if let Some(digest) = self.digests.get(file) {
            return Ok(digest.clone());
        }
        let digest = match file.to_str() {
            Some(word @ (ALL | REST)) => word.to_owned(),
            _ => digest(file)?,
        };
        self.digests.insert(file.to_owned(), digest.clone());
        Ok(digest)
    }

    /// The run that was interrupted, if its checkpoint exists and is of this request. A checkpoint of another one is removed.
    pub fn begun(&mut self, request: &RunRequest, made_from: &str) -> Option<Resumed> {
        let path = checkpoint_path(&request.files.output);
        if !path.exists() && !previous(&path).exists() {
            return None;
        }
        let trouble = match Checkpoint::open(&path) {
            Ok((Checkpoint { about, state }, _)) => {
                let description: Option<RunDescription> = serde_json::from_str(&about).ok();
                if let Some(description) = description
                    && self.is_of(&description, made_from)
                {
                    let engine =
                        description.engine(|warning| say(format_args!("warning: {warning}")));
                    return Some(Resumed { state, engine });
                }
                let shown = path.display();
                format!("{shown}: of other pictures or settings, or begun in another folder")
            }
            Err(error) => error.to_string(),
        };
        say(format_args!(
            "warning: {trouble}; this picture is begun anew"
        ));
        remove_checkpoint(&request.files.output);
        None
    }

    /// Whether a checkpoint is of a run whose picture is made from the same.
    fn is_of(&mut self, description: &RunDescription, made_from: &str) -> bool {
        std::env::current_dir().is_ok_and(|folder| folder == description.folder)
            && description.changed().is_empty()
            && (self.made_from(&description.request)).is_ok_and(|before| before == made_from)
    }
}

/// Creates the hidden folder for this picture, and the picture's own.
///
/// # Errors
/// If it cannot be created.
pub fn create_folder(output: &Path) -> anyhow::Result<()> {
    let folder = beside(output, "");
    let folder = folder.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{}: this folder cannot be created", folder.display()))
}

/// Records what the picture that has just been written was made from.
pub fn write_record(output: &Path, made_from: &str) {
    let path = record_path(output);
    if let Err(error) = std::fs::write(&path, made_from) {
        let _ = std::fs::remove_file(&path);
        say(format_args!(
            "warning: {}: no record can be written, so that changed settings will not be noticed: {error}",
            path.display()
        ));
    }
}

/// Removes the checkpoints of a picture.
pub fn remove_checkpoint(output: &Path) {
    if let Ok(file) = CheckpointFile::new(&checkpoint_path(output)) {
        file.remove();
    }
}

/// The path of a picture's checkpoint.
pub fn checkpoint_path(output: &Path) -> PathBuf {
    beside(output, ".checkpoint")
}

fn record_path(output: &Path) -> PathBuf {
    beside(output, ".json")
}

fn beside(output: &Path, ending: &str) -> PathBuf {
    let mut name = output.file_name().unwrap_or(OsStr::new("")).to_owned();
    name.push(ending);
    output
        .parent()
        .unwrap_or(Path::new(""))
        .join(FOLDER)
        .join(name)
}
