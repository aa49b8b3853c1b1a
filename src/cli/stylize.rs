//! `impasto stylize`: one photograph, paintings, one picture.

use super::kept::Kept;
use super::options::PaintOptions;
use super::order::Files;
use super::places::whereabouts;
use super::run::RunOptions;
use anyhow::ensure;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Paint a photograph in the style of a painting
///
/// With no option the long edge gets 512 pixels. For a first look try --size 256.
#[derive(Args)]
pub struct Stylize {
    /// The photograph: what to paint
    #[arg(required_unless_present = "settings_from")]
    content: Option<PathBuf>,

    /// The painting: how to paint it; of several, a blend
    #[arg(required_unless_present = "settings_from")]
    style: Vec<PathBuf>,

    /// The file to write; its ending says in which format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Where a style is painted: where this picture is white (grey: in part), or `rest`; once for each style, in their order
    #[arg(long, value_name = "FILE|rest", help_heading = "Style")]
    content_mask: Vec<PathBuf>,

    /// What of a style picture is looked at: the white of this picture, or `all`; once for each style, in their order
    #[arg(long, value_name = "FILE|all", help_heading = "Style")]
    style_mask: Vec<PathBuf>,

    /// Do again what made this PNG, a texture or a reconstruction too: its pictures, recipe and weights, but for what is given
    /// beside it
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "preset",
        help_heading = "Recipe"
    )]
    settings_from: Option<PathBuf>,

    #[command(flatten)]
    paint: PaintOptions,

    #[command(flatten)]
    run: RunOptions,
}

impl Stylize {
    /// Paints, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn run(mut self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let given = self.paint.given()?;
        if let Some(kept) = &self.settings_from {
            ensure!(
                whereabouts(kept) != whereabouts(&self.output),
                "{}: --output would replace a file that is read; name another",
                self.output.display()
            );
        }
        let kept = self.settings_from.as_deref().map(Kept::open).transpose()?;
        let (given, before) = match kept {
            None => (given, None),
            Some(kept) => (
                given.or(kept.recipe),
                Some((kept.files, kept.weights, kept.weights_convention)),
            ),
        };
        let (files, weights, convention) = before.unwrap_or_default();
        let or = |given: Vec<PathBuf>, kept| if given.is_empty() { kept } else { given };
        let network = &mut self.run.network;
        if network.weights.is_none() {
            network.weights = weights;
            network.weights_convention = network.weights_convention.or(convention);
        }
        let files = Files {
            content: self.content.or(files.content),
            style: or(self.style, files.style),
            content_mask: or(self.content_mask, files.content_mask),
            style_mask: or(self.style_mask, files.style_mask),
            output: self.output,
        };
        self.run.paint(files, given, "default", built_in)
    }
}
