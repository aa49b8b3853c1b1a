//! `impasto texture`: the style of a painting, and nothing else.

use super::options::{PictureOptions, StyleOptions};
use super::order::Files;
use super::run::RunOptions;
use clap::Args;
use impasto::stylize::{Colours, Recipe};
use std::path::PathBuf;
use std::process::ExitCode;

/// Paint the style of a painting alone, from noise: a texture
///
/// What there is in the painting, wherever it is: colours, strokes, small things. With --seamless copies of it fit together on all
/// sides.
#[derive(Args)]
pub struct Texture {
    /// The painting, or any picture of a texture; of several, a blend
    #[arg(required = true)]
    style: Vec<PathBuf>,

    /// The file to write; its ending says in which format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Make it tile: the picture goes on at its left where it ends at its right, and so at the top and the bottom
    #[arg(long, help_heading = "Picture")]
    seamless: bool,

    /// What of a style picture is looked at: the white of this picture, or `all`; once for each style, in their order
    #[arg(long, value_name = "FILE|all", help_heading = "Style")]
    style_mask: Vec<PathBuf>,

    #[command(flatten)]
    picture: PictureOptions,

    #[command(flatten)]
    of_style: StyleOptions,

    #[command(flatten)]
    run: RunOptions,
}

impl Texture {
    /// Paints, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn run(self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let texture = Recipe {
            init: Some("random".to_owned()),
            original_colors: Some(Colours::Painting),
            seamless: self.seamless.then_some(true),
            ..Recipe::default()
        };
        let given = (self.picture.given()).or(self.of_style.given()).or(texture);
        let files = Files {
            style: self.style,
            style_mask: self.style_mask,
            output: self.output,
            ..Files::default()
        };
        self.run.paint(files, given, "texture", built_in)
    }
}
