//! The result of `impasto bench`, as a table or as JSON.

use super::workload::{IterationTimes, Measured, Workload};
use crate::cli::paint::progress::duration;
use crate::engine::EngineKind;
use crate::engine::fast::Phase;
use crate::files::picture::Size;
use crate::vgg::{LayerKind, LayerSpec};
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

/// What was measured. Times are in seconds, medians over the iterations.
#[derive(Serialize)]
pub struct Report {
    preset: String,
    /// Everything before the first iteration.
    set_up_seconds: f64,
    median_seconds: f64,
    min_seconds: f64,
    /// Of the method nearest, whose last iterations match each layer by itself.
    split: Option<Split>,
    /// Of the whole process; null if the system does not say.
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
    /// Null if there are no Winograd convolutions.
    products: Option<Products>,
}

/// The matrix products of the Winograd convolutions, with the kernels that are made for them, in billions of multiplications and
/// additions a second of all threads.
#[derive(Serialize)]
struct Products {
    gflops: f64,
    /// What this machine reaches when it does nothing else but multiply and add in registers.
    peak_gflops: f64,
}

/// The last iterations of the method nearest.
#[derive(Serialize)]
struct Split {
    set_up_seconds: f64,
    median_seconds: f64,
}

#[derive(Serialize)]
struct Layer {
    name: String,
    forward_seconds: f64,
    backward_seconds: f64,
    /// Of a direct convolution, forward and backward; null for pooling.
    gflops: Option<f64>,
}

#[derive(Serialize)]
struct PhaseSeconds {
    forward: f64,
    losses: f64,
    backward: f64,
    optimizer: f64,
    /// The parts of forward and backward that Winograd convolutions take, averaged over the threads.
    winograd_input_transforms: f64,
    winograd_products: f64,
    winograd_output_transforms: f64,
}

impl Report {
    pub fn new(
        preset: String,
        measured: &[Measured],
        workload: &Workload,
        engine: EngineKind,
        threads: usize,
        peak: Option<f64>,
    ) -> Self {
        let of = |time: &dyn Fn(&IterationTimes) -> Duration| {
            median((measured[0].iterations.iter()).map(|times| time(times).as_secs_f64()))
        };
        let seconds = |measured: &Measured| {
            let times = measured.iterations.iter();
            let seconds: Vec<_> = times.map(|times| times.total.as_secs_f64()).collect();
            seconds.into_iter()
        };
        let (specs, whole) = (workload.layers(), workload.whole_size());
        let layer = |(number, spec): (usize, &LayerSpec)| {
            let forward_seconds = of(&|times| times.layers[number].forward);
            let backward_seconds = of(&|times| times.layers[number].backward);
            let work = 2.0 * multiplications(spec, whole);
            Layer {
                name: spec.name.clone(),
                forward_seconds,
                backward_seconds,
                gflops: (work > 0.0).then(|| 2e-9 * work / (forward_seconds + backward_seconds)),
            }
        };
        let work: f64 = specs
            .iter()
            .map(|spec| 4.0 * multiplications(spec, whole))
            .sum();
        let phase = |phase: Phase| of(&|times| times.phases[phase as usize]) / threads as f64;
        let multiply_adds = measured[0]
            .iterations
            .first()
            .map_or(0, |times| times.products);
        let median_seconds = median(seconds(&measured[0]));
        let products = peak.filter(|_| multiply_adds > 0).map(|peak| Products {
            gflops: 2e-9 * multiply_adds as f64 / phase(Phase::Products),
            peak_gflops: 1e-9 * peak,
        });
        let (engine, cpu) = match engine {
            EngineKind::Fast(cpu) => ("fast", cpu.name().to_owned()),
            EngineKind::Reference => ("reference", std::env::consts::ARCH.to_owned()),
        };
        let split = measured.get(1).map(|split| Split {
            set_up_seconds: split.set_up.as_secs_f64(),
            median_seconds: median(seconds(split)),
        });
        Self {
            preset,
            set_up_seconds: measured[0].set_up.as_secs_f64(),
            median_seconds,
            min_seconds: seconds(&measured[0]).fold(f64::INFINITY, f64::min),
            split,
            peak_memory_bytes: peak_memory(),
            size: workload.size().to_string(),
            network: workload.architecture.name,
            threads,
            cpu,
            engine,
            iterations: measured[0].iterations.len(),
            gflops: 1e-9 * work / median_seconds,
            layers: specs.iter().enumerate().map(layer).collect(),
            phases: PhaseSeconds {
                forward: of(&IterationTimes::forward),
                losses: of(&|times| times.losses),
                backward: of(&IterationTimes::backward),
                optimizer: of(&|times| times.optimizer),
                winograd_input_transforms: phase(Phase::InputTransforms),
                winograd_products: phase(Phase::Products),
                winograd_output_transforms: phase(Phase::OutputTransforms),
            },
            products,
        }
    }

    /// Prints a table of the layers, and the sums.
    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        self.print_layers(out)?;
        writeln!(out)?;
        self.print_phases(out)?;
        writeln!(out)?;
        writeln!(
            out,
            "{:.3} s an iteration (the fastest {:.3} s), {:.0} GFLOP/s as direct convolution counts",
            self.median_seconds, self.min_seconds, self.gflops
        )?;
        writeln!(out, "{:.3} s of set-up before it", self.set_up_seconds)?;
        if let Some(split) = &self.split {
            writeln!(
                out,
                "{:.3} s a last iteration, which matches each layer by itself, and {:.3} s of set-up before it",
                split.median_seconds, split.set_up_seconds
            )?;
        }
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

    fn print_layers(&self, out: &mut impl Write) -> std::io::Result<()> {
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
        Ok(())
    }

    fn print_phases(&self, out: &mut impl Write) -> std::io::Result<()> {
        let phases = &self.phases;
        let parts = [
            ("forward", phases.forward),
            ("losses", phases.losses),
            ("backward", phases.backward),
            ("optimizer", phases.optimizer),
        ];
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
        if let Some(Products {
            gflops,
            peak_gflops,
        }) = self.products
        {
            writeln!(
                out,
                "the products run at {gflops:.0} GFLOP/s, {:.0} % of this CPU's measured peak of {peak_gflops:.0} GFLOP/s",
                100.0 * gflops / peak_gflops
            )?;
        }
        Ok(())
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

/// The peak memory of this process, in bytes.
fn peak_memory() -> Option<u64> {
    #[cfg(unix)]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        let most = getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss();
        // Apple's systems count bytes, all others kilobytes.
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
