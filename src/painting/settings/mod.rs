//! The settings of a run. **Each is defined once, in the table below**: its name, type, default, bounds and help text, and which
//! commands have an option for it.
//!
//! From the table come the structs [`Settings`] and [`Recipe`], the options of the command line with their help and checks, the
//! keys of TOML files, and docs/book/src/use/settings.md. To add a setting, add an entry here, and use its field where it takes effect.

mod bounds;
mod commands;
mod init;
mod invalid;
mod layers;
mod names;
mod per_style;
mod recipe;
mod scales;
mod value;

pub use bounds::Bounds;
pub use commands::{Command, Group};
pub use init::Init;
pub use invalid::{InvalidSetting, InvalidValue};
pub use layers::{LayerWeight, Layers};
pub use names::{OptimizerKind, OriginalColors, Parameters};
pub use per_style::PerStyle;
#[cfg(feature = "cli")]
pub(crate) use recipe::preset_names;
pub use recipe::{PRESETS, RecipeError};
pub(super) use scales::Scale;
pub use scales::Scales;

use super::border;
use crate::files::picture::SizeRequest;
use crate::method::{Pooling, StyleLossKind, adam, lbfgs};
use crate::objective::Method;
use serde::{Deserialize, Serialize};
use value::Value;

/// What is known of a setting.
pub struct Definition {
    /// The name of its field in [`Settings`].
    field: &'static str,
    value_name: &'static str,
    /// The names to choose from, if there are only a few values.
    pub(crate) choices: fn() -> Vec<&'static str>,
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
    /// The optimizer that has it; `None` if both have it.
    pub optimizer: Option<OptimizerKind>,
    /// Its default as the text of an option, which a command's preset may change.
    pub default: fn() -> String,
    /// Its value in some settings as the text of an option.
    pub text: fn(&Settings) -> String,
    /// Sets it in a recipe, from the text of an option.
    pub parse: fn(&str, &mut Recipe) -> Result<(), InvalidValue>,
    /// Checks its value in some settings.
    check: fn(&Settings) -> Result<(), InvalidSetting>,
}

const ALL: &[Command] = &[Command::Stylize, Command::Texture, Command::Reconstruct];
const WITH_STYLE: &[Command] = &[Command::Stylize, Command::Texture];
const STYLIZE: &[Command] = &[Command::Stylize];
const TEXTURE: &[Command] = &[Command::Texture];
/// In TOML files only.
const FILE: &[Command] = &[];

/// Makes the structs and the table of definitions. An entry is
///
/// > `/// help text`  
/// > `name: type = default, "VALUE", Group, commands, bounds[, only optimizer];`
///
/// The value's placeholder is not used where there are names to choose from. It is empty for a flag.
macro_rules! settings {
    ($(
        $(#[doc = $help:literal])+
        $field:ident: $type:ty = $default:expr, $value_name:literal, $group:ident, $commands:ident, $bounds:expr
        $(, only $optimizer:ident)?;
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

            /// These settings; what the recipe leaves out has its default: of style losses whose values differ by orders of magnitude
            /// from those of the default one, that of the preset `gram`.
            pub fn settings(self) -> Settings {
                let default = Settings::defaults_with(self.style_loss);
                self.or(default.into()).complete()
            }

            /// These settings, none of which is left out.
            fn complete(self) -> Settings {
                Settings { $($field: self.$field.expect("the recipe is complete"),)* }
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
            choices: <$type as Value>::choices,
            help: concat!($($help),+).trim_ascii(),
            list: <$type as Value>::LIST,
            bounds: $bounds,
            group: Group::$group,
            commands: $commands,
            optimizer: [$(Some(OptimizerKind::$optimizer),)? None][0],
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
    /// Size of the painted picture: N pixels along the long edge, or WxH. A photograph and its paintings are cropped to that
    /// aspect, around their centers
    size: SizeRequest = SizeRequest::LongEdge(512), "N|WxH", Picture, ALL, Bounds::any();
    /// Coarse to fine: auto, or a number of sizes, each √2 times the one before, or a list of their long edges. Sizes
    /// that are too small for the layers are left out, with their iterations
    scales: Scales = Scales::Auto, "auto|N|LIST", Optimization, ALL, Bounds::any();
    /// Pixels that are painted beyond each edge and cut off, so that no frame shows
    border: u32 = 8, "PIXELS", Optimization, ALL, Bounds::from_to(0.0, border::MAX as f64);
    /// Size of the style picture relative to the painted one: 2 makes strokes twice as large; a number for each style, or one for
    /// all
    style_scale: PerStyle = PerStyle::All(1.0), "X[,X…]", Style, WITH_STYLE, Bounds::from_to(0.05, 8.0);
    /// How much of a style picture's edge is left out on each side, as a share of it: photographs of paintings often show a
    /// frame
    style_margin: f64 = 0.04, "X", Style, WITH_STYLE, Bounds::from_to(0.0, 0.45);
    /// How much each of several styles counts: 3,1; one number for all means equally
    style_blend: PerStyle = PerStyle::All(1.0), "X,X…", Style, WITH_STYLE, Bounds::at_least(0.0);
    /// Whether a style picture may be enlarged beyond its own pixels
    enlarge_style: bool = false, "true|false", Style, FILE, Bounds::any();
    /// The long edge of the first of the sizes that auto chooses, about
    coarsest: u32 = 128, "PIXELS", Optimization, FILE, Bounds::at_least(1.0);
    /// The ratio of the edges of one size to those of the size before
    scale_step: f64 = std::f64::consts::SQRT_2, "X", Optimization, FILE, Bounds::from_to(1.1, 8.0);
    /// How many times loss and gradient are computed: more comes closer to the style, and takes longer
    iterations: u32 = 320, "N", Optimization, ALL, Bounds::at_least(1.0);
    /// Iterations at each size after the first, which then has all of --iterations; 0 shares those out over the sizes
    finer_iterations: u32 = 0, "N", Optimization, ALL, Bounds::at_least(0.0);
    /// What changes the pixels: L-BFGS needs fewer iterations, Adam is what many recipes use
    optimizer: OptimizerKind = OptimizerKind::Lbfgs, "NAME", Optimization, ALL, Bounds::any();
    /// How much a step of Adam changes a pixel, about, and the first step of L-BFGS at most, on the scale 0..255
    learning_rate: f64 = 10.0, "X", Optimization, ALL, Bounds::above(0.0);
    /// The learning rate at the finest size as a share of that at the sizes before
    finest_learning_rate: f64 = 1.0, "X", Optimization, FILE, Bounds::from_to(0.01, 1.0);
    /// How many steps L-BFGS remembers
    history: u32 = lbfgs::DEFAULT_HISTORY, "N", Optimization, ALL, Bounds::from_to(1.0, 100.0), only Lbfgs;
    /// Makes the result a running mean of Adam's pictures, in which each counts X times as much as the next; 0 takes the last
    /// picture
    average: f64 = 0.0, "X", Optimization, ALL, Bounds::from_to_below(0.0, 1.0), only Adam;
    /// How slowly Adam's mean square of the gradient changes
    beta2: f64 = adam::BETA2, "X", Optimization, FILE, Bounds::from_to_below(0.0, 1.0), only Adam;
    /// Whether Adam's running means are enlarged and kept when the size changes, instead of beginning anew
    keep_moments: bool = false, "true|false", Optimization, FILE, Bounds::any(), only Adam;
    /// Whether Adam's pixels are limited to 0..255
    clamp: bool = false, "true|false", Optimization, FILE, Bounds::any(), only Adam;
    /// The first picture: the photograph, the classic mix of noise and photograph, noise alone, or a picture file
    init: Init = Init::Content, "content|noise|random|FILE", Picture, STYLIZE, Bounds::any();
    /// Share of noise in the classic mix
    noise_ratio: f64 = 0.6, "X", Picture, STYLIZE, Bounds::from_to(0.0, 1.0);
    /// Seed of the noise: another number, another picture
    seed: u64 = 0, "N", Picture, ALL, Bounds::at_least(0.0);
    /// How much the content of the photograph counts
    content_weight: f64 = 40.0, "X", Picture, STYLIZE, Bounds::at_least(0.0);
    /// The content weight at each size as a share of that at the size before
    content_falloff: f64 = 1.0, "X", Picture, FILE, Bounds::from_to(0.01, 1.0);
    /// How much the style of the painting counts
    style_weight: f64 = 1.0, "X", Style, WITH_STYLE, Bounds::at_least(0.0);
    /// How much smoothness (total variation) counts
    tv_weight: f64 = 47.0, "X", Optimization, ALL, Bounds::at_least(0.0);
    /// Whether total variation is a mean over the picture's values, as the other losses are, so that its weight means the same at
    /// every size; otherwise it is a sum
    tv_mean: bool = true, "true|false", Optimization, FILE, Bounds::any();
    /// How much diagonal neighbors count in the total variation
    tv_diagonals: f64 = 0.25, "X", Optimization, FILE, Bounds::at_least(0.0);
    /// Layers where content is compared, each with its weight or 1
    content_layers: Layers = Layers::from(&[("conv4_2", 1.0)][..]), "LAYER[=X],…", Picture, STYLIZE, Bounds::at_least(0.0);
    /// Layers where style is compared, each with its weight or 1
    style_layers: Layers = Layers::from(&[
        ("conv1_1", 256.0), ("conv2_1", 64.0), ("conv3_1", 16.0), ("conv4_1", 4.0), ("conv5_1", 1.0),
    ][..]), "LAYER[=X],…", Style, WITH_STYLE, Bounds::at_least(0.0);
    /// What is compared: each layer by itself, as --style-loss says; vectors of all layers at random positions (strotss); or each
    /// position with the painting's most similar one (nearest)
    method: Method = Method::Layers, "NAME", Style, STYLIZE, Bounds::any();
    /// Whether the paintings are turned by 90°, 180° and 270° as well, for more to choose from; for the method nearest
    rotations: bool = false, "", Style, STYLIZE, Bounds::any();
    /// Iterations at the end in which each layer is matched by itself and anew; for the method nearest
    split_iterations: u32 = 200, "N", Optimization, STYLIZE, Bounds::at_least(0.0);
    /// How the style of the picture is compared with that of the painting, layer by layer. With another one than wasserstein, what is
    /// not set has the value of the preset gram
    style_loss: StyleLossKind = StyleLossKind::Wasserstein, "NAME", Style, WITH_STYLE, Bounds::any();
    /// Scales each layer's gradient to the size that its weight says, whatever the loss there
    normalize_gradients: bool = false, "", Optimization, ALL, Bounds::any(), only Adam;
    /// Keeps the photograph's colors: match gives them to the painting first, luminance paints light and shade only
    original_colors: OriginalColors = OriginalColors::Off, "NAME", Picture, STYLIZE, Bounds::any();
    /// Makes the picture tile: it continues at its left edge where it ends at its right, and likewise at the top and the bottom
    seamless: bool = false, "", Picture, TEXTURE, Bounds::any();
    /// What the optimizer changes: the pixels, or the levels of the picture's Laplacian pyramid
    parameters: Parameters = Parameters::Pixels, "NAME", Optimization, FILE, Bounds::any();
    /// Whether the first layer continues the picture beyond its edges by its edge pixels, instead of by zeros
    replicate_edges: bool = false, "true|false", Optimization, FILE, Bounds::any();
    /// How the network pools: by the mean, which paints smoother, or by the largest
    pooling: Pooling = Pooling::Max, "NAME", Optimization, ALL, Bounds::any();
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

    /// What stands for its value in help texts: the names to choose from, or a placeholder. A flag has none.
    pub fn value_name(&self) -> Option<String> {
        let choices = (self.choices)().join("|");
        let name = if choices.is_empty() {
            self.value_name.to_owned()
        } else {
            choices
        };
        Some(name).filter(|name| !name.is_empty())
    }

    /// Whether it differs from its default in these settings.
    pub(super) fn is_changed(&self, settings: &Settings) -> bool {
        (self.text)(settings) != (self.default)()
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
mod tests;
