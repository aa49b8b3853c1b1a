//! Recipes: settings as people write them, in a TOML file or as options.
//!
//! A recipe may leave anything open: then the one behind it counts, and at last the preset `default`, which leaves nothing open.
//! The presets are such files themselves, in `presets/`.

use super::{Colours, Init, LayerWeight, Method, Scales, Settings};
use crate::files::atomic_file::AtomicFile;
use crate::files::picture::SizeRequest;
use crate::loss::style::Statistic;
use crate::ops::conv::Engine;
use crate::ops::pool::Pooling;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{Read, Write};
use std::path::Path;
use std::str::FromStr;

/// The recipes that are built in, by name, and what each is.
pub const PRESETS: [(&str, &str); 6] = [
    ("default", include_str!("presets/default.toml")),
    ("classic", include_str!("presets/classic.toml")),
    ("gatys2016", include_str!("presets/gatys2016.toml")),
    ("neural-style", include_str!("presets/neural-style.toml")),
    ("texture", include_str!("presets/texture.toml")),
    ("reconstruct", include_str!("presets/reconstruct.toml")),
];

/// The longest recipe that is read from a file, in bytes.
const LONGEST: u64 = 1 << 16;

macro_rules! recipe {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// What may be set about a run besides its pictures, the weights and the engine; all of it may be left open.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct Recipe {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        impl Recipe {
            /// This recipe, with what it leaves open from another one.
            pub fn or(self, behind: Self) -> Self {
                Self { $($field: self.$field.or(behind.$field),)* }
            }
        }
    };
}

recipe! {
    /// The size of the painted picture: its long edge, or width and height.
    size: Text<SizeRequest>,
    /// From coarse to fine.
    scales: Text<Scales>,
    /// Pixels that are painted beyond each edge and cut off.
    border: u32,
    /// How large the style pictures are beside the painted one.
    style_scale: Numbers,
    /// How much of a style picture's edge is left out on each side.
    style_margin: f64,
    /// How much each style counts beside the others.
    style_blend: Numbers,
    /// Whether the style picture may be enlarged beyond its own pixels.
    enlarge_style: bool,
    /// Evaluations of loss and gradient.
    iterations: u32,
    /// How the pixels are moved.
    optimizer: Method,
    /// Adam's learning rate; the first step of L-BFGS.
    learning_rate: f64,
    /// The pairs that L-BFGS keeps.
    history: u32,
    /// The decay of the running mean of Adam's pictures.
    average: f64,
    /// Whether Adam's pixels are kept in 0..255.
    clamp: bool,
    /// `content`, `noise`, `random`, or the name of a picture file.
    init: String,
    /// The share of noise in `noise`.
    noise_ratio: f64,
    /// Where the noise starts from.
    seed: u64,
    /// Multiplies all content losses.
    content_weight: f64,
    /// Multiplies all style losses.
    style_weight: f64,
    /// Multiplies the total variation.
    tv_weight: f64,
    /// Whether that is a mean over the picture's values, and not a sum.
    tv_mean: bool,
    /// Where content is compared.
    content_layers: Layers,
    /// Where style is compared.
    style_layers: Layers,
    /// What is compared as style: `gram`, `moments`, `sliced` or `histogram`.
    style_loss: Statistic,
    /// Whether each layer's gradient is brought to the size that its weight says.
    normalize_gradients: bool,
    /// Whose colours the painted picture has: `off`, `match` or `luminance`.
    original_colors: Colours,
    /// Whether the picture goes on at its left where it ends at its right, and so at the top and the bottom.
    seamless: bool,
    /// How the network pools.
    pooling: Pooling,
}

/// A value that is written as text; a whole number may stand for itself, as in `size = 512`.
#[derive(Clone, Debug, PartialEq)]
pub struct Text<T>(pub T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected text or a whole number")]
        enum Written {
            Number(u64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Number(number) => number.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// A number, or a list of them: `1.0` or `[3.0, 1.0]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or a list of numbers")]
pub enum Numbers {
    /// One for all.
    One(f64),
    /// One for each.
    Each(Vec<f64>),
}

impl From<Numbers> for Vec<f64> {
    fn from(numbers: Numbers) -> Self {
        match numbers {
            Numbers::One(number) => vec![number],
            Numbers::Each(numbers) => numbers,
        }
    }
}

/// Layers and their weights: a table, `conv4_1 = 3.0`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers(pub Vec<LayerWeight>);

impl Serialize for Layers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|layer| (&layer.layer, layer.weight)))
    }
}

impl<'de> Deserialize<'de> for Layers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // In the order of their names, which is that of the network.
        let layers = BTreeMap::<String, f64>::deserialize(deserializer)?;
        let layers = layers
            .into_iter()
            .map(|(layer, weight)| LayerWeight { layer, weight });
        Ok(Self(layers.collect()))
    }
}

impl Recipe {
    /// A preset by its name, or the recipe in a file.
    ///
    /// # Errors
    /// One line: the file cannot be read, or what is wrong in it.
    pub fn open(name: &Path) -> Result<Self, String> {
        if let Some(preset) = name.to_str().and_then(Self::preset) {
            return Ok(preset);
        }
        let shown = name.display();
        let mut text = String::new();
        let read = std::fs::metadata(name).and_then(|file| match file.is_file() {
            true => std::fs::File::open(name)?
                .take(LONGEST)
                .read_to_string(&mut text),
            false => Err(std::io::Error::other("not a file")),
        });
        read.map_err(|error| {
            let known = PRESETS.map(|(name, _)| name).join(", ");
            format!(
                "{shown}: {}; it is none of the presets {known} either",
                crate::os_reason(&error)
            )
        })?;
        let recipe = text.parse::<Self>().and_then(|recipe| {
            let settings = recipe.clone().settings(Init::Random, Engine::default());
            settings.check_values().map(|()| recipe)
        });
        recipe.map_err(|trouble| format!("{shown}: {trouble}"))
    }

    /// A preset by its name.
    pub fn preset(name: &str) -> Option<Self> {
        let (_, text) = PRESETS.into_iter().find(|(known, _)| *known == name)?;
        Some(text.parse().expect("the presets are recipes"))
    }

    /// Writes the recipe to a file that [`open`](Self::open) reads: all of it, or nothing.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let text = toml::to_string(self).expect("a recipe can be written as TOML");
        let written = AtomicFile::new(path)
            .and_then(|file| file.write(|file| file.write_all(text.as_bytes())));
        written.map_err(|error| error.to_string())
    }

    /// The settings of this recipe, the preset `default` behind it. `init` is what the run begins with.
    pub fn settings(self, init: Init, engine: Engine) -> Settings {
        let recipe = self.or(Self::preset("default").expect("it is there"));
        let settings = || {
            Some(Settings {
                size: recipe.size?.0,
                scales: recipe.scales?.0,
                border: recipe.border? as usize,
                style_scale: recipe.style_scale?.into(),
                style_margin: recipe.style_margin?,
                style_blend: recipe.style_blend?.into(),
                enlarge_style: recipe.enlarge_style?,
                iterations: recipe.iterations? as usize,
                optimizer: recipe.optimizer?,
                learning_rate: recipe.learning_rate?,
                history: recipe.history? as usize,
                average: recipe.average?,
                clamp: recipe.clamp?,
                init,
                noise_ratio: recipe.noise_ratio?,
                content_weight: recipe.content_weight?,
                style_weight: recipe.style_weight?,
                tv_weight: recipe.tv_weight?,
                tv_mean: recipe.tv_mean?,
                content_layers: recipe.content_layers?.0,
                style_layers: recipe.style_layers?.0,
                style_loss: recipe.style_loss?,
                normalize_gradients: recipe.normalize_gradients?,
                colours: recipe.original_colors?,
                seamless: recipe.seamless?,
                pooling: recipe.pooling?,
                seed: recipe.seed?,
                engine,
            })
        };
        settings().expect("the default leaves nothing open")
    }
}

impl FromStr for Recipe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let before = &text[..error.span().map_or(0, |span| span.start).min(text.len())];
            let line = 1 + before.matches('\n').count();
            format!("line {line}: {}", error.message().replace('\n', " "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Inputs;
    use super::*;

    #[test]
    fn presets_leave_nothing_open_and_make_sense() {
        for (name, _) in PRESETS {
            let recipe = Recipe::preset(name).unwrap();
            let written = toml::to_string(&recipe).unwrap();
            assert_eq!(written.parse(), Ok(recipe.clone()), "{name}");
            assert_eq!(
                recipe.clone().or(Recipe::preset("default").unwrap()),
                recipe,
                "{name}"
            );
            assert_eq!(
                (recipe.settings(Init::Content, Engine::default())).check(&Inputs::grey()),
                Ok(()),
                "{name}"
            );
        }
    }

    #[test]
    fn the_classic_preset_is_the_classic_recipe() {
        let preset = Recipe::preset("classic").unwrap();
        assert_eq!(preset.init.as_deref(), Some("noise"));
        let settings = preset.settings(Init::Noise, Engine::default());
        assert_eq!(
            format!("{settings:?}"),
            format!("{:?}", Settings::classic())
        );
    }

    #[test]
    fn what_a_recipe_sets_wins_and_the_rest_is_filled_in() {
        assert_eq!("size = 512".parse(), "size = '512'".parse::<Recipe>());
        let recipe: Recipe = "size = '300x200'\niterations = 7\n[style-layers]\nconv1_1 = 2.0"
            .parse()
            .unwrap();
        let settings = recipe.settings(Init::Content, Engine::default());
        assert_eq!((settings.iterations, settings.style_layers.len()), (7, 1));
        assert_eq!(settings.content_layers, Settings::classic().content_layers);
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
                "line 1: unknown variant `sgd`, expected `adam` or `lbfgs`",
            ),
            ("scales = '3,2'", "line 1: write auto"),
        ] {
            let refusal = text.parse::<Recipe>().unwrap_err();
            assert!(refusal.starts_with(trouble), "{refusal}");
        }
    }
}
