//! What `impasto bench` runs: iterations of the classic recipe, with a clock around the engine.

use crate::engine::clock::LayerTime;
use crate::engine::fast::Phases;
use crate::engine::{Clock, Engine, EngineKind, Fast};
use crate::files::picture::Size;
use crate::files::weights::Weights;
use crate::method::{Adam, Padding};
use crate::network::Network;
use crate::objective::{Compared, Objective, Region, Style, Tap, Targets};
use crate::painting::{LayerWeight, Layers, Recipe, Settings, check_size};
use crate::vgg::{Architecture, LayerSpec};
use ndarray::Array3;
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
}

impl IterationTimes {
    pub fn forward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.forward).sum()
    }

    pub fn backward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.backward).sum()
    }
}

/// What is measured: the classic recipe at some size.
pub struct Workload {
    settings: Settings,
    pub architecture: Architecture,
    pub size: Size,
    content_taps: Vec<Tap>,
    style_taps: Vec<Tap>,
    /// Layers of the network.
    depth: usize,
}

impl Workload {
    /// # Errors
    /// If the size is too small for the layers, or too large for the machine.
    pub fn new(architecture: Architecture, size: Size) -> anyhow::Result<Self> {
        let settings = Recipe::preset("classic")
            .expect("it is built in")
            .settings();
        let taps = |layers: &Layers, overall: f64| {
            let tap = |layer: &LayerWeight| {
                Ok(Tap {
                    layer: architecture.find(&layer.layer)?,
                    weight: overall * layer.weight,
                })
            };
            layers.0.iter().map(tap).collect::<anyhow::Result<Vec<_>>>()
        };
        let content_taps = taps(&settings.content_layers, settings.content_weight)?;
        let style_taps = taps(&settings.style_layers, settings.style_weight)?;
        let all_taps = [&content_taps[..], &style_taps].concat();
        check_size("content", size, 0, &architecture.layers(), &all_taps)?;
        Ok(Self {
            settings,
            architecture,
            size,
            depth: all_taps.iter().map(|tap| tap.layer + 1).max().unwrap_or(0),
            content_taps,
            style_taps,
        })
    }

    pub fn layers(&self) -> Vec<LayerSpec> {
        let mut layers = self.architecture.layers();
        layers.truncate(self.depth);
        layers
    }

    /// Runs this many iterations after a first one, with a clock around the engine.
    pub fn measure(&self, engine: EngineKind, iterations: usize) -> Vec<IterationTimes> {
        let (engine, phases): (Arc<dyn Engine<f32>>, _) = match engine {
            EngineKind::Fast(cpu) => {
                let fast = Fast::new(cpu);
                let phases = fast.phases();
                (Arc::new(fast), phases)
            }
            EngineKind::Reference => (engine.build(), Arc::default()),
        };
        let clock = Arc::new(Clock::new(engine));
        let network = self.network(clock.clone());
        let objective = self.objective(&network);
        let mut x = self.picture();
        let mut adam = Adam::new(x.dim(), self.settings.learning_rate);
        let times = (0..=iterations).map(|_| {
            let _ = (clock.take_times(), phases.take()); // what came before
            let begin = Instant::now();
            let (_, gradient) = objective.evaluate(&network, &x);
            let evaluated = begin.elapsed();
            adam.step(&mut x, &gradient);
            network.engine().recycle(gradient);
            iteration_times(begin.elapsed(), evaluated, &clock, &phases)
        });
        times.skip(1).collect()
    }

    fn network(&self, engine: Arc<dyn Engine<f32>>) -> Network<f32> {
        let weights = Weights::he_normal(self.architecture, self.depth, 0);
        Network::new(
            &weights,
            self.settings.pooling,
            Padding::Zero,
            self.depth,
            engine,
        )
    }

    fn objective(&self, network: &Network<f32>) -> Objective<f32> {
        let settings = &self.settings;
        let picture = self.picture();
        Objective::new(
            network,
            Targets {
                content: Some((&picture, &self.content_taps)),
                regions: &[Region::everywhere(vec![Style::whole(picture.clone())])],
                style_taps: &self.style_taps,
                compared: Compared::Layers,
                style_loss: settings.style_loss,
                tv_weight: settings.tv_weight,
                tv_diagonals: settings.tv_diagonals,
                normalize: settings.normalize_gradients,
            },
        )
    }

    /// An artificial picture.
    fn picture(&self) -> Array3<f32> {
        let shape = (self.size.height as usize, self.size.width as usize, 3);
        Array3::from_shape_fn(shape, |(i, j, c)| {
            ((i * j + 7 * c) % 29) as f32 * 8.0 - 110.0
        })
    }
}

fn iteration_times(
    total: Duration,
    evaluated: Duration,
    clock: &Clock<f32>,
    phases: &Phases,
) -> IterationTimes {
    let mut times = IterationTimes {
        total,
        layers: clock.take_times(),
        losses: Duration::ZERO,
        optimizer: total - evaluated,
        phases: phases.take(),
    };
    times.losses = evaluated.saturating_sub(times.forward() + times.backward());
    times
}
