//! A run: from two pictures, weights and settings to a painted picture.
//!
//! [`Stylization::new`] does all that can fail for want of sense, before the work; [`Stylization::run`] is the loop. The loop
//! prints nothing: after each iteration it hands a [`Step`] to whoever watches, who may end the run.

mod colours;
mod init;
mod memory;
mod mover;
mod recipe;
mod scales;
mod settings;

pub use colours::Colours;
pub use recipe::{Layers, PRESETS, Recipe, Text};
pub use scales::Scales;
pub use settings::{Init, LayerWeight, Method, Settings};

use crate::loss::style::Statistic;
use crate::loss::{Losses, Objective, Region, StylePicture, Tap, Targets};
use crate::network::{LayerTime, Network};
use crate::ops::workspace::Phase;
use crate::picture::{Picture, Size, resize};
use crate::vgg::LayerSpec;
use crate::weights::Weights;
use mover::Mover;
use ndarray::Array3;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use thiserror::Error;

/// A run that is ready to begin.
pub struct Stylization {
    network: Network<f32>,
    content_taps: Vec<Tap>,
    style_taps: Vec<Tap>,
    /// The last is of the size that was asked for.
    stages: Vec<Stage>,
    /// The picture to begin with, of the first stage's size.
    initial: Array3<f32>,
    settings: Settings,
    /// The photograph, of the painted picture's size.
    photograph: Picture,
}

/// One size at which is painted.
struct Stage {
    content: Array3<f32>,
    style: Array3<f32>,
    iterations: usize,
}

/// What is known after an iteration.
#[derive(Debug)]
pub struct Step<'a> {
    /// Which iteration this was, from 1.
    pub iteration: usize,
    /// How many there are to be.
    pub iterations: usize,
    /// The losses of the picture *before* this iteration's step.
    pub losses: Losses,
    /// The picture *after* it, H×W×3, RGB 0..255 less the mean.
    pub picture: &'a Array3<f32>,
    /// Since the first iteration began.
    pub elapsed: Duration,
    /// Where this iteration's time went.
    pub times: &'a Times,
}

/// Where the time of one iteration went.
#[derive(Clone, Debug)]
pub struct Times {
    /// Layer by layer.
    pub layers: Vec<LayerTime>,
    /// The losses and their gradients at the layers that they tap.
    pub losses: Duration,
    /// The optimiser's step.
    pub optimizer: Duration,
    /// The steps of the fast convolutions, in the order of [`Phase::ALL`], summed over the threads.
    pub convolution: [Duration; 3],
}

impl Times {
    /// All layers forward.
    pub fn forward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.forward).sum()
    }

    /// All layers backward.
    pub fn backward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.backward).sum()
    }
}

/// What comes out of a run.
#[derive(Debug)]
pub struct Painting {
    /// The painted picture.
    pub picture: Picture,
    /// How many iterations it took: fewer than were asked for if the run was ended early.
    pub iterations: usize,
}

/// Why a run cannot begin, or cannot go on.
#[derive(Debug, Error)]
pub enum StylizeError {
    /// The settings do not make sense, or not with these weights and pictures.
    #[error("{0}")]
    Settings(String),
    /// The optimisation went out of bounds.
    #[error(
        "the loss is no longer a finite number at iteration {iteration}; a smaller learning rate or smaller weights may help"
    )]
    Diverged {
        /// The iteration that found it.
        iteration: usize,
        /// The last picture with a finite loss; none if there was not even one to begin with.
        last_good: Option<Box<Picture>>,
    },
}

impl Stylization {
    /// Checks everything, fits the pictures and builds the network.
    ///
    /// # Errors
    /// If a setting is senseless, a layer is unknown, or a picture is too small for the layers.
    pub fn new(
        weights: &Weights,
        content: &Picture,
        style: &Picture,
        settings: &Settings,
    ) -> Result<Self, StylizeError> {
        settings.check().map_err(StylizeError::Settings)?;
        let taps = |layers, weight| taps(weights, layers, weight).map_err(StylizeError::Settings);
        let content_taps = taps(&settings.content_layers, settings.content_weight)?;
        let style_taps = taps(&settings.style_layers, settings.style_weight)?;
        let layers = weights.architecture().layers();
        let check = |which: &str, size: Size, taps: &[Tap]| {
            let deepest = taps.iter().map(|tap| &layers[tap.layer]);
            check_size(which, size, deepest.max_by_key(|spec| spec.stride))?;
            memory::check(which, size, &layers[..depth(taps)], taps)
        };
        // The painted picture has the content's size and goes through the style layers too.
        let all_taps = [&content_taps[..], &style_taps].concat();
        let finest = settings.size.of(content.size());
        let photograph = content.fit(finest);
        let (content, style) = settings.colours.prepare(content, style);
        let mut stages = Vec::new();
        for scale in settings.scales.plan(finest, settings.iterations) {
            let style_size = settings.style_size(style.size(), scale.share);
            let fits = check("content", scale.size, &all_taps)
                .and_then(|()| check("style", style_size, &style_taps));
            match fits {
                // A size that is too small for the layers is passed over, unless it is the last.
                Err(_) if scale.size != finest => continue,
                fits => fits.map_err(StylizeError::Settings)?,
            }
            stages.push(Stage {
                content: content.fit(scale.size).to_array(),
                style: style.fit(style_size).to_array(),
                iterations: scale.iterations,
            });
        }
        let depth = depth(&all_taps);
        Ok(Self {
            network: Network::new(weights, settings.pooling, depth, settings.engine),
            initial: init::initial(settings, &stages[0].content),
            content_taps,
            style_taps,
            stages,
            settings: settings.clone(),
            photograph,
        })
    }

    /// How many iterations there will be: what was asked for, less those of sizes that are too small for the layers.
    pub fn iterations(&self) -> usize {
        self.stages.iter().map(|stage| stage.iterations).sum()
    }

    /// The size of the painted picture.
    pub fn size(&self) -> Size {
        size_of(&self.finest().content)
    }

    /// The size that the style picture was fitted to.
    pub fn style_size(&self) -> Size {
        size_of(&self.finest().style)
    }

    /// The sizes at which is painted, the last the painted picture's.
    pub fn sizes(&self) -> Vec<Size> {
        self.stages
            .iter()
            .map(|stage| size_of(&stage.content))
            .collect()
    }

    fn finest(&self) -> &Stage {
        self.stages
            .last()
            .expect("the size that was asked for is always painted at")
    }

    /// Runs to the end, or until `watch`, called after each iteration, breaks off.
    ///
    /// # Errors
    /// If a loss becomes NaN or infinite: the error holds the last good picture.
    pub fn run(
        self,
        mut watch: impl FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        let (iterations, size) = (self.iterations(), self.size());
        // Whatever the size so far, the picture has the size that was asked for.
        let picture = |x: Array3<f32>| {
            let x = if size_of(&x) == size {
                x
            } else {
                resize(&x, size)
            };
            self.settings
                .colours
                .finish(Picture::from_array(&x), &self.photograph)
        };
        let mut x = self.initial;
        let mut last_good: Option<Array3<f32>> = None;
        let mut done = 0;
        let mut begin = None;
        for (number, stage) in self.stages.into_iter().enumerate() {
            if number > 0 {
                x = resize(&x, size_of(&stage.content));
            }
            let objective = Objective::new(
                &self.network,
                Targets {
                    content: Some((&stage.content, &self.content_taps)),
                    regions: &[Region::everywhere(&[StylePicture::whole(&stage.style)])],
                    style_taps: &self.style_taps,
                    statistic: Statistic::Gram,
                    tv_weight: self.settings.tv_weight,
                    normalize: false,
                },
            );
            times(&self.network, Duration::ZERO, Duration::ZERO); // what setting up took
            let mut mover = Mover::new(&self.settings, x.dim());
            for _ in 0..stage.iterations {
                let evaluation = Instant::now();
                let begin = *begin.get_or_insert(evaluation);
                let (losses, gradient) = objective.evaluate(&self.network, &x);
                let evaluation = evaluation.elapsed();
                let stepping = Instant::now();
                if losses.total().is_finite() {
                    let good = last_good.take().filter(|good| good.dim() == x.dim());
                    last_good
                        .insert(good.unwrap_or_else(|| x.clone()))
                        .assign(&x);
                }
                let moved = mover.step(&mut x, losses.total(), &gradient);
                if moved.is_break() || x.iter().any(|pixel| !pixel.is_finite()) {
                    return Err(StylizeError::Diverged {
                        iteration: done + 1,
                        last_good: last_good.map(|x| Box::new(picture(x))),
                    });
                }
                self.network.recycle(gradient);
                done += 1;
                let times = times(&self.network, evaluation, stepping.elapsed());
                let step = Step {
                    iteration: done,
                    iterations,
                    losses,
                    picture: mover.picture(&x),
                    elapsed: begin.elapsed(),
                    times: &times,
                };
                if watch(&step).is_break() {
                    return Ok(Painting {
                        picture: picture(mover.finish(x)),
                        iterations: done,
                    });
                }
            }
            x = mover.finish(x);
        }
        Ok(Painting {
            picture: picture(x),
            iterations: done,
        })
    }
}

/// How many layers these taps need.
fn depth(taps: &[Tap]) -> usize {
    taps.iter().map(|tap| tap.layer + 1).max().unwrap_or(0)
}

/// Where the time of an iteration went that took so long to evaluate and to step.
fn times(network: &Network<f32>, evaluation: Duration, optimizer: Duration) -> Times {
    let mut times = Times {
        layers: network.take_times(),
        losses: Duration::ZERO,
        optimizer,
        convolution: Phase::ALL.map(|phase| network.workspace().take_time(phase)),
    };
    times.losses = evaluation.saturating_sub(times.forward() + times.backward());
    times
}

/// The layers that have a weight, by number.
fn taps(weights: &Weights, layers: &[LayerWeight], overall: f64) -> Result<Vec<Tap>, String> {
    let architecture = weights.architecture();
    let mut taps = Vec::new();
    for LayerWeight {
        layer: name,
        weight,
    } in layers
    {
        let layer = (architecture.find(name)).map_err(|unknown| unknown.to_string())?;
        if layer >= weights.depth() {
            return Err(format!("the weights do not reach down to layer {name}"));
        }
        let weight = overall * weight;
        if weight > 0.0 {
            taps.push(Tap { layer, weight });
        }
    }
    Ok(taps)
}

/// Refuses a picture of which the deepest layer would not see one whole position.
fn check_size(which: &str, size: Size, deepest: Option<&LayerSpec>) -> Result<(), String> {
    match deepest {
        Some(LayerSpec { name, stride, .. })
            if u64::from(size.width.min(size.height)) < *stride as u64 =>
        {
            Err(format!(
                "the {which} picture at {size} is too small for layer {name}, which needs {stride} pixels each way; ask for \
                 a larger size or for shallower layers"
            ))
        }
        _ => Ok(()),
    }
}

/// The size of the picture whose array this is.
fn size_of(x: &Array3<f32>) -> Size {
    let (height, width, _) = x.dim();
    Size {
        width: width as u32,
        height: height as u32,
    }
}
