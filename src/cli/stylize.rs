//! `impasto stylize`: one photograph, paintings, one picture.

use super::args::ForStylize;
use super::request::Files;
use super::request::embedded::EmbeddedSettings;
use super::run::RunOptions;
use crate::painting::Recipe;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Paint a photograph in the style of a painting
///
/// By default the long edge of the painted picture has 512 pixels. For a quick sketch use --size 256.
#[derive(Args)]
pub struct Stylize {
    /// The photograph: what to paint
    #[arg(required_unless_present = "settings_from")]
    content: Option<PathBuf>,

    /// The painting: how to paint it. Several paintings are blended
    #[arg(required_unless_present = "settings_from")]
    style: Vec<PathBuf>,

    /// The file to write; its extension determines the format (png, jpg, webp, tif, …)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Where a style is painted: where this picture is white (gray: in part), or `rest`; once for each style, in their order
    #[arg(long, value_name = "FILE|rest", help_heading = "Style")]
    content_mask: Vec<PathBuf>,

    /// Which part of a style picture counts: where this picture is white, or `all`; once for each style, in their order
    #[arg(long, value_name = "FILE|all", help_heading = "Style")]
    style_mask: Vec<PathBuf>,

    /// Use the pictures, settings and weights of this PNG again; it may be a texture or a reconstruction too. Other options win over
    /// it
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "preset",
        help_heading = "Recipes"
    )]
    settings_from: Option<PathBuf>,

    /// What of the photograph stays as it is: where this picture is white (gray: in part)
    #[arg(long, value_name = "FILE", help_heading = "Picture")]
    protect: Option<PathBuf>,

    #[command(flatten)]
    run: RunOptions<ForStylize>,
}

impl Stylize {
    /// Paints, and writes the picture.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn run(mut self, built_in: Option<&'static [u8]>) -> anyhow::Result<ExitCode> {
        let Some(team) = self.run.join()? else {
            return Ok(ExitCode::SUCCESS);
        };
        let mut files = Files {
            content: self.content,
            style: self.style,
            content_mask: self.content_mask,
            style_mask: self.style_mask,
            protect: self.protect,
            output: self.output,
        };
        let mut given = Recipe::default();
        if let Some(png) = &self.settings_from {
            let embedded = EmbeddedSettings::open(png)?;
            if let Some(other) = embedded.other_command() {
                let shown = png.display();
                (self.run.reports.talk)
                    .remark(format_args!("{shown}: its settings are those of {other}"));
            }
            let or = |given: Vec<PathBuf>, before| if given.is_empty() { before } else { given };
            files = Files {
                content: files.content.or(embedded.files.content),
                style: or(files.style, embedded.files.style),
                content_mask: or(files.content_mask, embedded.files.content_mask),
                style_mask: or(files.style_mask, embedded.files.style_mask),
                protect: files.protect.or(embedded.files.protect),
                output: files.output,
            };
            given = embedded.recipe;
            let network = &mut self.run.network;
            if network.weights.is_none() {
                network.weights = embedded.weights;
                let convention = network.weights_convention;
                network.weights_convention = convention.or(embedded.weights_convention);
            }
        }
        (self.run).paint(files, given, self.settings_from, team, built_in)
    }
}
