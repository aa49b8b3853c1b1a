//! The options of a run, and the [`Settings`] that they make.

use anyhow::Context;
use clap::{Args, ValueEnum};
use impasto::ops::pool::Pooling;
use impasto::picture::{Picture, SizeRequest};
use impasto::stylize::{Init, LayerWeight, Settings};
use std::path::{Path, PathBuf};

/// The long edge, unless a size or a preset is given.
const LONG_EDGE: u32 = 512;

/// Options of the picture and of the optimisation. What is not given is as the classic recipe has it.
#[derive(Args)]
pub struct PaintOptions {
    /// Size of the painting: N pixels along the photograph's long edge, or WxH, cropped around the centre [default: 512]
    #[arg(long, value_name = "N|WxH", help_heading = "Picture")]
    size: Option<SizeRequest>,

    /// What to begin with: the photograph, the classic mix of noise and photograph, noise alone, or a picture file
    #[arg(
        long,
        value_name = "content|noise|random|FILE",
        default_value = "noise",
        help_heading = "Picture"
    )]
    init: PathBuf,

    /// Share of noise in the classic mix, from 0 to 1
    #[arg(
        long,
        value_name = "X",
        default_value = "0.6",
        allow_negative_numbers = true,
        help_heading = "Picture"
    )]
    noise_ratio: f64,

    /// Where the noise starts from: another number, another painting
    #[arg(long, value_name = "N", default_value = "0", help_heading = "Picture")]
    seed: u64,

    /// A recipe to begin from; options given beside it win over it
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Recipe")]
    preset: Option<Preset>,

    /// Steps of the optimiser: more is closer to the painting, and takes longer [default: 300]
    #[arg(long, value_name = "N", help_heading = "Recipe")]
    iterations: Option<usize>,

    /// How far a step may change a pixel, on the scale 0..255 [default: 2]
    #[arg(
        long,
        value_name = "X",
        allow_negative_numbers = true,
        help_heading = "Recipe"
    )]
    learning_rate: Option<f64>,

    /// How much the photograph's things count [default: 0.01]
    #[arg(
        long,
        value_name = "X",
        allow_negative_numbers = true,
        help_heading = "Recipe"
    )]
    content_weight: Option<f64>,

    /// How much the painting's style counts [default: 1]
    #[arg(
        long,
        value_name = "X",
        allow_negative_numbers = true,
        help_heading = "Recipe"
    )]
    style_weight: Option<f64>,

    /// How much smoothness (total variation) counts [default: 0]
    #[arg(
        long,
        value_name = "X",
        allow_negative_numbers = true,
        help_heading = "Recipe"
    )]
    tv_weight: Option<f64>,

    /// Layers where content is compared, each with its weight or 1 [default: conv4_2]
    #[arg(
        long,
        value_name = "LAYER[=X],…",
        value_delimiter = ',',
        help_heading = "Recipe"
    )]
    content_layers: Option<Vec<LayerWeight>>,

    /// Layers where style is compared [default: conv1_1=0.5,conv2_1=1,conv3_1=1.5,conv4_1=3,conv5_1=4]
    #[arg(
        long,
        value_name = "LAYER[=X],…",
        value_delimiter = ',',
        help_heading = "Recipe"
    )]
    style_layers: Option<Vec<LayerWeight>>,

    /// How the network pools: by the mean, which paints smoother, or by the largest
    #[arg(
        long,
        value_enum,
        value_name = "avg|max",
        default_value = "avg",
        hide_possible_values = true,
        help_heading = "Recipe"
    )]
    pooling: PoolingName,
}

#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// The recipe of the well-known tutorial: 666x500, 300 iterations of Adam
    Classic,
}

#[derive(Clone, Copy, ValueEnum)]
enum PoolingName {
    Avg,
    Max,
}

impl PaintOptions {
    /// The settings that these options ask for. Remarks on a picture to begin with go to `remark`.
    ///
    /// # Errors
    /// If a setting is senseless, or the picture to begin with cannot be read.
    pub fn settings(&self, remark: impl FnOnce(String)) -> anyhow::Result<Settings> {
        let classic = Settings::classic();
        let size = match self.preset {
            Some(Preset::Classic) => classic.size,
            None => SizeRequest::LongEdge(LONG_EDGE),
        };
        let layers = |given: &Option<Vec<_>>, classic| given.clone().unwrap_or(classic);
        let mut settings = Settings {
            size: self.size.unwrap_or(size),
            iterations: self.iterations.unwrap_or(classic.iterations),
            learning_rate: self.learning_rate.unwrap_or(classic.learning_rate),
            init: classic.init,
            noise_ratio: self.noise_ratio,
            content_weight: self.content_weight.unwrap_or(classic.content_weight),
            style_weight: self.style_weight.unwrap_or(classic.style_weight),
            tv_weight: self.tv_weight.unwrap_or(classic.tv_weight),
            content_layers: layers(&self.content_layers, classic.content_layers),
            style_layers: layers(&self.style_layers, classic.style_layers),
            pooling: match self.pooling {
                PoolingName::Avg => Pooling::Average,
                PoolingName::Max => Pooling::Max,
            },
            seed: self.seed,
        };
        settings.check().map_err(anyhow::Error::msg)?;
        settings.init = match self.init.to_str() {
            Some("content") => Init::Content,
            Some("noise") => Init::Noise,
            Some("random") => Init::Random,
            _ => Init::Picture(open(&self.init, "--init", remark)?),
        };
        Ok(settings)
    }

    /// What the run begins with, as the user wrote it.
    pub fn init_name(&self) -> impl std::fmt::Display {
        self.init.display()
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
