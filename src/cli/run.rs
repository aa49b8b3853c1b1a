//! Options of every command that paints one picture.

use super::args::{
    CheckpointOptions, ForCommand, MemoryArgs, NetworkOptions, OutputOptions, PresetOptions,
    ProcessOptions, ReportOptions, SettingOptions,
};
use super::paint::Painter;
use super::paint::processes::Team;
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
    pub processes: ProcessOptions,

    #[command(flatten)]
    pub reports: ReportOptions,

    #[command(flatten)]
    checkpoints: CheckpointOptions,
}

impl<C: ForCommand> RunOptions<C> {
    /// Joins the other processes, if there are any. Returns `None` on all but the first, where the picture is painted then.
    ///
    /// # Errors
    /// If they cannot be joined.
    pub fn join(&self) -> anyhow::Result<Option<Team>> {
        Team::join(self.processes, |_| Ok(None))
    }

    /// Paints together with the `team`, and writes the picture. Options win over what the command itself has `given`, perhaps out of the
    /// file `settings_from`, that over the preset that `--preset` names, and that over the command's own.
    ///
    /// # Errors
    /// What went wrong, for the user.
    pub fn paint(
        self,
        files: Files,
        given: Recipe,
        settings_from: Option<PathBuf>,
        team: Team,
        built_in: Option<&'static [u8]>,
    ) -> anyhow::Result<ExitCode> {
        let given = self.settings.recipe.or(given);
        let request = RunRequest {
            settings: self.preset.settings(given, C::COMMAND)?,
            settings_from: settings_from.or(self.preset.file()),
            save_settings: self.preset.save_settings,
            files,
            output: self.output,
            network: self.network,
            memory: self.memory,
            reports: self.reports,
            checkpoints: self.checkpoints,
        };
        let mut painter = Painter::first_of(team, built_in, &request)?;
        Ok(painter.paint(&request, None)?.into())
    }
}
