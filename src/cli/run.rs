//! Options of every command that paints one picture.

use super::args::{
    CheckpointOptions, ForCommand, MemoryArgs, NetworkOptions, OutputOptions, PresetOptions,
    ReportOptions, SettingOptions,
};
use super::paint::Painter;
use super::request::{Files, RunRequest};
use crate::painting::Recipe;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of a run.
#[derive(Args)]
pub struct RunOptions<C: ForCommand> {
    #[command(flatten)]
    settings: SettingOptions<C>,

    #[command(flatten)]
    preset: PresetOptions,

    #[command(flatten)]
    output: OutputOptions,

    #[command(flatten)]
    pub network: NetworkOptions,

    #[command(flatten)]
    memory: MemoryArgs,

    #[command(flatten)]
    pub reports: ReportOptions,

    #[command(flatten)]
    checkpoints: CheckpointOptions,
}

impl<C: ForCommand> RunOptions<C> {
    /// Paints, and writes the picture. Options win over what the command itself has `given`, perhaps out of the file `settings_from`,
    /// that over the preset that `--preset` names, and that over the command's own.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn paint(
        self,
        files: Files,
        given: Recipe,
        settings_from: Option<PathBuf>,
        built_in: Option<&'static [u8]>,
    ) -> anyhow::Result<ExitCode> {
        let given = self.settings.recipe.or(given);
        let named = self.preset.recipe(&given)?.unwrap_or_default();
        let given = given.or(named);
        let own = Recipe::preset_under(C::COMMAND.preset(), &given).expect("it is built in");
        let request = RunRequest {
            settings: given.or(own).settings(),
            settings_from: settings_from.or(self.preset.file()),
            save_settings: self.preset.save_settings,
            files,
            output: self.output,
            network: self.network,
            memory: self.memory,
            reports: self.reports,
            checkpoints: self.checkpoints,
        };
        let mut painter = Painter::new(built_in, request.reports.talk.quiet)?;
        Ok(painter.paint(&request, None)?.into())
    }
}
