//! Painting: from pictures, weights and settings to a painted picture.
//!
//! A [`Stylization`] says what to paint. [`prepare`](Stylization::prepare) finds everything that can be wrong before the work begins:
//! `checks` and `inputs` hold settings and pictures against each other, `plan` decides layers and sizes, and `build` makes the arrays.
//! The result is a [`Run`]: `run/iterate.rs` has the loop. [`observers`] watch it.
//!
//! [`Settings`] are defined in one table, in `settings/mod.rs`.

mod border;
mod build;
mod checks;
mod enlarge;
mod initial;
mod inputs;
mod limits;
mod memory;
mod network_cache;
pub mod observers;
mod optimizer;
mod original_colors;
mod parametrization;
mod pictures;
mod plan;
mod run;
mod settings;

pub use inputs::{InputRegion, Inputs, RegionPlace};
#[cfg(feature = "cli")]
pub(crate) use limits::{cores_of_machine, host_name};
pub use memory::MemoryOptions;
#[cfg(feature = "cli")]
pub(crate) use memory::processes_of_this_machine;
pub use network_cache::NetworkCache;
#[cfg(feature = "studio")]
pub(crate) use run::Effort;
pub use run::{Iteration, Painting, Run, State, Tiles};
#[cfg(feature = "cli")]
pub(crate) use settings::preset_names;
pub use settings::{
    Bounds, Command, DEFINITIONS, Definition, Group, Init, InvalidSetting, InvalidValue,
    LayerWeight, Layers, OptimizerKind, OriginalColors, PRESETS, Parameters, PerStyle, Recipe,
    RecipeError, Scales, Settings,
};

pub use crate::objective::{Method, Style};

#[cfg(feature = "cli")]
use crate::engine::Engine;
use crate::engine::EngineKind;
use crate::files::picture::{FloatPicture, Picture, SizeRequest};
use crate::files::weights::Weights;
use crate::method::{Alone, Communicator};
use crate::network::Network;
use pictures::Pictures;
use plan::Plan;
use std::ops::ControlFlow;
use std::sync::Arc;
use thiserror::Error;

/// A picture to be painted: what it is made from, its settings, and the engine to compute with.
///
/// ```no_run
/// use impasto::painting::{Settings, Stylization, long_edge};
/// # use impasto::{picture::Picture, weights::{Source, Weights}};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (photo, _) = Picture::open("photo.jpg".as_ref())?;
/// # let (painting, _) = Picture::open("painting.jpg".as_ref())?;
/// # let weights = Weights::load(&Source::File("data/vgg16.safetensors".into()))?;
/// let settings = Settings { size: long_edge(512), ..Settings::default() };
/// let painted = Stylization::of(&photo, &painting).settings(settings).run(&weights)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Stylization {
    inputs: Inputs,
    settings: Settings,
    engine: EngineKind,
    memory: MemoryOptions,
    world: Arc<dyn Communicator>,
}

/// Why a run cannot begin, or cannot continue.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StylizeError {
    /// The settings do not make sense, or not with these weights and pictures.
    #[error(transparent)]
    Settings(#[from] InvalidSetting),
    /// A scratch file cannot be read or written.
    #[error("a scratch file in {}: {}", folder.display(), crate::files::os_reason(error))]
    Scratch {
        /// The folder of the file.
        folder: std::path::PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Another process that paints the same picture cannot continue.
    #[error("process {rank}: {trouble}")]
    Process {
        /// Its number, from 0.
        rank: usize,
        /// Why.
        trouble: String,
    },
    /// The optimization diverged.
    #[error(
        "the loss is no longer a finite number at iteration {iteration}; a smaller learning rate or smaller weights may help"
    )]
    Diverged {
        /// The iteration that found it.
        iteration: usize,
        /// The last picture with a finite loss; `None` if the first loss was not finite, and on all processes but the first.
        last_good: Option<Box<FloatPicture>>,
    },
}

impl Stylization {
    /// A photograph in the style of a painting.
    pub fn of(photograph: &Picture, painting: &Picture) -> Self {
        Self::new(Inputs::pair(photograph.clone(), painting.clone()))
    }

    /// A picture to be painted from these inputs.
    pub fn new(inputs: Inputs) -> Self {
        Self {
            inputs,
            settings: Settings::default(),
            engine: EngineKind::default(),
            memory: MemoryOptions::default(),
            world: Arc::new(Alone),
        }
    }

    /// The same with these settings.
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// The same, computed by this engine.
    pub fn engine(self, engine: EngineKind) -> Self {
        Self { engine, ..self }
    }

    /// The same, in this much memory.
    pub fn memory(self, memory: MemoryOptions) -> Self {
        Self { memory, ..self }
    }

    /// The same, painted by several processes, of which this is one. All must have the same inputs, settings and memory options.
    pub fn world(self, world: Arc<dyn Communicator>) -> Self {
        Self { world, ..self }
    }

    /// Paints.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare) and [`Run::run`].
    pub fn run(&self, weights: &Weights) -> Result<Painting, StylizeError> {
        self.prepare(weights)?.run(|_| ControlFlow::Continue(()))
    }

    /// Checks everything, fits the pictures to their sizes and builds the network.
    ///
    /// # Errors
    /// If a setting is invalid, a layer is unknown, a picture is too small for the layers, or the pictures do not go together.
    pub fn prepare(&self, weights: &Weights) -> Result<Run, StylizeError> {
        self.prepare_with(weights, &mut NetworkCache::default())
    }

    /// The same, with the network of the run before if it is the right one. All runs of a cache must have the same weights.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_with(
        &self,
        weights: &Weights,
        cache: &mut NetworkCache,
    ) -> Result<Run, StylizeError> {
        let network = |depth| cache.get(weights, &self.settings, self.engine, depth);
        self.prepare_by(weights, network)
    }

    /// The same, computed by an engine that the caller has made.
    #[cfg(feature = "cli")]
    pub(crate) fn prepare_on(
        &self,
        weights: &Weights,
        engine: Arc<dyn Engine<f32>>,
    ) -> Result<Run, StylizeError> {
        let network = |depth| network_cache::network(weights, &self.settings, engine, depth);
        self.prepare_by(weights, |depth| Arc::new(network(depth)))
    }

    /// The same, with the network of some depth that `network` makes.
    fn prepare_by(
        &self,
        weights: &Weights,
        network: impl FnOnce(usize) -> Arc<Network<f32>>,
    ) -> Result<Run, StylizeError> {
        let (inputs, settings) = (&self.inputs, &self.settings);
        checks::check(settings, inputs)?;
        let leading = inputs.check()?;
        let finest = settings.size.of(leading.size());
        let pictures = Pictures::new(inputs, settings);
        let mut plan = Plan::new(
            weights,
            &pictures,
            finest,
            settings,
            &self.memory,
            &*self.world,
        )?;
        let last = plan.stages.last().expect("a plan has a size");
        let protected = (pictures.protected.as_ref()).map(|protected| protected.fit(finest));
        inputs::check_masks(
            &pictures.regions,
            protected.as_ref(),
            last.size,
            &last.style_sizes,
            settings.seamless,
        )?;
        let storage = plan.reserve_scratch(settings, &self.memory, &*self.world)?;
        let finishes = self.world.is_first();
        Ok(Run {
            network: network(plan.depth()),
            parametrizations: plan.parametrizations(settings),
            pictures,
            storage,
            plan,
            world: self.world.clone(),
            settings: settings.clone(),
            photograph: (inputs.content.as_ref())
                .filter(|_| finishes)
                .map(|content| content.fit(finest)),
            protected: protected.filter(|_| finishes),
            paintings: (inputs.styles().filter(|_| finishes))
                .map(|style| style.picture.clone())
                .collect(),
        })
    }

    /// Checks what can be checked without weights, and without looking into the pictures.
    ///
    /// # Errors
    /// Which setting is invalid.
    pub fn check(&self) -> Result<(), InvalidSetting> {
        checks::check(&self.settings, &self.inputs)
    }
}

/// This many pixels along the longer edge, whatever the aspect.
pub fn long_edge(pixels: u32) -> SizeRequest {
    SizeRequest::LongEdge(pixels)
}
