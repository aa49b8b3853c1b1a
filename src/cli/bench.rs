//! `impasto bench`: how fast this machine paints, and where the time goes.

use super::machine::{MachineOptions, engine_name};
use super::say;
use anyhow::Context;
use clap::{Args, ValueEnum};
use impasto::ops::conv::Engine;
use impasto::ops::workspace::Phase;
use impasto::picture::{Picture, Size, SizeRequest};
use impasto::report::duration;
use impasto::stylize::{Init, Inputs, Settings, Stylization, Times};
use impasto::vgg::{LayerKind, LayerSpec, VGG16, VGG19};
use impasto::weights::Weights;
use ndarray::Array3;
use serde::Serialize;
use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::time::Duration;

/// Measure how long an iteration takes on this machine, and where its time goes
///
/// It runs the classic recipe on made-up pictures with made-up weights, which take as long as any others. The first iteration
/// is not counted.
#[derive(Args)]
pub struct Bench {
    /// Size of the painting, WxH, or N pixels along the long edge of a picture of 4:3
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
    phases: Phases,
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
struct Phases {
    forward: f64,
    losses: f64,
    backward: f64,
    optimizer: f64,
    /// Of forward and backward: the steps of the fast convolutions, shared out over the threads.
    winograd_input_transforms: f64,
    winograd_products: f64,
    winograd_output_transforms: f64,
}

impl Bench {
    /// Measures, and prints what came out.
    ///
    /// # Errors
    /// If the machine is not as asked for, or the picture is too large for it.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let engine = self.machine.engine()?;
        let threads = self.machine.threads()?;
        let architecture = match self.network {
            NetworkName::Vgg16 => VGG16,
            NetworkName::Vgg19 => VGG19,
        };
        let of = Size {
            width: 4000,
            height: 3000,
        };
        let settings = Settings {
            size: SizeRequest::Exact(self.size.of(of)),
            iterations: usize::from(self.iterations) + 1,
            init: Init::Random,
            engine,
            ..Settings::classic()
        };
        let deepest = settings
            .style_layers
            .last()
            .map_or("", |layer| &layer.layer);
        let depth = architecture.find(deepest).context("the classic recipe")? + 1;
        // Fitted to its size when the run is made.
        let picture = Picture::from_array(&Array3::from_shape_fn((64, 64, 3), |(i, j, c)| {
            ((i * j + 7 * c) % 29) as f32 * 8.0 - 110.0
        }));
        let weights = Weights::he_normal(architecture, depth, 0);
        let inputs = Inputs::pair(picture.clone(), picture);
        let run = threads.install(|| Stylization::new(&weights, &inputs, &settings))?;
        drop(weights);
        let size = run.size();
        say(format_args!(
            "{} at {size}, {} engine, {} threads: {} iterations …",
            architecture.name,
            engine_name(engine),
            threads.current_num_threads(),
            self.iterations
        ));
        let mut measured: Vec<(Duration, Times)> = Vec::new();
        let mut before = Duration::ZERO;
        let painted = threads.install(|| {
            run.run(|step| {
                measured.push((step.elapsed - before, step.times.clone()));
                before = step.elapsed;
                ControlFlow::Continue(())
            })
        });
        painted?;
        measured.remove(0);
        let layers = &architecture.layers()[..depth];
        let report = Report::new(
            &measured,
            layers,
            (architecture.name, size),
            engine,
            &threads,
        );
        let mut out = std::io::stdout();
        let printed = match self.json {
            true => writeln!(out, "{}", serde_json::to_string(&report)?),
            false => report.print(&mut out),
        };
        printed.context("the result cannot be printed")?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Report {
    fn new(
        measured: &[(Duration, Times)],
        specs: &[LayerSpec],
        (network, size): (&'static str, Size),
        engine: Engine,
        threads: &rayon::ThreadPool,
    ) -> Self {
        let of = |time: &dyn Fn(&Times) -> Duration| {
            median(measured.iter().map(|(_, times)| time(times).as_secs_f64()))
        };
        let seconds = || measured.iter().map(|(total, _)| total.as_secs_f64());
        let threads = threads.current_num_threads();
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
        let phase = |phase: Phase| {
            let spent = of(&|times| times.convolution[phase as usize]);
            spent / threads as f64
        };
        let median_seconds = median(seconds());
        Self {
            median_seconds,
            min_seconds: seconds().fold(f64::INFINITY, f64::min),
            peak_memory_bytes: peak_memory(),
            size: size.to_string(),
            network,
            threads,
            cpu: match engine {
                Engine::Fast(cpu) => cpu.name().to_owned(),
                Engine::Reference => std::env::consts::ARCH.to_owned(),
            },
            engine: match engine {
                Engine::Fast(_) => "fast",
                Engine::Reference => "reference",
            },
            iterations: measured.len(),
            gflops: 1e-9 * work / median_seconds,
            layers,
            phases: Phases {
                forward: of(&Times::forward),
                losses: of(&|times| times.losses),
                backward: of(&Times::backward),
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
            ("optimiser", phases.optimizer),
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
