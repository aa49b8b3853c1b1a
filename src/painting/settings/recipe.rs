//! Recipes from files and by name. The presets are TOML files in `presets/`; each says only what differs from the default.

use super::{Command, InvalidSetting, Recipe, Settings};
use crate::files::atomic_file::{AtomicFile, AtomicFileError};
use crate::method::StyleLossKind;
use std::io::{Read, Write};
use std::path::Path;
use std::str::FromStr;
use thiserror::Error;

/// The built-in recipes by name, and the TOML text of each.
pub const PRESETS: &[(&str, &str)] = &[
    ("default", "# The defaults of all settings.\n"),
    ("gram", GRAM),
    ("classic", include_str!("presets/classic.toml")),
    ("gatys2016", include_str!("presets/gatys2016.toml")),
    ("neural-style", include_str!("presets/neural-style.toml")),
    ("crowsonkb", include_str!("presets/crowsonkb.toml")),
    ("strotss", include_str!("presets/strotss.toml")),
    ("nnst", include_str!("presets/nnst.toml")),
    ("texture", include_str!("presets/texture.toml")),
    ("reconstruct", include_str!("presets/reconstruct.toml")),
];

/// What stands for left-out settings where the style loss is not the default one.
const GRAM: &str = include_str!("presets/gram.toml");

/// The longest recipe that is read from a file, in bytes.
const MAX_BYTES: u64 = 1 << 16;

/// Why a recipe cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The file cannot be read, and there is no such preset.
    #[error(
        "{name}: {}; nor is it one of the presets {}",
        crate::files::os_reason(error),
        preset_names()
    )]
    Unreadable {
        /// What was named.
        name: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is not TOML, or has a key or value that no recipe has.
    #[error("line {line}: {trouble}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        trouble: String,
    },
    /// A value is out of its bounds.
    #[error(transparent)]
    Value(#[from] InvalidSetting),
    /// The same, in a file.
    #[error("{file}: {trouble}")]
    InFile {
        /// The file.
        file: String,
        /// What is wrong in it.
        trouble: Box<RecipeError>,
    },
    /// It cannot be written.
    #[error(transparent)]
    Unwritable(#[from] AtomicFileError),
}

/// The names of all presets, with commas between them.
pub(crate) fn preset_names() -> String {
    PRESETS
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(", ")
}

impl Recipe {
    /// A preset by its name, or the recipe in a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a recipe.
    pub fn open(name: &Path) -> Result<Self, RecipeError> {
        Self::open_under(name, &Self::default())
    }

    /// The same for a recipe that wins over it, as [`preset_under`](Self::preset_under).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_under(name: &Path, recipe: &Self) -> Result<Self, RecipeError> {
        let preset = |name| Self::preset_under(name, recipe);
        if let Some(preset) = name.to_str().and_then(preset) {
            return Ok(preset);
        }
        let shown = name.display().to_string();
        let text = read_text(name).map_err(|error| RecipeError::Unreadable {
            name: shown.clone(),
            error,
        })?;
        let checked = text.parse::<Self>().and_then(|recipe| {
            recipe.clone().settings().check_values()?;
            Ok(recipe)
        });
        checked.map_err(|trouble| RecipeError::InFile {
            file: shown,
            trouble: Box::new(trouble),
        })
    }

    /// The settings of a run of this `command`: this recipe, over the preset or the recipe file that is `named`, over the command's own
    /// preset.
    ///
    /// # Errors
    /// The file cannot be read, or is not a recipe.
    pub fn settings_of(
        self,
        command: Command,
        named: Option<&Path>,
    ) -> Result<Settings, RecipeError> {
        let named = named.map(|name| Self::open_under(name, &self));
        let given = self.or(named.transpose()?.unwrap_or_default());
        let own = Self::preset_under(command.preset(), &given).expect("it is built in");
        Ok(given.or(own).settings())
    }

    /// A preset by its name; `None` if there is none of this name. It is complete: what its file leaves out has its default.
    pub fn preset(name: &str) -> Option<Self> {
        Self::preset_under(name, &Self::default())
    }

    /// The same for a recipe that wins over it. If only that one names a style loss, the defaults are those of that style loss.
    pub(crate) fn preset_under(name: &str, recipe: &Self) -> Option<Self> {
        let (_, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
        let preset: Self = text.parse().expect("the presets are recipes");
        let style_loss = preset.style_loss.or(recipe.style_loss);
        Some(preset.or(Settings::defaults_with(style_loss).into()))
    }
}

impl Settings {
    /// The defaults of recipes with this style loss.
    pub(super) fn defaults_with(style_loss: Option<StyleLossKind>) -> Self {
        let default = Self::default();
        if style_loss.is_none_or(|kind| kind == default.style_loss) {
            return default;
        }
        let gram: Recipe = GRAM.parse().expect("the presets are recipes");
        gram.or(default.into()).complete()
    }

    /// Writes all settings to a TOML file that [`Recipe::open`] reads: the whole file, or nothing.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), RecipeError> {
        let text = toml::to_string(self).expect("settings can be written as TOML");
        AtomicFile::new(path)?.write(|file| file.write_all(text.as_bytes()))?;
        Ok(())
    }
}

fn read_text(path: &Path) -> std::io::Result<String> {
    // The kind of file is checked first: opening a pipe would wait until somebody writes to it.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

impl FromStr for Recipe {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, RecipeError> {
        toml::from_str(text).map_err(|error| {
            let before = &text[..error.span().map_or(0, |span| span.start).min(text.len())];
            RecipeError::Syntax {
                line: 1 + before.matches('\n').count(),
                trouble: error.message().replace('\n', " "),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Init, OptimizerKind};
    use super::*;

    #[test]
    fn presets_are_valid_and_survive_being_written() {
        for &(name, _) in PRESETS {
            let settings = Recipe::preset(name).unwrap().settings();
            assert_eq!(settings.check_values(), Ok(()), "{name}");
            let written = toml::to_string(&settings).unwrap();
            let read: Recipe = written.parse().unwrap();
            assert_eq!(read.settings(), settings, "{name}");
        }
    }

    #[test]
    fn a_preset_is_complete_and_wins_over_everything_behind_it() {
        let other = Recipe {
            optimizer: Some(OptimizerKind::Adam),
            ..Recipe::default()
        };
        let settings = Recipe::preset("gatys2016").unwrap().or(other).settings();
        assert_eq!(settings.optimizer, OptimizerKind::Lbfgs);
    }

    #[test]
    fn the_defaults_of_a_preset_are_those_of_the_style_loss_before_it() {
        let gram: Recipe = "style-loss = 'gram'".parse().unwrap();
        let under = |name: &str| Recipe::preset_under(name, &gram).unwrap();
        let settings = gram.clone().or(under("default")).settings();
        assert_eq!(settings, gram.clone().settings());
        assert_eq!(under("gatys2016"), Recipe::preset("gatys2016").unwrap());
    }

    #[test]
    fn the_preset_default_is_what_the_library_uses() {
        let preset = Recipe::preset("default").unwrap();
        assert_eq!(preset.settings(), Settings::default());
    }

    #[test]
    fn the_classic_preset_is_the_recipe_of_the_tutorial() {
        let classic = Recipe::preset("classic").unwrap().settings();
        assert_eq!(
            (classic.size.to_string(), classic.iterations),
            ("666x500".to_owned(), 300)
        );
        assert_eq!(
            (classic.optimizer, classic.learning_rate),
            (OptimizerKind::Adam, 2.0)
        );
        assert_eq!((classic.init, classic.noise_ratio), (Init::Noise, 0.6));
        assert_eq!((classic.content_weight, classic.style_weight), (0.01, 1.0));
        assert_eq!((classic.tv_weight, classic.border), (0.0, 0));
    }

    #[test]
    fn what_a_recipe_sets_wins_and_the_rest_has_its_default() {
        let size = |text: &str| text.parse::<Recipe>().unwrap().size;
        assert_eq!(size("size = 512"), size("size = '512'"));
        let recipe: Recipe = "size = '300x200'\niterations = 7\n[style-layers]\nconv1_1 = 2.0"
            .parse()
            .unwrap();
        let settings = recipe.settings();
        assert_eq!((settings.iterations, settings.style_layers.0.len()), (7, 1));
        assert_eq!(settings.content_layers, Settings::default().content_layers);
    }

    #[test]
    fn wrong_recipes_are_refused_with_their_line() {
        for (text, trouble) in [
            ("iterations = 7\nsice = 512", "line 2: unknown field `sice`"),
            ("size = 'big'", "line 1: write pixels"),
            ("\nsize = 1.5", "line 2: expected text or a whole number"),
            ("iterations = -1", "line 1: invalid value"),
            ("iterations = ", "line 1: "),
            (
                "optimizer = 'sgd'",
                "line 1: unknown variant `sgd`, expected one of `adam`, `lbfgs`, `rmsprop`",
            ),
            ("scales = '3,2'", "line 1: write auto"),
        ] {
            let refusal = text.parse::<Recipe>().unwrap_err().to_string();
            assert!(refusal.starts_with(trouble), "{refusal}");
        }
    }
}
