//! The settings of a run, stored inside the PNG that it painted.

use super::{Files, RunRequest};
use crate::files::picture::{OutputFile, read_text};
use crate::files::weights::Convention;
use crate::painting::Recipe;
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The key of the settings among the texts of a PNG.
const KEY: &str = "impasto:settings";

/// What is stored, as TOML.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EmbeddedSettings {
    /// The program and its version.
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights_convention: Option<Convention>,
    /// Without the output: a picture has a name of its own.
    pub files: Files,
    pub recipe: Recipe,
}

impl EmbeddedSettings {
    /// The settings that are stored in a picture.
    ///
    /// # Errors
    /// If the picture has none, or they are not of this version of impasto.
    pub fn open(picture: &Path) -> anyhow::Result<Self> {
        let text = read_text(picture, KEY).context("--settings-from")?;
        toml::from_str(&text).map_err(|_| {
            let shown = picture.display();
            anyhow!(
                "--settings-from: {shown}: its settings are not those of this version of impasto"
            )
        })
    }

    /// The command that painted the picture, if it is not stylize.
    pub fn other_command(&self) -> Option<&'static str> {
        match (&self.files.content, &self.files.style[..]) {
            (None, _) => Some("impasto texture"),
            (_, []) => Some("impasto reconstruct"),
            _ => None,
        }
    }

    fn of(request: &RunRequest) -> Self {
        Self {
            by: concat!("impasto ", env!("CARGO_PKG_VERSION")).to_owned(),
            weights: request.network.weights.clone(),
            weights_convention: request.network.weights_convention,
            files: Files {
                output: PathBuf::new(),
                ..request.files.clone()
            },
            recipe: request.settings.clone().into(),
        }
    }
}

/// The file for the picture of a run, with the settings in it, unless the options say otherwise or a file's name is not text.
///
/// # Errors
/// If it cannot be written there, or not with these options.
pub fn output_file(request: &RunRequest) -> anyhow::Result<OutputFile> {
    let mut text = Vec::new();
    if !request.output.no_settings
        && let Ok(settings) = toml::to_string(&EmbeddedSettings::of(request))
    {
        text.push((KEY.to_owned(), settings));
    }
    let file = OutputFile::new(&request.files.output)?;
    Ok(file.with_encoding(request.output.encoding(text))?)
}
