//! A run: sizes to paint at, one after the other.
//!
//! [`iterate`] has the loop, which takes the [`state`] of a run from one iteration to the next. [`objective`] says what is minimized at
//! a size, and [`finished`] makes the painted picture.

mod finished;
mod iterate;
mod objective;
mod state;

pub use finished::Painting;
pub use iterate::Iteration;
pub use state::State;

use super::border;
use super::parametrization::Parametrization;
use super::pictures::Pictures;
use super::plan::{Plan, StagePlan};
use super::settings::Settings;
use crate::files::picture::{Mask, Picture, Size};
use crate::method::Communicator;
use crate::method::big_array::{Bands, Storage};
use crate::network::Network;
use crate::objective::Tiling;
use std::sync::Arc;

/// A run that is ready to begin. [`Stylization`](super::Stylization) makes it.
///
/// It prints nothing. After each iteration it passes an [`Iteration`] to its caller's function, which may end the run.
pub struct Run {
    pub(super) network: Arc<Network<f32>>,
    pub(super) plan: Plan,
    /// The processes that paint it.
    pub(super) world: Arc<dyn Communicator>,
    /// What the parameters are at each size.
    pub(super) parametrizations: Vec<Parametrization>,
    /// The pictures in their own sizes.
    pub(super) pictures: Pictures,
    /// Where the arrays of sizes are kept that are computed on disk.
    pub(super) storage: Storage,
    pub(super) settings: Settings,
    /// The photograph, of the painted picture's size.
    pub(super) photograph: Option<Picture>,
    /// What of it stays as it is.
    pub(super) protected: Option<Mask>,
    pub(super) paintings: Vec<Picture>,
}

/// What a run will take.
#[cfg(feature = "studio")]
pub(crate) struct Effort {
    /// For each of its sizes the pixels, with the border, and the iterations.
    pub stages: Vec<(u64, usize)>,
    /// Bytes of memory, about.
    pub bytes: u64,
}

/// How the painted picture is computed in tiles.
#[derive(Clone, Debug)]
pub struct Tiles {
    /// The tiles.
    pub tiling: Tiling,
    /// Whether the picture and the optimizer's state are in scratch files.
    pub on_disk: bool,
    /// How many steps L-BFGS remembers: fewer than the settings say if the disk has no space for all.
    pub history: usize,
}

impl Run {
    /// The number of iterations: those of the settings, without those of sizes that are too small for the layers.
    pub fn iterations(&self) -> usize {
        self.plan.stages.iter().map(|stage| stage.iterations).sum()
    }

    /// The size of the painted picture.
    pub fn size(&self) -> Size {
        self.finest().size
    }

    /// The sizes that the style pictures are fitted to at the end.
    pub fn style_sizes(&self) -> &[Size] {
        &self.finest().style_sizes
    }

    /// The sizes at which it is painted. The last is the painted picture's.
    pub fn sizes(&self) -> Vec<Size> {
        let mut sizes: Vec<_> = self.plan.stages.iter().map(|stage| stage.size).collect();
        sizes.dedup();
        sizes
    }

    /// How this process computes the painted picture, or its band of it, in tiles; `None` if it is computed whole.
    pub fn tiles(&self) -> Option<Tiles> {
        let stage = self.finest();
        let tile = stage.layout.tile?;
        let size = border::around(stage.size, self.plan.border).height_and_width();
        let field = self.network.receptive_field(self.plan.layers());
        let (bands, _) = field.bands(size, self.world.ranks());
        Some(Tiles {
            tiling: tile.cut_band(bands.of(self.world.rank()), size, field),
            on_disk: stage.layout.on_disk,
            history: stage.layout.history,
        })
    }

    /// What it will take.
    #[cfg(feature = "studio")]
    pub(crate) fn effort(&self) -> Effort {
        let stages = self.plan.stages.iter();
        let pixels = |size| {
            let whole = border::around(size, self.plan.border);
            u64::from(whole.width) * u64::from(whole.height)
        };
        Effort {
            stages: (stages.clone())
                .map(|stage| (pixels(stage.size), stage.iterations))
                .collect(),
            bytes: stages.map(|stage| stage.layout.bytes).max().unwrap_or(0),
        }
    }

    /// The rows of each process at size number `stage`, with the border.
    fn bands(&self, stage: usize) -> Bands {
        let size = border::around(self.plan.stages[stage].size, self.plan.border);
        let field = self.network.receptive_field(self.plan.layers());
        field.bands(size.height_and_width(), self.world.ranks()).0
    }

    /// How many layers of the network it uses.
    #[cfg(feature = "cli")]
    pub(crate) fn depth(&self) -> usize {
        self.plan.depth()
    }

    /// The learning rate at size number `stage`.
    fn learning_rate(&self, stage: usize) -> f64 {
        let is_finest = self.plan.stages[stage].size == self.size();
        let share = if is_finest {
            self.settings.finest_learning_rate
        } else {
            1.0
        };
        share * self.settings.learning_rate
    }

    /// Where the arrays of size number `stage` are kept.
    fn storage(&self, stage: usize) -> Storage {
        if self.plan.stages[stage].layout.on_disk {
            self.storage.clone()
        } else {
            Storage::Memory
        }
    }

    fn finest(&self) -> &StagePlan {
        let finest = self.plan.stages.last();
        finest.expect("a plan contains the size of the painted picture")
    }
}
