//! The settings of a run. **Each is defined once, in the table below**: its name, type, default, bounds and help text, and which
//! commands have an option for it.
//!
//! From the table come the structs [`Settings`] and [`Recipe`], the options of the command line with their help and checks, the
//! keys of TOML files, and docs/settings.md. To add a setting, add an entry here, and use its field where it takes effect.

use super::values::{
    Bounds, Init, InvalidValue, Layers, OptimizerKind, OriginalColors, PerStyle, Value,
};
use super::{Scales, border};
use crate::files::picture::SizeRequest;
use crate::method::{Pooling, StyleLossKind, lbfgs};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What is known of a setting.
pub struct Definition {
    /// The name of its field in [`Settings`].
    field: &'static str,
    /// What stands for its value in help texts; empty for a flag, which has none.
    pub value_name: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Whether it is a list, separated by commas.
    pub list: bool,
    /// The numbers that it may have.
    pub bounds: Bounds,
    /// The heading that its option stands under.
    pub group: Group,
    /// The commands that have an option for it. Without any it can be set in TOML files only.
    pub commands: &'static [Command],
    /// Its default as people write it, which a command's preset may change.
    pub default: fn() -> String,
    /// Its value in some settings as people write it.
    pub text: fn(&Settings) -> String,
    /// Sets it in a recipe to what people wrote.
    pub parse: fn(&str, &mut Recipe) -> Result<(), InvalidValue>,
    /// Checks its value in some settings.
    check: fn(&Settings) -> Result<(), InvalidSetting>,
}

/// A command that paints one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `impasto stylize`, and `impasto batch`, which has the same options.
    Stylize,
    /// `impasto texture`
    Texture,
    /// `impasto reconstruct`
    Reconstruct,
}

impl Command {
    /// The preset that the command uses unless `--preset` names another.
    pub fn preset(self) -> &'static str {
        match self {
            Self::Stylize => "default",
            Self::Texture => "texture",
            Self::Reconstruct => "reconstruct",
        }
    }
}

/// A heading that some settings stand under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The painted picture.
    Picture,
    /// The style.
    Style,
    /// The optimization.
    Recipe,
}

impl Group {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::Picture, Self::Style, Self::Recipe];

    /// The heading.
    pub fn name(self) -> &'static str {
        match self {
            Self::Picture => "Picture",
            Self::Style => "Style",
            Self::Recipe => "Recipe",
        }
    }
}

/// A setting that cannot be as it is, by itself or with others.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidSetting(pub(super) String);

const ALL: &[Command] = &[Command::Stylize, Command::Texture, Command::Reconstruct];
const WITH_STYLE: &[Command] = &[Command::Stylize, Command::Texture];
const STYLIZE: &[Command] = &[Command::Stylize];
const TEXTURE: &[Command] = &[Command::Texture];
/// In TOML files only.
const FILE: &[Command] = &[];

/// Makes the structs and the table of definitions. An entry is
///
/// > `/// help text`  
/// > `name: type = default, "VALUE", Group, commands, bounds;`
macro_rules! settings {
    ($(
        $(#[doc = $help:literal])+
        $field:ident: $type:ty = $default:expr, $value_name:literal, $group:ident, $commands:ident, $bounds:expr;
    )*) => {
        /// Everything about a run that can be set, besides its pictures, the weights and the machine.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub struct Settings {
            $($(#[doc = $help])+ pub $field: $type,)*
        }

        impl Default for Settings {
            /// What the program uses if nothing is set.
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        /// Settings of which any may be left out, as TOML files and the command line give them.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct Recipe {
            $(
                $(#[doc = $help])+
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        impl Recipe {
            /// This recipe; what it leaves out is taken from another one.
            pub fn or(self, other: Self) -> Self {
                Self { $($field: self.$field.or(other.$field),)* }
            }

            /// These settings; what the recipe leaves out has its default.
            pub fn settings(self) -> Settings {
                let default = Settings::default();
                Settings { $($field: self.$field.unwrap_or(default.$field),)* }
            }
        }

        impl From<Settings> for Recipe {
            fn from(settings: Settings) -> Self {
                Self { $($field: Some(settings.$field),)* }
            }
        }

        /// All settings.
        pub static DEFINITIONS: &[Definition] = &[$(Definition {
            field: stringify!($field),
            value_name: $value_name,
            help: concat!($($help),+).trim_ascii(),
            list: <$type as Value>::LIST,
            bounds: $bounds,
            group: Group::$group,
            commands: $commands,
            default: || Settings::default().$field.text(),
            text: |settings| settings.$field.text(),
            parse: |text, recipe| {
                recipe.$field = Some(Value::parse(text, $bounds)?);
                Ok(())
            },
            check: |settings| check_bounds(stringify!($field), &settings.$field, $bounds),
        },)*];
    };
}

settings! {
    /// Size of the painting: N pixels along the long edge, or WxH, to which the photograph is cropped around its center
    size: SizeRequest = SizeRequest::LongEdge(512), "N|WxH", Picture, ALL, Bounds::any();
    /// Coarse to fine: auto, or a number of sizes, each √2 times the one before, or a list of their long edges
    scales: Scales = Scales::Auto, "auto|N|LIST", Recipe, ALL, Bounds::any();
    /// Pixels that are painted beyond each edge and cut off, so that no frame shows
    border: u32 = 8, "PIXELS", Recipe, ALL, Bounds::from_to(0.0, border::MAX as f64);
    /// Size of the style picture relative to the painting: 2 makes strokes twice as large; a number for each style, or one for
    /// all
    style_scale: PerStyle = PerStyle::All(1.0), "X[,X…]", Style, WITH_STYLE, Bounds::from_to(0.05, 8.0);
    /// How much of a style picture's edge is left out on each side, as a share of it: photographs of paintings often show a
    /// frame
    style_margin: f64 = 0.04, "X", Style, WITH_STYLE, Bounds::from_to(0.0, 0.45);
    /// How much each of several styles counts: 3,1; one number for all means equally
    style_blend: PerStyle = PerStyle::All(1.0), "X,X…", Style, WITH_STYLE, Bounds::at_least(0.0);
    /// Whether a style picture may be enlarged beyond its own pixels
    enlarge_style: bool = false, "true|false", Style, FILE, Bounds::any();
    /// How often loss and gradient are computed: more comes closer to the painting, and takes longer
    iterations: u32 = 200, "N", Recipe, ALL, Bounds::at_least(1.0);
    /// What changes the pixels: L-BFGS needs fewer iterations, Adam is what many recipes use
    optimizer: OptimizerKind = OptimizerKind::Lbfgs, "adam|lbfgs", Recipe, ALL, Bounds::any();
    /// The most that a step of Adam, or the first step of L-BFGS, changes a pixel, on the scale 0..255
    learning_rate: f64 = 10.0, "X", Recipe, ALL, Bounds::above(0.0);
    /// How many steps L-BFGS remembers
    history: u32 = lbfgs::DEFAULT_HISTORY, "N", Recipe, ALL, Bounds::from_to(1.0, 100.0);
    /// Makes the result a running mean of Adam's pictures, in which each counts X times as much as the next; 0 takes the last
    /// picture
    average: f64 = 0.0, "X", Recipe, ALL, Bounds::from_to_below(0.0, 1.0);
    /// Whether Adam's pixels are limited to 0..255
    clamp: bool = false, "true|false", Recipe, FILE, Bounds::any();
    /// The first picture: the photograph, the classic mix of noise and photograph, noise alone, or a picture file
    init: Init = Init::Content, "content|noise|random|FILE", Picture, STYLIZE, Bounds::any();
    /// Share of noise in the classic mix
    noise_ratio: f64 = 0.6, "X", Picture, STYLIZE, Bounds::from_to(0.0, 1.0);
    /// Seed of the noise: another number, another painting
    seed: u64 = 0, "N", Picture, ALL, Bounds::at_least(0.0);
    /// How much the content of the photograph counts
    content_weight: f64 = 20000.0, "X", Picture, STYLIZE, Bounds::at_least(0.0);
    /// How much the style of the painting counts
    style_weight: f64 = 1.0, "X", Style, WITH_STYLE, Bounds::at_least(0.0);
    /// How much smoothness (total variation) counts
    tv_weight: f64 = 30000.0, "X", Recipe, ALL, Bounds::at_least(0.0);
    /// Whether total variation is a mean over the picture's values, as the other losses are, so that its weight means the same at
    /// every size; otherwise it is a sum
    tv_mean: bool = true, "true|false", Recipe, FILE, Bounds::any();
    /// Layers where content is compared, each with its weight or 1
    content_layers: Layers = Layers::from(&[("conv4_2", 1.0)][..]), "LAYER[=X],…", Picture, STYLIZE, Bounds::at_least(0.0);
    /// Layers where style is compared, each with its weight or 1
    style_layers: Layers = Layers::from(&[
        ("conv1_1", 0.5), ("conv2_1", 1.0), ("conv3_1", 1.5), ("conv4_1", 3.0), ("conv5_1", 4.0),
    ][..]), "LAYER[=X],…", Style, WITH_STYLE, Bounds::at_least(0.0);
    /// How style is compared: gram, moments, sliced or histogram
    style_loss: StyleLossKind = StyleLossKind::Gram, "NAME", Style, WITH_STYLE, Bounds::any();
    /// Scales each layer's gradient to the size that its weight says, whatever the loss there; for Adam
    normalize_gradients: bool = false, "", Recipe, ALL, Bounds::any();
    /// Keeps the photograph's colors: match gives them to the painting first, luminance paints light and shade only
    original_colors: OriginalColors = OriginalColors::Off, "off|match|luminance", Picture, STYLIZE, Bounds::any();
    /// Makes the picture tile: it continues at its left edge where it ends at its right, and likewise at the top and the bottom
    seamless: bool = false, "", Picture, TEXTURE, Bounds::any();
    /// How the network pools: by the mean, which paints smoother, or by the largest
    pooling: Pooling = Pooling::Average, "avg|max", Recipe, ALL, Bounds::any();
}

fn check_bounds(field: &str, value: &impl Value, bounds: Bounds) -> Result<(), InvalidSetting> {
    let outside = value
        .numbers()
        .into_iter()
        .find(|&number| !bounds.contain(number));
    outside.map_or(Ok(()), |number| {
        let name = option_name(field);
        Err(InvalidSetting(format!(
            "{name} must be {bounds}, not {number}"
        )))
    })
}

fn option_name(field: &str) -> String {
    field.replace('_', "-")
}

impl Definition {
    /// The name of its option, without dashes before it, and its key in TOML files.
    pub fn name(&self) -> String {
        option_name(self.field)
    }
}

impl Settings {
    /// Checks each value by itself.
    ///
    /// # Errors
    /// Which setting is wrong, and what it must be.
    pub fn check_values(&self) -> Result<(), InvalidSetting> {
        DEFINITIONS
            .iter()
            .try_for_each(|setting| (setting.check)(self))?;
        for (name, layers) in [
            ("content-layers", &self.content_layers.0),
            ("style-layers", &self.style_layers.0),
        ] {
            for (at, layer) in layers.iter().enumerate() {
                let layer = &layer.layer;
                if layers[..at].iter().any(|earlier| earlier.layer == *layer) {
                    let trouble = format!("{name}: {layer} is named twice; name it once");
                    return Err(InvalidSetting(trouble));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_reads_back_what_it_writes() {
        let mut settings = Settings::default();
        settings.init = Init::File("begin.png".into());
        settings.style_blend = PerStyle::Each(vec![3.0, 0.5]);
        let mut recipe = Recipe::default();
        for setting in DEFINITIONS {
            let text = (setting.text)(&settings);
            (setting.parse)(&text, &mut recipe).unwrap();
        }
        let read = recipe.settings();
        assert_eq!(
            read.style_scale,
            PerStyle::Each(vec![1.0]),
            "what an option gives"
        );
        let read = Settings {
            style_scale: PerStyle::All(1.0),
            ..read
        };
        assert_eq!(read, settings);
    }

    #[test]
    fn each_setting_has_a_help_text_and_a_name_of_its_own() {
        for (at, setting) in DEFINITIONS.iter().enumerate() {
            let name = setting.name();
            assert!(
                setting.help.len() > 15 && !setting.help.ends_with('.'),
                "{name}"
            );
            assert!(DEFINITIONS[..at].iter().all(|other| other.name() != name));
        }
        assert!(Settings::default().check_values().is_ok());
    }

    #[test]
    fn a_value_out_of_its_bounds_is_refused_by_name() {
        let refusal = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check_values().unwrap_err().to_string()
        };
        assert_eq!(
            refusal(|s| s.iterations = 0),
            "iterations must be 1 or more, not 0"
        );
        assert_eq!(
            refusal(|s| s.learning_rate = 0.0),
            "learning-rate must be above 0, not 0"
        );
        assert!(refusal(|s| s.learning_rate = f64::NAN).contains("learning-rate"));
        assert!(refusal(|s| s.history = 0).contains("history must be from 1 to 100"));
        assert!(refusal(|s| s.average = 1.0).contains("average must be from 0 to less than 1"));
        let scale = |s: &mut Settings| s.style_scale = PerStyle::All(0.0);
        assert!(refusal(scale).contains("style-scale must be from 0.05 to 8"));
        assert!(refusal(|s| s.noise_ratio = 1.5).contains("noise-ratio must be from 0 to 1"));
        assert!(refusal(|s| s.style_weight = -1.0).contains("style-weight must be 0 or more"));
        assert!(refusal(|s| s.tv_weight = f64::INFINITY).contains("tv-weight"));
        assert!(refusal(|s| s.style_layers.0[2].weight = -1.0).contains("style-layers"));
        assert!(refusal(|s| s.border = 65).contains("border must be from 0 to 64"));
        assert!(refusal(|s| s.style_margin = 0.5).contains("style-margin"));
        let blend = |s: &mut Settings| s.style_blend = PerStyle::Each(vec![1.0, -1.0]);
        assert!(refusal(blend).contains("style-blend"));
        let twice = |s: &mut Settings| {
            let again = s.content_layers.0[0].clone();
            s.content_layers.0.push(again);
        };
        assert!(refusal(twice).contains("conv4_2 is named twice"));
    }
}
