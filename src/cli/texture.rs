//! `impasto texture`: the style of a painting, without a photograph.

use super::args::ForTexture;
use super::request::Files;
use super::run::RunOptions;
use crate::painting::{Init, OriginalColors, Recipe};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Paint a texture: the style of a painting, from noise
///
/// It has the colors, strokes and small details of the painting, wherever in it they are. With --seamless, copies of the texture fit
/// together on all sides.
#[derive(Args)]
pub struct Texture {
    /// The painting, or any picture of a texture. Several are blended
    #[arg(required = true)]
    style: Vec<PathBuf>,

    /// The file to write; its extension determines the format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Which part of a style picture counts: where this picture is white, or `all`; once for each style, in their order
    #[arg(long, value_name = "FILE|all", help_heading = "Style")]
    style_mask: Vec<PathBuf>,

    #[command(flatten)]
    run: RunOptions<ForTexture>,
}

impl Texture {
    /// Paints, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn run(self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let Some(team) = self.run.join()? else {
            return Ok(ExitCode::SUCCESS);
        };
        // Whatever the preset says: there is no photograph.
        let given = Recipe {
            init: Some(Init::Random),
            original_colors: Some(OriginalColors::Off),
            ..Recipe::default()
        };
        let files = Files {
            style: self.style,
            style_mask: self.style_mask,
            output: self.output,
            ..Files::default()
        };
        self.run.paint(files, given, None, team, built_in)
    }
}
