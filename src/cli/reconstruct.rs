//! `impasto reconstruct`: what a layer of the network knows of a photograph.

use super::args::ForReconstruct;
use super::request::Files;
use super::run::RunOptions;
use crate::painting::{Init, LayerWeight, Layers, OriginalColors, Recipe};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Paint what a layer of the network knows of a photograph, from noise
///
/// Shallow layers know nearly every pixel. Deep ones know what is where, and little of its color and texture.
#[derive(Args)]
pub struct Reconstruct {
    /// The photograph
    content: PathBuf,

    /// The file to write; its extension determines the format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The layer, or several, each with its weight or 1
    #[arg(
        long,
        value_name = "LAYER[=X],…",
        default_value = "conv4_2",
        value_delimiter = ','
    )]
    layer: Vec<LayerWeight>,

    #[command(flatten)]
    run: RunOptions<ForReconstruct>,
}

impl Reconstruct {
    /// Paints, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn run(self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let Some(team) = self.run.join()? else {
            return Ok(ExitCode::SUCCESS);
        };
        let given = Recipe {
            init: Some(Init::Random),
            original_colors: Some(OriginalColors::Off),
            content_weight: Some(1.0),
            content_layers: Some(Layers(self.layer)),
            ..Recipe::default()
        };
        let files = Files {
            content: Some(self.content),
            output: self.output,
            ..Files::default()
        };
        self.run.paint(files, given, None, team, built_in)
    }
}
