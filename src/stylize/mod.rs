//! A run: from two pictures, weights and settings to a painted picture.
//!
//! [`Stylization::new`] does all that can fail for want of sense, before the work; [`Stylization::run`] is the loop. The loop
//! prints nothing: after each iteration it hands a [`Step`] to whoever watches, who may end the run.

mod init;
mod memory;
mod settings;

pub use settings::{Init, LayerWeight, Settings};

use crate::loss::{Losses, Objective, Tap};
use crate::network::{LayerTime, Network};
use crate::ops::workspace::Phase;
use crate::optimize::Adam;
use crate::picture::{Picture, Size};
use crate::vgg::LayerSpec;
use crate::weights::Weights;
use ndarray::Array3;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use thiserror::Error;

/// A run that is ready to begin.
pub struct Stylization {
    network: Network<f32>,
    content: Array3<f32>,
    content_taps: Vec<Tap>,
    style: Array3<f32>,
    style_taps: Vec<Tap>,
    tv_weight: f64,
    /// The picture to begin with.
    initial: Array3<f32>,
    iterations: usize,
    learning_rate: f64,
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
        let fit = |picture: &Picture, which: &str, taps: &[Tap]| {
            let size = settings.size.of(picture.size());
            let deepest = taps.iter().map(|tap| &layers[tap.layer]);
            check_size(which, size, deepest.max_by_key(|spec| spec.stride))?;
            let depth = taps.iter().map(|tap| tap.layer + 1).max().unwrap_or(0);
            memory::check(which, size, &layers[..depth], taps)?;
            Ok((picture.fit(size), depth))
        };
        // The painted picture has the content's size and goes through the style layers too.
        let all_taps = [&content_taps[..], &style_taps].concat();
        let (content, depth) =
            fit(content, "content", &all_taps).map_err(StylizeError::Settings)?;
        let (style, _) = fit(style, "style", &style_taps).map_err(StylizeError::Settings)?;
        let content = content.to_array();
        Ok(Self {
            network: Network::new(weights, settings.pooling, depth, settings.engine),
            initial: init::initial(settings, &content),
            content,
            content_taps,
            style: style.to_array(),
            style_taps,
            tv_weight: settings.tv_weight,
            iterations: settings.iterations,
            learning_rate: settings.learning_rate,
        })
    }

    /// The size of the painted picture.
    pub fn size(&self) -> Size {
        size_of(&self.content)
    }

    /// The size that the style picture was fitted to.
    pub fn style_size(&self) -> Size {
        size_of(&self.style)
    }

    /// Runs to the end, or until `watch`, called after each iteration, breaks off.
    ///
    /// # Errors
    /// If a loss becomes NaN or infinite: the error holds the last good picture.
    pub fn run(
        self,
        mut watch: impl FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        let objective = Objective::new(
            &self.network,
            (&self.content, &self.content_taps),
            (&self.style, &self.style_taps),
            self.tv_weight,
        );
        drop((self.content, self.style));
        let mut x = self.initial;
        let mut adam = Adam::new(x.dim(), self.learning_rate);
        let mut last_good = None;
        times(&self.network, Duration::ZERO, Duration::ZERO); // what setting up took
        let begin = Instant::now();
        let mut done = 0;
        for iteration in 1..=self.iterations {
            let evaluation = Instant::now();
            let (losses, gradient) = objective.evaluate(&self.network, &x);
            let evaluation = evaluation.elapsed();
            let stepping = Instant::now();
            let finite_loss = losses.total().is_finite();
            if finite_loss {
                last_good.get_or_insert_with(|| x.clone()).assign(&x);
                adam.step(&mut x, &gradient);
            }
            if !finite_loss || x.iter().any(|pixel| !pixel.is_finite()) {
                return Err(StylizeError::Diverged {
                    iteration,
                    last_good: last_good.map(|x| Box::new(Picture::from_array(&x))),
                });
            }
            self.network.recycle(gradient);
            done = iteration;
            let times = times(&self.network, evaluation, stepping.elapsed());
            let step = Step {
                iteration,
                iterations: self.iterations,
                losses,
                picture: &x,
                elapsed: begin.elapsed(),
                times: &times,
            };
            if watch(&step).is_break() {
                break;
            }
        }
        Ok(Painting {
            picture: Picture::from_array(&x),
            iterations: done,
        })
    }
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
