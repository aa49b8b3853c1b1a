//! The options of a run, and the [`Recipe`] that they make.

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use impasto::ops::pool::Pooling;
use impasto::picture::{Picture, SizeRequest};
use impasto::stylize::{Colours, Init, LayerWeight, Layers, Method, Numbers, Recipe, Scales, Text};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Options of the picture and of the optimisation. What is not given is as the classic recipe has it.
#[derive(Args)]
pub struct PaintOptions {
    #[command(flatten)]
    picture: PictureOptions,
    #[command(flatten)]
    recipe: RecipeOptions,
}

#[derive(Args)]
#[command(next_help_heading = "Picture")]
struct PictureOptions {
    /// Size of the painting: N pixels along the photograph's long edge, or WxH, cropped around the centre [default: 512]
    #[arg(long, value_name = "N|WxH")]
    size: Option<SizeRequest>,

    /// What to begin with: the photograph, the classic mix of noise and photograph, noise alone, or a picture file
    /// [default: noise]
    #[arg(long, value_name = "content|noise|random|FILE")]
    init: Option<PathBuf>,

    /// Share of noise in the classic mix, from 0 to 1 [default: 0.6]
    #[arg(long, value_name = "X", value_parser = share, allow_negative_numbers = true)]
    noise_ratio: Option<f64>,

    /// Where the noise starts from: another number, another painting [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Args)]
#[command(next_help_heading = "Recipe")]
struct RecipeOptions {
    /// A recipe to begin from: classic, gatys2016, neural-style, or a TOML file; options given beside it win over it
    #[arg(long, value_name = "NAME|FILE")]
    preset: Option<PathBuf>,

    /// Write the recipe of this run to a TOML file, for --preset
    #[arg(long, value_name = "FILE")]
    save_settings: Option<PathBuf>,

    /// How often loss and gradient are computed: more is closer to the painting, and takes longer [default: 300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    iterations: Option<u32>,

    /// From coarse to fine: auto, or a number of sizes, each √2 times the one before, or their long edges [default: 1]
    #[arg(long, value_name = "auto|N|LIST")]
    scales: Option<Scales>,

    /// How large the style picture is beside the painted one: 2 makes strokes twice as large; a number for each style, or one
    /// for all [default: 1]
    #[arg(long, value_name = "X[,X…]", value_parser = style_scale, value_delimiter = ',', allow_negative_numbers = true)]
    style_scale: Option<Vec<f64>>,

    /// How much each style counts beside the others: 3,1 [default: all the same]
    #[arg(long, value_name = "X,X…", value_parser = weight, value_delimiter = ',', allow_negative_numbers = true)]
    style_blend: Option<Vec<f64>>,

    /// How the pixels are moved [default: adam]
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

    /// How far a step of Adam, or the first one of L-BFGS, may change a pixel, on the scale 0..255 [default: 2]
    #[arg(long, value_name = "X", value_parser = rate, allow_negative_numbers = true)]
    learning_rate: Option<f64>,

    /// How much the photograph's things count [default: 0.01]
    #[arg(long, value_name = "X", value_parser = weight, allow_negative_numbers = true)]
    content_weight: Option<f64>,

    /// How much the painting's style counts [default: 1]
    #[arg(long, value_name = "X", value_parser = weight, allow_negative_numbers = true)]
    style_weight: Option<f64>,

    /// How much smoothness (total variation) counts [default: 0]
    #[arg(long, value_name = "X", value_parser = weight, allow_negative_numbers = true)]
    tv_weight: Option<f64>,

    /// Layers where content is compared, each with its weight or 1 [default: conv4_2]
    #[arg(long, value_name = "LAYER[=X],…", value_delimiter = ',')]
    content_layers: Option<Vec<LayerWeight>>,

    /// Layers where style is compared [default: conv1_1=0.5,conv2_1=1,conv3_1=1.5,conv4_1=3,conv5_1=4]
    #[arg(long, value_name = "LAYER[=X],…", value_delimiter = ',')]
    style_layers: Option<Vec<LayerWeight>>,

    /// Keep the photograph's colours: match gives them to the painting first, luminance paints light and shade alone
    /// [default: off]
    #[arg(
        long,
        value_enum,
        value_name = "off|match|luminance",
        hide_possible_values = true
    )]
    original_colors: Option<ColoursName>,

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
    /// What these options ask for.
    ///
    /// # Errors
    /// If a recipe cannot be read, or the picture to begin with has a name that no recipe can hold.
    pub fn recipe(&self) -> anyhow::Result<Recipe> {
        Ok(self
            .given()?
            .or(self.preset()?.unwrap_or_default())
            .or(Recipe::preset("default").expect("it is built in")))
    }

    /// The recipe that `--preset` names, if it does.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn preset(&self) -> anyhow::Result<Option<Recipe>> {
        let open = |name| Recipe::open(name).map_err(|trouble| anyhow!("--preset: {trouble}"));
        self.recipe.preset.as_deref().map(open).transpose()
    }

    /// What is given by options.
    ///
    /// # Errors
    /// If the picture to begin with has a name that no recipe can hold.
    pub fn given(&self) -> anyhow::Result<Recipe> {
        let Self { picture, recipe } = self;
        let init = picture.init.as_deref().map(|init| {
            let name = init.to_str().map(str::to_owned);
            name.with_context(|| format!("{}: --init needs a name that is text", init.display()))
        });
        Ok(Recipe {
            size: picture.size.map(Text),
            init: init.transpose()?,
            noise_ratio: picture.noise_ratio,
            seed: picture.seed,
            scales: recipe.scales.clone().map(Text),
            style_scale: recipe.style_scale.clone().map(Numbers::Each),
            style_blend: recipe.style_blend.clone().map(Numbers::Each),
            iterations: recipe.iterations,
            optimizer: recipe.optimizer.map(|name| match name {
                MethodName::Adam => Method::Adam,
                MethodName::Lbfgs => Method::Lbfgs,
            }),
            learning_rate: recipe.learning_rate,
            history: recipe.history,
            average: recipe.average,
            content_weight: recipe.content_weight,
            style_weight: recipe.style_weight,
            tv_weight: recipe.tv_weight,
            content_layers: recipe.content_layers.clone().map(Layers),
            style_layers: recipe.style_layers.clone().map(Layers),
            original_colors: recipe.original_colors.map(|name| match name {
                ColoursName::Off => Colours::Painting,
                ColoursName::Match => Colours::Match,
                ColoursName::Luminance => Colours::Luminance,
            }),
            pooling: recipe.pooling.map(|name| match name {
                PoolingName::Avg => Pooling::Average,
                PoolingName::Max => Pooling::Max,
            }),
            ..Recipe::default()
        })
    }

    /// Where the recipe is to be written, if it is.
    pub fn save_settings(&self) -> Option<&Path> {
        self.recipe.save_settings.as_deref()
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
