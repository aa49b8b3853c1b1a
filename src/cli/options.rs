//! The options of a run, and the [`Recipe`] that they make.

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use impasto::loss::style::Statistic;
use impasto::ops::pool::Pooling;
use impasto::picture::{Picture, SizeRequest};
use impasto::stylize::{Colours, Init, LayerWeight, Layers, Method, Numbers, Recipe, Scales, Text};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Options of a photograph in the style of paintings.
#[derive(Args)]
pub struct PaintOptions {
    #[command(flatten)]
    picture: PictureOptions,

    #[command(flatten)]
    photograph: PhotographOptions,

    #[command(flatten)]
    style: StyleOptions,
}

/// Options of the painted picture.
#[derive(Args)]
#[command(next_help_heading = "Picture")]
pub struct PictureOptions {
    /// Size of the painting: N pixels along the long edge, or WxH, to which the photograph is cropped around its centre
    /// [default: 512]
    #[arg(long, value_name = "N|WxH", allow_negative_numbers = true)]
    size: Option<SizeRequest>,

    /// Where the noise starts from: another number, another painting [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<u64>,
}

/// Options of what a picture of a photograph begins with, and of its colours.
#[derive(Args)]
#[command(next_help_heading = "Picture")]
pub struct PhotographOptions {
    /// What to begin with: the photograph, the classic mix of noise and photograph, noise alone, or a picture file
    /// [default: content]
    #[arg(long, value_name = "content|noise|random|FILE")]
    init: Option<PathBuf>,

    /// Share of noise in the classic mix, from 0 to 1 [default: 0.6]
    #[arg(long, value_name = "X", value_parser = share, allow_negative_numbers = true)]
    noise_ratio: Option<f64>,

    /// Keep the photograph's colours: match gives them to the painting first, luminance paints light and shade alone
    /// [default: off]
    #[arg(
        long,
        value_enum,
        value_name = "off|match|luminance",
        hide_possible_values = true
    )]
    original_colors: Option<ColoursName>,

    /// How much the photograph's things count [default: 20000]
    #[arg(long, value_name = "X", value_parser = weight, allow_negative_numbers = true)]
    content_weight: Option<f64>,

    /// Layers where content is compared, each with its weight or 1 [default: conv4_2]
    #[arg(long, value_name = "LAYER[=X],…", value_delimiter = ',')]
    content_layers: Option<Vec<LayerWeight>>,
}

/// Options of the style.
#[derive(Args)]
#[command(next_help_heading = "Style")]
pub struct StyleOptions {
    /// How much the painting's style counts [default: 1]
    #[arg(long, value_name = "X", value_parser = weight, allow_negative_numbers = true)]
    style_weight: Option<f64>,

    /// Layers where style is compared [default: conv1_1=0.5,conv2_1=1,conv3_1=1.5,conv4_1=3,conv5_1=4]
    #[arg(long, value_name = "LAYER[=X],…", value_delimiter = ',')]
    style_layers: Option<Vec<LayerWeight>>,

    /// How large the style picture is beside the painted one: 2 makes strokes twice as large; a number for each style, or one
    /// for all [default: 1]
    #[arg(long, value_name = "X[,X…]", value_parser = style_scale, value_delimiter = ',', allow_hyphen_values = true)]
    style_scale: Option<Vec<f64>>,

    /// What is compared as style: gram, moments, sliced or histogram [default: gram]
    #[arg(long, value_name = "NAME")]
    style_loss: Option<Statistic>,

    /// How much of a style picture's edge is left out on each side, as a share of it, 0 to 0.45: frames are no style
    /// [default: 0.04]
    #[arg(long, value_name = "X", value_parser = margin, allow_negative_numbers = true)]
    style_margin: Option<f64>,

    /// How much each style counts beside the others: 3,1 [default: all the same]
    #[arg(long, value_name = "X,X…", value_parser = weight, value_delimiter = ',', allow_hyphen_values = true)]
    style_blend: Option<Vec<f64>>,
}

/// Options of the optimisation.
#[derive(Args)]
#[command(next_help_heading = "Recipe")]
pub struct RecipeOptions {
    /// A recipe to begin from: default, classic, gatys2016, neural-style, texture, reconstruct, or a TOML file; options given
    /// beside it win over it
    #[arg(long, value_name = "NAME|FILE")]
    preset: Option<PathBuf>,

    /// Write the recipe of this run to a TOML file, for --preset
    #[arg(long, value_name = "FILE")]
    pub save_settings: Option<PathBuf>,

    /// How often loss and gradient are computed: more is closer to the painting, and takes longer [default: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    iterations: Option<u32>,

    /// From coarse to fine: auto, or a number of sizes, each √2 times the one before, or their long edges
    /// [default: auto]
    #[arg(long, value_name = "auto|N|LIST")]
    scales: Option<Scales>,

    /// Pixels that are painted beyond each edge and cut off, so that no frame shows, 0 to 64 [default: 8]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(..=64), allow_negative_numbers = true)]
    border: Option<u32>,

    /// How the pixels are moved [default: lbfgs]
    #[arg(
        long,
        value_enum,
        value_name = "adam|lbfgs",
        hide_possible_values = true
    )]
    optimizer: Option<MethodName>,

    /// How many steps L-BFGS remembers [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    history: Option<u32>,

    /// The result is a running mean of Adam's pictures, in which each counts X times as much as the next; 0 for the last
    /// picture alone [default: 0]
    #[arg(long, value_name = "X", value_parser = decay, allow_negative_numbers = true)]
    average: Option<f64>,

    /// How far a step of Adam, or the first one of L-BFGS, may change a pixel, on the scale 0..255 [default: 10]
    #[arg(long, value_name = "X", value_parser = rate, allow_negative_numbers = true)]
    learning_rate: Option<f64>,

    /// Bring each layer's gradient to the size that its weight says, whatever the loss there; for Adam
    #[arg(long)]
    normalize_gradients: bool,

    /// How much smoothness (total variation) counts [default: 30000; from noise alone 0]
    #[arg(long, value_name = "X", value_parser = weight, allow_negative_numbers = true)]
    tv_weight: Option<f64>,

    /// How the network pools: by the mean, which paints smoother, or by the largest [default: avg]
    #[arg(long, value_enum, value_name = "avg|max", hide_possible_values = true)]
    pooling: Option<PoolingName>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ColoursName {
    Off,
    Match,
    Luminance,
}

#[derive(Clone, Copy, ValueEnum)]
enum MethodName {
    Adam,
    Lbfgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum PoolingName {
    Avg,
    Max,
}

fn share(text: &str) -> Result<f64, String> {
    number(text, 0.0..=1.0).ok_or_else(|| "write a number from 0 to 1".to_owned())
}

fn margin(text: &str) -> Result<f64, String> {
    number(text, 0.0..=0.45).ok_or_else(|| "write a number from 0 to 0.45".to_owned())
}

fn style_scale(text: &str) -> Result<f64, String> {
    number(text, 0.05..=8.0).ok_or_else(|| "write a number from 0.05 to 8".to_owned())
}

fn decay(text: &str) -> Result<f64, String> {
    (number(text, 0.0..=1.0).filter(|&decay| decay < 1.0))
        .ok_or_else(|| "write a number from 0 to less than 1, as 0.99".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    number(text, f64::MIN_POSITIVE..=f64::MAX).ok_or_else(|| "write a number above 0".to_owned())
}

fn weight(text: &str) -> Result<f64, String> {
    number(text, 0.0..=f64::MAX).ok_or_else(|| "write a number, 0 or more".to_owned())
}

fn number(text: &str, range: RangeInclusive<f64>) -> Option<f64> {
    (text.parse().ok()).filter(|number| range.contains(number))
}

impl PaintOptions {
    /// What these options say.
    ///
    /// # Errors
    /// If the picture to begin with has a name that no recipe can hold.
    pub fn given(&self) -> anyhow::Result<Recipe> {
        let of_pictures = (self.picture.given()).or(self.photograph.given()?);
        Ok(of_pictures.or(self.style.given()))
    }
}

impl PictureOptions {
    /// What these options say.
    pub fn given(&self) -> Recipe {
        Recipe {
            size: self.size.map(Text),
            seed: self.seed,
            ..Recipe::default()
        }
    }
}

impl PhotographOptions {
    /// What these options say.
    ///
    /// # Errors
    /// If the picture to begin with has a name that no recipe can hold.
    pub fn given(&self) -> anyhow::Result<Recipe> {
        let init = self.init.as_deref().map(|init| {
            let name = init.to_str().map(str::to_owned);
            name.with_context(|| format!("{}: --init needs a name that is text", init.display()))
        });
        Ok(Recipe {
            init: init.transpose()?,
            noise_ratio: self.noise_ratio,
            original_colors: self.original_colors.map(|name| match name {
                ColoursName::Off => Colours::Painting,
                ColoursName::Match => Colours::Match,
                ColoursName::Luminance => Colours::Luminance,
            }),
            content_weight: self.content_weight,
            content_layers: self.content_layers.clone().map(Layers),
            ..Recipe::default()
        })
    }
}

impl StyleOptions {
    /// What these options say.
    pub fn given(&self) -> Recipe {
        Recipe {
            style_weight: self.style_weight,
            style_layers: self.style_layers.clone().map(Layers),
            style_loss: self.style_loss,
            style_scale: self.style_scale.clone().map(Numbers::Each),
            style_margin: self.style_margin,
            style_blend: self.style_blend.clone().map(Numbers::Each),
            ..Recipe::default()
        }
    }
}

impl RecipeOptions {
    /// What these options say, then what is `given` by others, then the preset that is named, or else `preset`.
    ///
    /// # Errors
    /// If the preset cannot be read.
    pub fn complete(&self, given: Recipe, preset: &str) -> anyhow::Result<Recipe> {
        let built_in = |name| Recipe::preset(name).expect("it is built in");
        let preset = self.preset()?.unwrap_or_else(|| built_in(preset));
        let recipe = self.given().or(given).or(preset);
        Ok(recipe.or(built_in("default")))
    }

    /// The recipe that `--preset` names, if it does.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn preset(&self) -> anyhow::Result<Option<Recipe>> {
        let open = |name| Recipe::open(name).map_err(|trouble| anyhow!("--preset: {trouble}"));
        self.preset.as_deref().map(open).transpose()
    }

    /// What these options say.
    pub fn given(&self) -> Recipe {
        Recipe {
            iterations: self.iterations,
            scales: self.scales.clone().map(Text),
            border: self.border,
            optimizer: self.optimizer.map(|name| match name {
                MethodName::Adam => Method::Adam,
                MethodName::Lbfgs => Method::Lbfgs,
            }),
            history: self.history,
            average: self.average,
            learning_rate: self.learning_rate,
            normalize_gradients: self.normalize_gradients.then_some(true),
            tv_weight: self.tv_weight,
            pooling: self.pooling.map(|name| match name {
                PoolingName::Avg => Pooling::Average,
                PoolingName::Max => Pooling::Max,
            }),
            ..Recipe::default()
        }
    }
}

/// The picture file that a run of this recipe begins with, if it does with one.
pub fn init_file(recipe: &Recipe) -> Option<&Path> {
    let init = recipe
        .init
        .as_deref()
        .filter(|init| !["content", "noise", "random"].contains(init));
    init.map(Path::new)
}

/// What a run of this recipe begins with. A remark on a picture goes to `remark`.
///
/// # Errors
/// If it is a picture that cannot be read.
pub fn init(recipe: &Recipe, remark: impl FnOnce(String)) -> anyhow::Result<Init> {
    Ok(match recipe.init.as_deref() {
        Some("content") => Init::Content,
        Some("random") => Init::Random,
        Some("noise") | None => Init::Noise,
        Some(file) => Init::Picture(open(Path::new(file), "--init", remark)?),
    })
}

/// Reads a picture; `what` says in messages which one it is to be.
pub fn open(path: &Path, what: &str, remark: impl FnOnce(String)) -> anyhow::Result<Picture> {
    let (picture, note) = Picture::open(path).with_context(|| format!("{what} picture"))?;
    if let Some(note) = note {
        remark(note);
    }
    Ok(picture)
}
