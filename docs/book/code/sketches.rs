//! Small paintings, which the chapters measure: the cat, the night, and the network of the project.

use anyhow::{Context, Result};
use image::RgbImage;
use impasto::engine::EngineKind;
use impasto::method::{Padding, Pooling};
use impasto::network::Network;
use impasto::objective::{Compared, Losses, Objective, Region, Style, Tap, Targets};
use impasto::painting::{Layers, Recipe, Settings, Stylization, long_edge};
use impasto::picture::{Picture, Size};
use impasto::vgg::{MEAN, VGG16};
use impasto::weights::{Source, Weights};
use ndarray::{Array3, array};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The photograph of most figures.
pub const CAT: &str = "content/chelsea.jpg";
/// The painting of most figures.
pub const NIGHT: &str = "style/starry_night.jpg";

/// A file in the project's folder `data`.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../data")
        .join(name)
}

/// The weights of the project.
///
/// # Errors
/// If they cannot be read.
pub fn weights() -> Result<&'static Weights> {
    static WEIGHTS: OnceLock<Weights> = OnceLock::new();
    if WEIGHTS.get().is_none() {
        let loaded = Weights::load(&Source::File(data("vgg16.safetensors")))?;
        let _ = WEIGHTS.set(loaded);
    }
    WEIGHTS.get().context("they were just set")
}

/// A picture in `data`.
///
/// # Errors
/// If it cannot be read.
pub fn open(name: &str) -> Result<Picture> {
    Ok(Picture::open(&data(name))?.0)
}

/// A picture in `data` in this size, H×W×3, RGB 0..255 less the mean.
///
/// # Errors
/// If it cannot be read.
pub fn pixels(name: &str, width: u32, height: u32) -> Result<Array3<f32>> {
    Ok(open(name)?.fit(Size { width, height }).to_array())
}

/// Pixels, RGB 0..255 less the mean, as a picture to look at.
pub fn image(x: &Array3<f32>) -> RgbImage {
    let (height, width, _) = x.dim();
    RgbImage::from_fn(width as u32, height as u32, |j, i| {
        let value = |c: usize| (x[[i as usize, j as usize, c]] + MEAN[c]).round() as u8;
        image::Rgb([value(0), value(1), value(2)])
    })
}

/// The settings of a preset, for a picture of this many pixels along its long edge.
///
/// # Errors
/// If there is no such preset.
pub fn preset(name: &str, edge: u32) -> Result<Settings> {
    let preset = Recipe::preset(name).with_context(|| format!("there is no preset {name}"))?;
    let size = long_edge(edge);
    Ok(Settings {
        size,
        ..preset.settings()
    })
}

/// What came out of a run.
pub struct Painted {
    /// H×W×3, RGB 0..255 less the mean, beyond 0..255 where the optimizer left it so.
    pub pixels: Array3<f32>,
    /// For each evaluation the width of the picture, its losses, and the seconds since the first.
    pub evaluations: Vec<(u32, Losses, f64)>,
}

impl Painted {
    /// The picture to look at.
    pub fn image(&self) -> RgbImage {
        image(&self.pixels)
    }

    /// The smallest loss at the last size.
    pub fn lowest(&self) -> f64 {
        let last = self.evaluations.last().map_or(0, |evaluation| evaluation.0);
        let at_last = (self.evaluations.iter()).filter(|evaluation| evaluation.0 == last);
        (at_last.map(|(_, losses, _)| losses.total())).fold(f64::INFINITY, f64::min)
    }
}

/// Paints the cat like the night.
///
/// # Errors
/// If the settings do not make sense.
pub fn paint(settings: Settings) -> Result<Painted> {
    paint_pair(&open(CAT)?, &open(NIGHT)?, settings)
}

/// Paints a photograph like a painting.
///
/// # Errors
/// If the settings do not make sense.
fn paint_pair(photograph: &Picture, painting: &Picture, settings: Settings) -> Result<Painted> {
    let mut evaluations = Vec::new();
    let stylization = Stylization::of(photograph, painting).settings(settings);
    let painted = stylization.prepare(weights()?)?.run(|at| {
        evaluations.push((at.size().width, at.losses, at.elapsed.as_secs_f64()));
        ControlFlow::Continue(())
    })?;
    let pixels = painted.picture.to_picture().to_array();
    Ok(Painted {
        pixels,
        evaluations,
    })
}

/// A network and what is minimized with it: the losses of single layers.
pub struct Study {
    /// The network.
    pub network: Network<f32>,
    /// The losses.
    pub objective: Objective<f32>,
}

impl Study {
    /// That of these settings, at one size, from a photograph and a painting (H×W×3).
    ///
    /// # Errors
    /// If a layer does not exist.
    pub fn new(
        settings: &Settings,
        photograph: &Array3<f32>,
        painting: &Array3<f32>,
    ) -> Result<Self> {
        Self::on(EngineKind::default(), settings, photograph, painting)
    }

    /// The same, computed by this engine.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on(
        engine: EngineKind,
        settings: &Settings,
        photograph: &Array3<f32>,
        painting: &Array3<f32>,
    ) -> Result<Self> {
        let depth = VGG16.find("conv5_1")? + 1;
        let (pooling, padding) = (settings.pooling, Padding::Zero);
        let network = Network::new(weights()?, pooling, padding, depth, engine.build());
        let content = taps(&settings.content_layers, settings.content_weight)?;
        let style = taps(&settings.style_layers, settings.style_weight)?;
        let regions = [Region::everywhere(vec![Style::whole(painting.clone())])];
        let tv_scale = if settings.tv_mean {
            photograph.len() as f64
        } else {
            1.0
        };
        let targets = Targets {
            content: Some((photograph, &content[..])),
            regions: &regions,
            style_taps: &style,
            compared: Compared::Layers,
            style_loss: settings.style_loss,
            tv_weight: settings.tv_weight / tv_scale,
            tv_diagonals: settings.tv_diagonals,
            normalize: false,
        };
        let objective = Objective::new(&network, targets);
        Ok(Self { network, objective })
    }

    /// The loss of a picture, and its gradient.
    pub fn evaluate(&self, x: &Array3<f32>) -> (f64, Array3<f32>) {
        let (losses, gradient) = self.objective.evaluate(&self.network, x);
        (losses.total(), gradient)
    }
}

/// The network as deep as this layer.
///
/// # Errors
/// If there is no such layer.
pub fn network(pooling: Pooling, deepest: &str) -> Result<Network<f32>> {
    let depth = VGG16.find(deepest)? + 1;
    let engine = EngineKind::default().build();
    let padding = Padding::Zero;
    Ok(Network::new(weights()?, pooling, padding, depth, engine))
}

/// Layers by their names, with their weights times `weight`.
///
/// # Errors
/// If one does not exist.
pub fn taps(layers: &Layers, weight: f64) -> Result<Vec<Tap>> {
    let tap = |layer: &impasto::painting::LayerWeight| {
        Ok(Tap {
            layer: VGG16.find(&layer.layer)?,
            weight: weight * layer.weight,
        })
    };
    layers.0.iter().map(tap).collect()
}

/// The activations of a layer (H×W×C) of the picture `x`.
///
/// # Errors
/// If there is no such layer.
pub fn activations(network: &Network<f32>, x: &Array3<f32>, layer: &str) -> Result<Array3<f32>> {
    let layer = VGG16.find(layer)?;
    let activations = network.forward(&network.steps([layer]), x);
    Ok(activations.of(layer).clone())
}

/// ‖a − b‖ / ‖b‖
pub fn relative_distance(a: &Array3<f32>, b: &Array3<f32>) -> f64 {
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let difference = squares(&mut a.iter().zip(b).map(|(&a, &b)| f64::from(a) - f64::from(b)));
    (difference / squares(&mut b.iter().map(|&b| f64::from(b)))).sqrt()
}

/// The mean of RGB 0..255 that the network was trained with, as an array to add to pixels.
pub fn mean() -> ndarray::Array1<f32> {
    let [red, green, blue] = MEAN;
    array![red, green, blue]
}
