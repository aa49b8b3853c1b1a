//! One run from the command line: the options that every command which paints one picture has.

use super::checkpoints::CheckpointOptions;
use super::options::RecipeOptions;
use super::order::{Files, NetworkOptions, Order, OutputOptions};
use super::paint::Painter;
use super::reports::ReportOptions;
use clap::Args;
use impasto::stylize::Recipe;
use std::process::ExitCode;

/// Options of a run, whatever it paints.
#[derive(Args)]
pub struct RunOptions {
    #[command(flatten)]
    recipe: RecipeOptions,

    #[command(flatten)]
    encoding: OutputOptions,

    #[command(flatten)]
    pub network: NetworkOptions,

    #[command(flatten)]
    reports: ReportOptions,

    #[command(flatten)]
    checkpoints: CheckpointOptions,
}

impl RunOptions {
    /// Paints, and writes the picture. What these options and what is `given` by others leave open is as `preset` has it, unless
    /// another one is named.
    ///
    /// # Errors
    /// What went wrong, to be shown to the user.
    pub fn paint(
        self,
        files: Files,
        given: Recipe,
        preset: &str,
        built_in: Option<&'static [u8]>,
    ) -> anyhow::Result<ExitCode> {
        let order = Order {
            recipe: self.recipe.complete(given, preset)?,
            save_settings: self.recipe.save_settings,
            files,
            encoding: self.encoding,
            network: self.network,
            reports: self.reports,
            checkpoints: self.checkpoints,
        };
        let mut painter = Painter::new(built_in, order.reports.talk.quiet)?;
        Ok(painter.paint(&order, None)?.into())
    }
}
