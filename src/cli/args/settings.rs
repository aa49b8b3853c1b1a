//! Options for the settings, made from their [`DEFINITIONS`].

use crate::painting::{
    Bounds, Command, DEFINITIONS, Definition, Group, OptimizerKind, Recipe, Settings, preset_names,
};
use anyhow::anyhow;
use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// The settings that the options of a command give.
pub struct SettingOptions<C> {
    pub recipe: Recipe,
    command: PhantomData<C>,
}

/// Marks the command that options belong to.
pub trait ForCommand {
    const COMMAND: Command;
}

/// For `impasto stylize` and `impasto batch`.
pub enum ForStylize {}
/// For `impasto texture`.
pub enum ForTexture {}
/// For `impasto reconstruct`.
pub enum ForReconstruct {}

impl ForCommand for ForStylize {
    const COMMAND: Command = Command::Stylize;
}

impl ForCommand for ForTexture {
    const COMMAND: Command = Command::Texture;
}

impl ForCommand for ForReconstruct {
    const COMMAND: Command = Command::Reconstruct;
}

/// The definitions of the settings that a command has options for, group by group.
fn definitions(command: Command) -> impl Iterator<Item = &'static Definition> {
    Group::ALL.into_iter().flat_map(move |group| {
        let settings = DEFINITIONS.iter();
        settings.filter(move |s| s.group == group && s.commands.contains(&command))
    })
}

impl<C: ForCommand> Args for SettingOptions<C> {
    fn augment_args(command: clap::Command) -> clap::Command {
        let preset = Recipe::preset(C::COMMAND.preset()).expect("it is built in");
        let defaults = preset.settings();
        command.args(definitions(C::COMMAND).map(|setting| option(setting, &defaults)))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// The option for a setting.
fn option(setting: &'static Definition, defaults: &Settings) -> Arg {
    let name = setting.name();
    let arg = Arg::new(name.clone())
        .long(name)
        .help_heading(setting.group.name());
    let only = match setting.optimizer {
        Some(OptimizerKind::Adam) => "; for Adam",
        Some(OptimizerKind::Lbfgs) => "; for L-BFGS",
        Some(OptimizerKind::Rmsprop) => "; for RMSprop",
        None => "",
    };
    let Some(value_name) = setting.value_name() else {
        let help = format!("{}{only}", setting.help);
        return arg.help(help).action(ArgAction::SetTrue);
    };
    let mut range = String::new();
    if setting.bounds != Bounds::any() {
        range = format!("; {}", setting.bounds);
    }
    let default = (setting.text)(defaults);
    let check =
        move |text: &str| (setting.parse)(text, &mut Recipe::default()).map(|()| text.to_owned());
    arg.help(format!(
        "{}{range}{only} [default: {default}]",
        setting.help
    ))
    .value_name(value_name)
    .action(if setting.list {
        ArgAction::Append
    } else {
        ArgAction::Set
    })
    .allow_hyphen_values(!range.is_empty())
    .value_parser(ValueParser::new(check))
}

impl<C: ForCommand> FromArgMatches for SettingOptions<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut recipe = Recipe::default();
        for setting in definitions(C::COMMAND) {
            let name = setting.name();
            let text = if setting.value_name().is_none() {
                matches.get_flag(&name).then(|| "true".to_owned())
            } else {
                let values = matches.get_many::<String>(&name);
                values.map(|values| values.cloned().collect::<Vec<_>>().join(","))
            };
            if let Some(text) = text {
                let parsed = (setting.parse)(&text, &mut recipe);
                parsed.map_err(|error| clap::Error::raw(ErrorKind::ValueValidation, error))?;
            }
        }
        Ok(Self {
            recipe,
            command: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let given = Self::from_arg_matches(matches)?.recipe;
        self.recipe = given.or(std::mem::take(&mut self.recipe));
        Ok(())
    }
}

/// Options for recipes in files.
#[derive(Args)]
#[command(next_help_heading = "Recipes")]
pub struct PresetOptions {
    #[arg(long, value_name = "NAME|FILE", help = preset_help())]
    preset: Option<PathBuf>,

    /// Write all settings of this run to a TOML file, for --preset
    #[arg(long, value_name = "FILE")]
    pub save_settings: Option<PathBuf>,
}

fn preset_help() -> String {
    let names = preset_names();
    format!("Begin with a recipe: {names}, or a TOML file. Other options win over it")
}

impl PresetOptions {
    /// The file that `--preset` names, unless it is the name of a built-in one.
    pub fn file(&self) -> Option<PathBuf> {
        let is_built_in = |file: &Path| file.to_str().and_then(Recipe::preset).is_some();
        self.preset.clone().filter(|file| !is_built_in(file))
    }

    /// The settings of a run of this `command`, where the `given` recipe wins over the one that `--preset` names.
    ///
    /// # Errors
    /// If that one cannot be read.
    pub fn settings(&self, given: Recipe, command: Command) -> anyhow::Result<Settings> {
        let settings = given.settings_of(command, self.preset.as_deref());
        settings.map_err(|error| anyhow!("--preset: {error}"))
    }

    /// The recipe that `--preset` names, if there is one, for a recipe that wins over it.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn recipe(&self, winning: &Recipe) -> anyhow::Result<Option<Recipe>> {
        let Some(name) = &self.preset else {
            return Ok(None);
        };
        let recipe =
            Recipe::open_under(name, winning).map_err(|error| anyhow!("--preset: {error}"))?;
        Ok(Some(recipe))
    }
}
