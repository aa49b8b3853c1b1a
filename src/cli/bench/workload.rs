//! What `impasto bench` runs: iterations of a recipe at one size, with a clock around the engine.

use crate::engine::clock::{Clock, LayerTime};
use crate::engine::fast::Phases;
use crate::engine::{Engine, EngineKind, Fast};
use crate::files::picture::{Picture, Size, SizeRequest};
use crate::files::weights::Weights;
use crate::painting::{Iteration, MemoryOptions, Recipe, Run, Scales, Settings, Stylization};
use crate::vgg::{Architecture, LayerSpec};
use ndarray::Array3;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the time of one iteration went.
pub struct IterationTimes {
    pub total: Duration,
    pub layers: Vec<LayerTime>,
    /// The losses, and their gradients at the layers that they tap.
    pub losses: Duration,
    pub optimizer: Duration,
    /// The steps of the Winograd convolutions, summed over the threads.
    pub phases: [Duration; 3],
    /// Multiply-adds of the Winograd convolutions' products.
    pub products: u64,
}

impl IterationTimes {
    pub fn forward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.forward).sum()
    }

    pub fn backward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.backward).sum()
    }
}

/// What was measured of iterations that are alike.
pub struct Measured {
    /// What came before the first of them.
    pub set_up: Duration,
    pub iterations: Vec<IterationTimes>,
}

/// What is measured: a recipe at one size.
pub struct Workload {
    pub architecture: Architecture,
    pub settings: Settings,
    run: Run,
    clock: Arc<Clock<f32>>,
    phases: Arc<Phases>,
    /// How long it took to prepare the run.
    prepared: Duration,
}

impl Workload {
    /// The work of `iterations` iterations after a first one; twice, if the recipe has iterations of two kinds.
    ///
    /// # Errors
    /// If the size is too small for the layers, or too large for the machine.
    pub fn new(
        architecture: Architecture,
        recipe: Recipe,
        size: Size,
        engine: EngineKind,
        memory: MemoryOptions,
        iterations: u32,
    ) -> anyhow::Result<Self> {
        let one_size = Recipe {
            size: Some(SizeRequest::Exact(size)),
            scales: Some(Scales::Count(1)),
            iterations: Some(iterations + 1),
            // The painting is seen at the size of the picture.
            style_margin: Some(0.0),
            enlarge_style: Some(true),
            ..Recipe::default()
        };
        let mut settings = one_size.or(recipe).settings();
        if settings.split_iterations > 0 {
            settings.split_iterations = iterations + 1;
        }
        let weights = Weights::he_normal(architecture, architecture.layers().len(), 0);
        let (engine, phases): (Arc<dyn Engine<f32>>, _) = match engine {
            EngineKind::Fast(cpu) => {
                let fast = Fast::new(cpu);
                let phases = fast.phases();
                (Arc::new(fast), phases)
            }
            EngineKind::Reference => (engine.build(), Arc::default()),
        };
        let clock = Arc::new(Clock::new(engine));
        let begin = Instant::now();
        let run = Stylization::of(&picture(29), &picture(23))
            .settings(settings.clone())
            .memory(memory)
            .prepare_on(&weights, clock.clone())?;
        Ok(Self {
            architecture,
            settings,
            run,
            clock,
            phases,
            prepared: begin.elapsed(),
        })
    }

    pub fn size(&self) -> Size {
        self.run.size()
    }

    /// The size with the border that is painted too.
    pub fn whole_size(&self) -> Size {
        let Size { width, height } = self.size();
        let border = 2 * self.settings.border;
        Size {
            width: width + border,
            height: height + border,
        }
    }

    /// The layers that the recipe uses.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let mut layers = self.architecture.layers();
        layers.truncate(self.run.depth());
        layers
    }

    /// Runs all iterations.
    ///
    /// # Errors
    /// If the run diverges.
    pub fn measure(&self) -> anyhow::Result<Vec<Measured>> {
        let alike = self.settings.iterations as usize;
        let mut measured: Vec<Measured> = Vec::new();
        let mut last = Instant::now();
        self.run.iterate_all(|iteration| {
            let times = self.times(iteration);
            if (iteration.iteration - 1).is_multiple_of(alike) {
                measured.push(Measured {
                    set_up: last.elapsed().saturating_sub(times.total),
                    iterations: Vec::new(),
                });
            } else if let Some(measured) = measured.last_mut() {
                measured.iterations.push(times);
            }
            last = Instant::now();
            ControlFlow::Continue(())
        })?;
        measured[0].set_up += self.prepared;
        Ok(measured)
    }

    fn times(&self, iteration: &Iteration) -> IterationTimes {
        let mut times = IterationTimes {
            total: iteration.took,
            layers: self.clock.take_times(),
            losses: Duration::ZERO,
            optimizer: iteration.took - iteration.evaluation,
            phases: self.phases.take(),
            products: self.phases.take_products(),
        };
        let layers = times.forward() + times.backward();
        times.losses = iteration.evaluation.saturating_sub(layers);
        times
    }
}

/// An artificial picture, another one for each `period`.
fn picture(period: usize) -> Picture {
    let value = |(i, j, c)| ((i * j + 7 * c) % period) as f32 / period as f32;
    let x = Array3::from_shape_fn((384, 512, 3), value);
    Picture::from_array(&x.mapv(|value| 230.0 * value - 110.0))
}
