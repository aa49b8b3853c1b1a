//! `impasto bench`: how fast this machine paints, and where the time goes.

use super::args::{MachineOptions, engine_name};
use super::paint::progress::duration;
use super::terminal::say;
use crate::engine::clock::LayerTime;
use crate::engine::fast::{Phase, Phases};
use crate::engine::{Clock, Engine, EngineKind, Fast};
use crate::files::picture::{Size, SizeRequest};
use crate::files::weights::Weights;
use crate::method::{Adam, Padding};
use crate::network::Network;
use crate::objective::{Objective, Region, Style, Tap, Targets};
use crate::painting::{LayerWeight, Recipe, Settings};
use crate::vgg::{Architecture, LayerKind, LayerSpec, VGG16, VGG19};
use anyhow::Context;
use clap::{Args, ValueEnum};
use ndarray::Array3;
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Measure how long an iteration takes on this machine, and where its time goes
///
/// It runs the classic recipe on artificial pictures with random weights, which take as long as real ones. The first iteration is not
/// counted.
#[derive(Args)]
pub struct Bench {
    /// Size of the painting: WxH, or N pixels along the long edge of a picture with the aspect 4:3
    #[arg(long, value_name = "N|WxH", default_value = "512")]
    size: SizeRequest,

    /// The network
    #[arg(long, value_enum, default_value = "vgg16")]
    network: NetworkName,

    /// Iterations to measure
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    iterations: u16,

    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    machine: MachineOptions,
}

#[derive(Clone, Copy, ValueEnum)]
enum NetworkName {
    Vgg16,
    Vgg19,
}

/// What was measured. Times are in seconds, medians over the iterations.
#[derive(Serialize)]
struct Report {
    median_seconds: f64,
    min_seconds: f64,
    /// Of the whole process; null where the system does not tell.
    peak_memory_bytes: Option<u64>,
    size: String,
    network: &'static str,
    threads: usize,
    cpu: String,
    engine: &'static str,
    iterations: usize,
    /// Billions of multiplications and additions that direct convolution takes in an iteration, over the median time.
    gflops: f64,
    layers: Vec<Layer>,
    phases: PhaseSeconds,
}

#[derive(Serialize)]
struct Layer {
    name: String,
    forward_seconds: f64,
    backward_seconds: f64,
    /// As direct convolution counts, both ways; none for pooling.
    gflops: Option<f64>,
}

#[derive(Serialize)]
struct PhaseSeconds {
    forward: f64,
    losses: f64,
    backward: f64,
    optimizer: f64,
    /// Of forward and backward: the steps of the fast convolutions, shared out over the threads.
    winograd_input_transforms: f64,
    winograd_products: f64,
    winograd_output_transforms: f64,
}

/// Where the time of one iteration went.
struct IterationTimes {
    total: Duration,
    layers: Vec<LayerTime>,
    /// The losses, and their gradients at the layers that they tap.
    losses: Duration,
    optimizer: Duration,
    /// The steps of the Winograd convolutions, summed over the threads.
    phases: [Duration; 3],
}

impl IterationTimes {
    fn forward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.forward).sum()
    }

    fn backward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.backward).sum()
    }
}

impl Bench {
    /// Measures, and prints the result.
    ///
    /// # Errors
    /// If the machine does not have what the options ask for.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let engine = self.machine.engine()?;
        let threads = self.machine.threads()?;
        let architecture = match self.network {
            NetworkName::Vgg16 => VGG16,
            NetworkName::Vgg19 => VGG19,
        };
        let size = self.size.of(Size {
            width: 4000,
            height: 3000,
        });
        say(format_args!(
            "{} at {size}, {} engine, {} threads: {} iterations …",
            architecture.name,
            engine_name(engine),
            threads.current_num_threads(),
            self.iterations
        ));
        let workload = Workload::new(architecture, size)?;
        let measured = threads.install(|| workload.measure(engine, self.iterations.into()));
        let report = Report::new(&measured, &workload, engine, threads.current_num_threads());
        let mut out = std::io::stdout();
        let printed = if self.json {
            writeln!(out, "{}", serde_json::to_string(&report)?)
        } else {
            report.print(&mut out)
        };
        printed.context("the result cannot be printed")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What is measured: the classic recipe at some size.
struct Workload {
    settings: Settings,
    architecture: Architecture,
    size: Size,
    /// Layers of the network.
    depth: usize,
}

impl Workload {
    fn new(architecture: Architecture, size: Size) -> anyhow::Result<Self> {
        let settings = Recipe::preset("classic")
            .expect("it is built in")
            .settings();
        let deepest = settings
            .style_layers
            .0
            .last()
            .map_or("", |layer| &layer.layer);
        let depth = architecture.find(deepest).context("the classic recipe")? + 1;
        Ok(Self {
            settings,
            architecture,
            size,
            depth,
        })
    }

    fn layers(&self) -> Vec<LayerSpec> {
        let mut layers = self.architecture.layers();
        layers.truncate(self.depth);
        layers
    }

    /// Runs so many iterations after a first one, with a clock around the engine.
    fn measure(&self, engine: EngineKind, iterations: usize) -> Vec<IterationTimes> {
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
        let tap = |overall: f64| {
            move |layer: &LayerWeight| Tap {
                layer: (self.architecture.find(&layer.layer)).expect("found before"),
                weight: overall * layer.weight,
            }
        };
        let settings = &self.settings;
        let content_taps: Vec<_> = (settings.content_layers.0.iter())
            .map(tap(settings.content_weight))
            .collect();
        let style_taps: Vec<_> = (settings.style_layers.0.iter())
            .map(tap(settings.style_weight))
            .collect();
        let picture = self.picture();
        Objective::new(
            network,
            Targets {
                content: Some((&picture, &content_taps)),
                regions: &[Region::everywhere(vec![Style::whole(picture.clone())])],
                style_taps: &style_taps,
                style_loss: settings.style_loss,
                tv_weight: settings.tv_weight,
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

impl Report {
    fn new(
        measured: &[IterationTimes],
        workload: &Workload,
        engine: EngineKind,
        threads: usize,
    ) -> Self {
        let of = |time: &dyn Fn(&IterationTimes) -> Duration| {
            median(measured.iter().map(|times| time(times).as_secs_f64()))
        };
        let seconds = || measured.iter().map(|times| times.total.as_secs_f64());
        let (specs, size) = (workload.layers(), workload.size);
        let layers: Vec<_> = (specs.iter().enumerate())
            .map(|(number, spec)| {
                let forward_seconds = of(&|times| times.layers[number].forward);
                let backward_seconds = of(&|times| times.layers[number].backward);
                let work = 2.0 * multiplications(spec, size);
                Layer {
                    name: spec.name.clone(),
                    forward_seconds,
                    backward_seconds,
                    gflops: (work > 0.0)
                        .then(|| 2e-9 * work / (forward_seconds + backward_seconds)),
                }
            })
            .collect();
        let work: f64 = specs
            .iter()
            .map(|spec| 4.0 * multiplications(spec, size))
            .sum();
        let phase = |phase: Phase| of(&|times| times.phases[phase as usize]) / threads as f64;
        let median_seconds = median(seconds());
        Self {
            median_seconds,
            min_seconds: seconds().fold(f64::INFINITY, f64::min),
            peak_memory_bytes: peak_memory(),
            size: size.to_string(),
            network: workload.architecture.name,
            threads,
            cpu: match engine {
                EngineKind::Fast(cpu) => cpu.name().to_owned(),
                EngineKind::Reference => std::env::consts::ARCH.to_owned(),
            },
            engine: match engine {
                EngineKind::Fast(_) => "fast",
                EngineKind::Reference => "reference",
            },
            iterations: measured.len(),
            gflops: 1e-9 * work / median_seconds,
            layers,
            phases: PhaseSeconds {
                forward: of(&IterationTimes::forward),
                losses: of(&|times| times.losses),
                backward: of(&IterationTimes::backward),
                optimizer: of(&|times| times.optimizer),
                winograd_input_transforms: phase(Phase::InputTransforms),
                winograd_products: phase(Phase::Products),
                winograd_output_transforms: phase(Phase::OutputTransforms),
            },
        }
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "layer      forward   backward   GFLOP/s")?;
        for layer in &self.layers {
            let [forward, backward] =
                [layer.forward_seconds, layer.backward_seconds].map(|time| time * 1e3);
            let rate = layer
                .gflops
                .map_or(String::new(), |rate| format!("{rate:.0}"));
            writeln!(
                out,
                "{:8} {forward:7.1} ms {backward:7.1} ms {rate:>9}",
                layer.name
            )?;
        }
        let phases = &self.phases;
        let parts = [
            ("forward", phases.forward),
            ("losses", phases.losses),
            ("backward", phases.backward),
            ("optimizer", phases.optimizer),
        ];
        writeln!(out)?;
        for (name, seconds) in parts {
            let share = 100.0 * seconds / self.median_seconds;
            writeln!(out, "{name:10} {:8.1} ms {share:5.1} %", seconds * 1e3)?;
        }
        if phases.winograd_products > 0.0 {
            writeln!(
                out,
                "of which Winograd convolutions: input transforms {:.1} ms, products {:.1} ms, output transforms {:.1} ms",
                phases.winograd_input_transforms * 1e3,
                phases.winograd_products * 1e3,
                phases.winograd_output_transforms * 1e3
            )?;
        }
        writeln!(out)?;
        writeln!(
            out,
            "{:.3} s an iteration (the fastest {:.3} s), {:.0} GFLOP/s as direct convolution counts",
            self.median_seconds, self.min_seconds, self.gflops
        )?;
        if let Some(bytes) = self.peak_memory_bytes {
            writeln!(out, "{:.0} MB of memory at the peak", bytes as f64 / 1e6)?;
        }
        writeln!(
            out,
            "300 iterations at {} take {}",
            self.size,
            duration(Duration::from_secs_f64(300.0 * self.median_seconds))
        )
    }
}

/// Multiplications of a direct convolution for a picture of this size, one way.
fn multiplications(spec: &LayerSpec, size: Size) -> f64 {
    let LayerKind::Conv { inputs, outputs } = spec.kind else {
        return 0.0;
    };
    let along = |edge: u32| (edge as usize).div_ceil(spec.stride);
    (along(size.width) * along(size.height) * 9 * inputs * outputs) as f64
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

/// The most memory that this process has held, in bytes.
fn peak_memory() -> Option<u64> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let most = getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss();
        // Apple counts bytes, everybody else kilobytes.
        let unit = if cfg!(target_vendor = "apple") {
            1
        } else {
            1024
        };
        u64::try_from(most).ok().map(|most| most * unit)
    }
    #[cfg(not(unix))]
    None
}
