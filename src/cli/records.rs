//! What is kept beside the pictures of `impasto batch`, in a hidden folder: of each picture, what it was made from, so that it is
//! not painted twice; and the checkpoint of one that is being painted.

use super::checkpoints::{About, digest};
use super::options::init_file;
use super::order::Order;
use super::paint::Resumed;
use super::resume::engine;
use super::say;
use anyhow::Context;
use impasto::checkpoint::{Checkpoint, CheckpointFile, previous};
use impasto::ops::conv::Engine;
use serde_json::json;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Where these files are, beside the pictures.
const FOLDER: &str = ".impasto";

/// Whether there is anything to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is no picture.
    Missing,
    /// There is one, made from other pictures, or with other settings.
    Outdated,
    /// There is one; nothing is known against it.
    Finished,
}

/// What pictures were made from.
#[derive(Default)]
pub struct Records {
    /// Of the files that were looked at.
    digests: HashMap<PathBuf, String>,
}

impl Records {
    /// Whether an order's picture is there. One of which there is no record was painted elsewhere, and counts as finished.
    ///
    /// # Errors
    /// If a file that it is made from cannot be read.
    pub fn standing(&mut self, order: &Order) -> anyhow::Result<Standing> {
        let output = &order.files.output;
        if !output.exists() {
            return Ok(Standing::Missing);
        }
        match std::fs::read(record(output)) {
            Ok(before) if before != self.made_from(order)?.as_bytes() => Ok(Standing::Outdated),
            _ => Ok(Standing::Finished),
        }
    }

    /// What an order's picture is made from: the contents of its files, and the settings that change it.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn made_from(&mut self, order: &Order) -> anyhow::Result<String> {
        let mut recipe = order.recipe.clone();
        if let Some(file) = init_file(&order.recipe) {
            recipe.init = Some(self.digest(file)?);
        }
        let files = &order.files;
        let mut digests = |files: &[PathBuf]| -> anyhow::Result<Vec<_>> {
            files.iter().map(|file| self.digest(file)).collect()
        };
        let made_from = json!({
            "content": digests(files.content.as_slice())?,
            "style": digests(&files.style)?,
            "content-mask": digests(&files.content_mask)?,
            "style-mask": digests(&files.style_mask)?,
            "weights": digests(order.network.weights.as_slice())?,
            "weights-convention": order.network.weights_convention,
            "reference": order.network.machine.engine()? == Engine::Reference,
            "recipe": recipe,
        });
        Ok(made_from.to_string())
    }

    /// The SHA-256 of a file, or the word for all or the rest.
    fn digest(&mut self, file: &Path) -> anyhow::Result<String> {
        if let Some(digest) = self.digests.get(file) {
            return Ok(digest.clone());
        }
        let digest = match file.to_str() {
            Some(word @ (super::order::ALL | super::order::REST)) => word.to_owned(),
            _ => digest(file)?,
        };
        self.digests.insert(file.to_owned(), digest.clone());
        Ok(digest)
    }

    /// The run that was broken off, if its checkpoint is there and it is of this order; one of another is removed.
    pub fn begun(&mut self, order: &Order, made_from: &str) -> Option<Resumed> {
        let path = checkpoint(&order.files.output);
        if !path.exists() && !previous(&path).exists() {
            return None;
        }
        let opened = Checkpoint::open(&path).map_err(|error| error.to_string());
        let begun = opened.and_then(|(Checkpoint { about, state }, _)| {
            let about: Option<About> = serde_json::from_str(&about).ok();
            let about = about.filter(|about| {
                std::env::current_dir().is_ok_and(|folder| folder == about.folder)
                    && about.changed().is_empty()
                    && self
                        .made_from(&about.order)
                        .is_ok_and(|before| before == made_from)
            });
            let about = about.ok_or("of other pictures or settings, or begun in another folder")?;
            let engine = engine(about.cpu.as_deref());
            Ok(Resumed { state, engine })
        });
        let begun = begun.map_err(|trouble| {
            say(format_args!(
                "warning: {}: {trouble}; this picture is begun anew",
                path.display()
            ));
            forget(&order.files.output);
        });
        begun.ok()
    }
}

/// Makes the folder for what is kept about this picture, and the picture's own.
///
/// # Errors
/// If it cannot be made.
pub fn make_folder(output: &Path) -> anyhow::Result<()> {
    let folder = beside(output, "");
    let folder = folder.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("{}: this folder cannot be made", folder.display()))
}

/// Takes down what the picture that has just been written was made from.
pub fn keep(output: &Path, made_from: &str) {
    let place = record(output);
    if let Err(error) = std::fs::write(&place, made_from) {
        let _ = std::fs::remove_file(&place);
        say(format_args!(
            "warning: {}: no record can be kept, so that changed settings will not be noticed: {error}",
            place.display()
        ));
    }
}

/// Removes the checkpoints of a picture.
pub fn forget(output: &Path) {
    if let Ok(file) = CheckpointFile::new(&checkpoint(output)) {
        file.remove();
    }
}

/// Where the checkpoint of a picture is.
pub fn checkpoint(output: &Path) -> PathBuf {
    beside(output, ".checkpoint")
}

fn record(output: &Path) -> PathBuf {
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
