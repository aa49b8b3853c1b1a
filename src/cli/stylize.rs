//! `impasto stylize`: one photograph, paintings, one picture.

use super::checkpoints::CheckpointOptions;
use super::options::{PhotographOptions, PictureOptions, RecipeOptions, StyleOptions};
use super::order::{Files, NetworkOptions, Order};
use super::paint::Painter;
use super::reports::ReportOptions;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Paint a photograph in the style of a painting
///
/// With no option it is the classic recipe, 512 pixels along the long edge. For a first look try --size 256 --iterations 100.
#[derive(Args)]
pub struct Stylize {
    /// The photograph: what to paint
    content: PathBuf,

    /// The painting: how to paint it; of several, a blend
    #[arg(required = true)]
    style: Vec<PathBuf>,

    /// The file to write; its ending says in which format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Where a style is painted: the white of this picture, or `rest`; once for each style, in their order
    #[arg(long, value_name = "FILE|rest", help_heading = "Style")]
    content_mask: Vec<PathBuf>,

    /// What of a style picture is looked at: the white of this picture, or `all`; once for each style, in their order
    #[arg(long, value_name = "FILE|all", help_heading = "Style")]
    style_mask: Vec<PathBuf>,

    #[command(flatten)]
    picture: PictureOptions,

    #[command(flatten)]
    photograph: PhotographOptions,

    #[command(flatten)]
    of_style: StyleOptions,

    #[command(flatten)]
    recipe: RecipeOptions,

    #[command(flatten)]
    network: NetworkOptions,

    #[command(flatten)]
    reports: ReportOptions,

    #[command(flatten)]
    checkpoints: CheckpointOptions,
}

impl Stylize {
    /// Paints, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn run(self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let given = (self.picture.given())
            .or(self.photograph.given()?)
            .or(self.of_style.given());
        let order = Order {
            recipe: self.recipe.complete(given, "default")?,
            save_settings: self.recipe.save_settings,
            files: Files {
                content: Some(self.content),
                style: self.style,
                content_mask: self.content_mask,
                style_mask: self.style_mask,
                output: self.output,
            },
            network: self.network,
            reports: self.reports,
            checkpoints: self.checkpoints,
        };
        let mut painter = Painter::new(built_in, order.reports.talk.quiet)?;
        Ok(painter.paint(&order, None)?.into())
    }
}
