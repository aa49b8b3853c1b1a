//! `impasto reconstruct`: what a layer knows of a photograph.

use super::options::PictureOptions;
use super::order::Files;
use super::run::RunOptions;
use clap::Args;
use impasto::stylize::{Colours, LayerWeight, Layers, Recipe};
use std::path::PathBuf;
use std::process::ExitCode;

/// Paint what a layer of the network knows of a photograph, from noise
///
/// Shallow layers know nearly every pixel; deep ones what is where, and little of its colour and grain.
#[derive(Args)]
pub struct Reconstruct {
    /// The photograph
    content: PathBuf,

    /// The file to write; its ending says in which format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The layer; of several, each with its weight or 1
    #[arg(
        long,
        value_name = "LAYER[=X],…",
        default_value = "conv4_2",
        value_delimiter = ','
    )]
    layer: Vec<LayerWeight>,

    #[command(flatten)]
    picture: PictureOptions,

    #[command(flatten)]
    run: RunOptions,
}

impl Reconstruct {
    /// Paints, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn run(self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let reconstruction = Recipe {
            init: Some("random".to_owned()),
            original_colors: Some(Colours::Painting),
            content_weight: Some(1.0),
            content_layers: Some(Layers(self.layer)),
            ..Recipe::default()
        };
        let files = Files {
            content: Some(self.content),
            output: self.output,
            ..Files::default()
        };
        let given = self.picture.given().or(reconstruction);
        self.run.paint(files, given, "reconstruct", built_in)
    }
}
