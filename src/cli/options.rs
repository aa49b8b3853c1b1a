//! The options of a run, and the [`Settings`] that they make.

use anyhow::Context;
use clap::{Args, ValueEnum};
use impasto::ops::conv::Engine;
use impasto::ops::pool::Pooling;
use impasto::picture::{Picture, SizeRequest};
use impasto::stylize::{Init, LayerWeight, Method, Scales, Settings};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The long edge, unless a size or a preset is given.
const LONG_EDGE: u32 = 512;

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
    /// A recipe to begin from; options given beside it win over it
    #[arg(long, value_enum, value_name = "NAME")]
    preset: Option<Preset>,

    /// How often loss and gradient are computed: more is closer to the painting, and takes longer [default: 300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    iterations: Option<u32>,

    /// From coarse to fine: auto, or a number of sizes, each √2 times the one before, or their long edges [default: 1]
    #[arg(long, value_name = "auto|N|LIST")]
    scales: Option<Scales>,

    /// How large the style picture is beside the painted one: 2 makes strokes twice as large [default: 1]
    #[arg(long, value_name = "X", value_parser = style_scale, allow_negative_numbers = true)]
    style_scale: Option<f64>,

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

    /// How the network pools: by the mean, which paints smoother, or by the largest [default: avg]
    #[arg(long, value_enum, value_name = "avg|max", hide_possible_values = true)]
    pooling: Option<PoolingName>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// The recipe of the well-known tutorial: 666x500, 300 iterations of Adam
    Classic,
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
    /// The settings that these options ask for, for this engine. A remark on the picture to begin with goes to `remark`.
    ///
    /// # Errors
    /// If the picture to begin with cannot be read.
    pub fn settings(
        &self,
        engine: Engine,
        remark: impl FnOnce(String),
    ) -> anyhow::Result<Settings> {
        let classic = Settings::classic();
        let Self { picture, recipe } = self;
        let size = match recipe.preset {
            Some(Preset::Classic) => classic.size,
            None => SizeRequest::LongEdge(LONG_EDGE),
        };
        let init = match picture.init.as_deref() {
            None => classic.init,
            Some(name) => match name.to_str() {
                Some("content") => Init::Content,
                Some("noise") => Init::Noise,
                Some("random") => Init::Random,
                _ => Init::Picture(open(name, "--init", remark)?),
            },
        };
        let pooling = recipe.pooling.map(|name| match name {
            PoolingName::Avg => Pooling::Average,
            PoolingName::Max => Pooling::Max,
        });
        let layers = |given: &Option<Vec<_>>, classic| given.clone().unwrap_or(classic);
        Ok(Settings {
            size: picture.size.unwrap_or(size),
            scales: recipe.scales.clone().unwrap_or(classic.scales),
            style_scale: recipe.style_scale.unwrap_or(classic.style_scale),
            enlarge_style: classic.enlarge_style,
            iterations: recipe.iterations.map_or(classic.iterations, |n| n as usize),
            optimizer: recipe
                .optimizer
                .map_or(classic.optimizer, |name| match name {
                    MethodName::Adam => Method::Adam,
                    MethodName::Lbfgs => Method::Lbfgs,
                }),
            history: recipe.history.map_or(classic.history, |n| n as usize),
            average: recipe.average.unwrap_or(classic.average),
            clamp: classic.clamp,
            learning_rate: recipe.learning_rate.unwrap_or(classic.learning_rate),
            init,
            noise_ratio: picture.noise_ratio.unwrap_or(classic.noise_ratio),
            content_weight: recipe.content_weight.unwrap_or(classic.content_weight),
            style_weight: recipe.style_weight.unwrap_or(classic.style_weight),
            tv_weight: recipe.tv_weight.unwrap_or(classic.tv_weight),
            content_layers: layers(&recipe.content_layers, classic.content_layers),
            style_layers: layers(&recipe.style_layers, classic.style_layers),
            pooling: pooling.unwrap_or(classic.pooling),
            seed: picture.seed.unwrap_or(classic.seed),
            engine,
        })
    }

    /// The picture file that the run begins with, if it does with one.
    pub fn init_file(&self) -> Option<&Path> {
        let words = ["content", "noise", "random"].map(Path::new);
        (self.picture.init.as_deref()).filter(|init| !words.contains(init))
    }

    /// What the run begins with, as the user wrote it.
    pub fn init(&self) -> &Path {
        self.picture.init.as_deref().unwrap_or(Path::new("noise"))
    }
}

/// Reads a picture; `what` says in messages which one it is to be.
pub fn open(path: &Path, what: &str, remark: impl FnOnce(String)) -> anyhow::Result<Picture> {
    let (picture, note) = Picture::open(path).with_context(|| format!("{what} picture"))?;
    if let Some(note) = note {
        remark(note);
    }
    Ok(picture)
}
