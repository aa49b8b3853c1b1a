//! A run: from two pictures, weights and settings to a painted picture.
//!
//! [`Stylization::new`] does all that can fail for want of sense, before the work; [`Stylization::run`] is the loop. The loop
//! prints nothing: after each iteration it hands a [`Step`] to whoever watches, who may end the run.

mod border;
mod colours;
mod init;
mod inputs;
mod memory;
mod mover;
mod networks;
mod recipe;
mod run;
mod scales;
mod settings;

pub use colours::Colours;
pub use inputs::{Inputs, Painted, Style};
pub use networks::Networks;
pub use recipe::{Layers, Numbers, PRESETS, Recipe, Text};
pub use run::{Painting, State, Step, Times};
pub use scales::Scales;
pub use settings::{Init, LayerWeight, Method, Settings};

use crate::files::picture::{FloatPicture, Picture, Size};
use crate::files::weights::Weights;
use crate::loss::Tap;
use crate::network::Network;
use crate::vgg::LayerSpec;
use ndarray::{Array2, Array3};
use std::borrow::Cow;
use std::sync::Arc;
use thiserror::Error;

/// A run that is ready to begin.
pub struct Stylization {
    network: Arc<Network<f32>>,
    content_taps: Vec<Tap>,
    style_taps: Vec<Tap>,
    /// The last is of the size that was asked for.
    stages: Vec<Stage>,
    /// The picture to begin with, of the first stage's size.
    initial: Array3<f32>,
    /// Pixels around each stage's size that are painted too, and cut off.
    border: usize,
    settings: Settings,
    /// The photograph, of the painted picture's size.
    photograph: Option<Picture>,
}

/// One size at which is painted.
struct Stage {
    /// Without the border, which all arrays that have the painted picture's size do have.
    size: Size,
    content: Option<Array3<f32>>,
    styles: Vec<StyleAtStage>,
    iterations: usize,
}

/// A style picture as one stage sees it.
struct StyleAtStage {
    picture: Array3<f32>,
    /// Of each of its pixels, whether it is looked at, 0 to 1.
    seen: Option<Array2<f32>>,
    /// Of each pixel of the painted picture, whether it is painted in this style, 0 to 1.
    painted: Option<Array2<f32>>,
    /// Its share of the blend.
    share: f64,
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
        last_good: Option<Box<FloatPicture>>,
    },
}

impl Stylization {
    /// Checks everything, fits the pictures and builds the network.
    ///
    /// # Errors
    /// If a setting is senseless, a layer is unknown, a picture is too small for the layers, or pictures do not go together.
    pub fn new(
        weights: &Weights,
        inputs: &Inputs,
        settings: &Settings,
    ) -> Result<Self, StylizeError> {
        Self::sharing(&mut Networks::default(), weights, inputs, settings)
    }

    /// As [`new`](Self::new), with the network of the run before if it will do. `networks` are of these weights alone.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn sharing(
        networks: &mut Networks,
        weights: &Weights,
        inputs: &Inputs,
        settings: &Settings,
    ) -> Result<Self, StylizeError> {
        settings.check(inputs).map_err(StylizeError::Settings)?;
        inputs.check()?;
        let leading = inputs.leading().expect("it has been checked");
        let taps = |there, layers, weight| match there {
            true => taps(weights, layers, weight).map_err(StylizeError::Settings),
            false => Ok(Vec::new()),
        };
        let content_taps = taps(
            inputs.content.is_some(),
            &settings.content_layers,
            settings.content_weight,
        )?;
        let style_taps = taps(
            !inputs.styles.is_empty(),
            &settings.style_layers,
            settings.style_weight,
        )?;
        let layers = weights.architecture().layers();
        let check = |which: &str, size: Size, border: usize, taps: &[Tap]| {
            let deepest = taps.iter().map(|tap| &layers[tap.layer]);
            check_size(which, size, deepest.max_by_key(|spec| spec.stride))?;
            memory::check(which, size, border, &layers[..depth(taps)], taps)
        };
        // The painted picture has the content's size and goes through the style layers too.
        let all_taps = [&content_taps[..], &style_taps].concat();
        let finest = settings.size.of(leading.size());
        let grid = match settings.seamless {
            true => all_taps.iter().map(|tap| layers[tap.layer].stride).max(),
            false => None,
        };
        let grid = grid.unwrap_or(1) as u32;
        check_grid(finest, grid).map_err(StylizeError::Settings)?;
        let colours = settings.colours;
        let content = (inputs.content.as_ref()).map(|content| colours.content(content));
        let trimmed: Vec<_> = (inputs.styles.iter())
            .map(|style| style.trimmed(settings.style_margin))
            .collect();
        let styles: Vec<_> = (trimmed.iter())
            .map(|style| colours.style(&style.picture, content.as_deref()))
            .collect();
        let border = match settings.seamless {
            true => 0,
            false => settings.border,
        };
        let mut stages = Vec::new();
        for scale in settings.scales.plan(finest, grid, settings.iterations) {
            let style_size = |number: usize| {
                settings.style_size(
                    styles[number].size(),
                    scale.share,
                    number,
                    content.is_some(),
                )
            };
            let fits = check("content", scale.size, border, &all_taps).and_then(|()| {
                (0..styles.len())
                    .try_for_each(|number| check("style", style_size(number), 0, &style_taps))
            });
            match fits {
                // A size that is too small for the layers is passed over, unless it is the last.
                Err(_) if scale.size != finest => continue,
                fits => fits.map_err(StylizeError::Settings)?,
            }
            let mut painted = masks(&trimmed, scale.size).into_iter();
            let at_stage = |(number, (style, picture)): (usize, (&Style, &Cow<Picture>))| {
                let size = style_size(number);
                StyleAtStage {
                    picture: picture.fit(size).to_array(),
                    seen: inputs::seen(style.seen.as_ref(), size, settings.seamless),
                    painted: (painted.next().flatten())
                        .map(|painted| border::mirrored(&painted, border)),
                    share: settings.style_share(number),
                }
            };
            stages.push(Stage {
                size: scale.size,
                content: (content.as_ref())
                    .map(|content| border::mirrored(&content.fit(scale.size).to_array(), border)),
                styles: (trimmed.iter().zip(&styles).enumerate())
                    .map(at_stage)
                    .collect(),
                iterations: scale.iterations,
            });
        }
        let (first, last) = (&stages[0], stages.last().expect("the finest"));
        check_masks(&last.styles).map_err(StylizeError::Settings)?;
        Ok(Self {
            initial: init::initial(settings, first.size, border, first.content.as_ref()),
            network: networks.take(weights, settings, depth(&all_taps)),
            content_taps,
            style_taps,
            stages,
            border,
            settings: settings.clone(),
            photograph: inputs.content.as_ref().map(|content| content.fit(finest)),
        })
    }

    /// How many iterations there will be: what was asked for, less those of sizes that are too small for the layers.
    pub fn iterations(&self) -> usize {
        self.stages.iter().map(|stage| stage.iterations).sum()
    }

    /// The size of the painted picture.
    pub fn size(&self) -> Size {
        self.finest().size
    }

    /// The sizes that the style pictures were fitted to.
    pub fn style_sizes(&self) -> Vec<Size> {
        let styles = self.finest().styles.iter();
        styles.map(|style| size_of(&style.picture)).collect()
    }

    /// The sizes at which is painted, the last the painted picture's.
    pub fn sizes(&self) -> Vec<Size> {
        self.stages.iter().map(|stage| stage.size).collect()
    }

    fn finest(&self) -> &Stage {
        self.stages
            .last()
            .expect("the size that was asked for is always painted at")
    }
}

/// Where at this size each style is painted; none for a style that is painted everywhere.
fn masks(styles: &[Style], size: Size) -> Vec<Option<Array2<f32>>> {
    let drawn = |style: &Style| match &style.painted {
        Painted::Mask(mask) => Some(mask.fit(size).to_mask()),
        Painted::Everywhere | Painted::Rest => None,
    };
    let mut masks: Vec<_> = styles.iter().map(drawn).collect();
    if let Some(rest) = (styles.iter()).position(|style| matches!(style.painted, Painted::Rest)) {
        let mut left = Array2::ones((size.height as usize, size.width as usize));
        masks.iter().flatten().for_each(|mask| left -= mask);
        masks[rest] = Some(left.mapv(|share| share.max(0.0)));
    }
    masks
}

/// Refuses a style that is painted nowhere, and one of which nothing is looked at: it would be left out without a word.
fn check_masks(styles: &[StyleAtStage]) -> Result<(), String> {
    let black = |mask: &Option<Array2<f32>>| {
        (mask.as_ref()).is_some_and(|mask| mask.iter().all(|share| *share == 0.0))
    };
    for (number, style) in (1..).zip(styles) {
        if black(&style.painted) {
            return Err(format!(
                "the masks leave style {number} no place in the picture; give it one, or leave the style out"
            ));
        }
        if black(&style.seen) {
            return Err(format!(
                "the mask of style {number} is black: nothing of that style would be looked at"
            ));
        }
    }
    Ok(())
}

/// How many layers these taps need.
fn depth(taps: &[Tap]) -> usize {
    taps.iter().map(|tap| tap.layer + 1).max().unwrap_or(0)
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

/// Refuses a picture that a layer would not see in whole positions of `grid` pixels each way: a seam would show.
fn check_grid(size: Size, grid: u32) -> Result<(), String> {
    let whole = |edge: u32| (edge.saturating_add(grid / 2) / grid).max(1) * grid;
    let nearest = Size {
        width: whole(size.width),
        height: whole(size.height),
    };
    if nearest == size {
        return Ok(());
    }
    Err(format!(
        "a seamless picture needs edges that are multiples of {grid} for these layers, not {size}; ask for --size {nearest}"
    ))
}

/// The size of the picture whose array this is.
fn size_of(x: &Array3<f32>) -> Size {
    Size::of_array(x)
}
