//! The settings of a run inside the picture that it painted.

use super::order::{Files, Order};
use anyhow::{Context, anyhow};
use impasto::picture::read_text;
use impasto::stylize::Recipe;
use impasto::weights::Convention;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Under which the settings are kept among the texts of a PNG.
pub const KEY: &str = "impasto:settings";

/// What is kept, as TOML.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kept {
    /// The program and its version.
    by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights_convention: Option<Convention>,
    pub files: Files,
    pub recipe: Recipe,
}

impl Kept {
    /// What there is to keep of a run.
    pub fn of(order: &Order) -> Self {
        Self {
            by: concat!("impasto ", env!("CARGO_PKG_VERSION")).to_owned(),
            weights: order.network.weights.clone(),
            weights_convention: order.network.weights_convention,
            files: Files {
                output: PathBuf::new(), // a picture has its own name
                ..order.files.clone()
            },
            recipe: order.recipe.clone(),
        }
    }

    /// The text; none if a file has a name that is no text.
    pub fn to_text(&self) -> Option<String> {
        toml::to_string(self).ok()
    }

    /// What a picture keeps.
    ///
    /// # Errors
    /// If the picture keeps no settings, or none of this version of impasto.
    pub fn open(picture: &Path) -> anyhow::Result<Self> {
        let text = read_text(picture, KEY).context("--settings-from")?;
        toml::from_str(&text).map_err(|_| {
            let shown = picture.display();
            anyhow!(
                "--settings-from: {shown}: its settings are not those of this version of impasto"
            )
        })
    }
}
