//! `impasto bench`: how fast this machine paints, and where the time goes.

mod report;
mod workload;

use super::args::{MachineOptions, MemoryArgs, engine_name};
use super::paint::progress;
use super::terminal::say;
use crate::engine::EngineKind;
use crate::engine::fast::peak_rate;
use crate::files::picture::{Size, SizeRequest};
use crate::painting::{Recipe, preset_names};
use crate::vgg::{VGG16, VGG19};
use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use report::Report;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use workload::Workload;

/// Measure how long an iteration takes on this machine, and where its time goes
///
/// It runs a recipe at one size, on artificial pictures with random weights, which take as long as real ones. The first iteration is
/// not counted.
#[derive(Args)]
pub struct Bench {
    #[arg(long, value_name = "NAME|FILE", default_value = "classic", help = preset_help())]
    preset: PathBuf,

    /// Size of the picture: WxH, or N pixels along the long edge of a picture with the aspect 4:3
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

    #[command(flatten)]
    memory: MemoryArgs,
}

fn preset_help() -> String {
    let names = preset_names();
    format!("The recipe of stylize: {names}, or a TOML file")
}

#[derive(Clone, Copy, ValueEnum)]
enum NetworkName {
    Vgg16,
    Vgg19,
}

impl Bench {
    /// Measures, and prints the result.
    ///
    /// # Errors
    /// If there is no such recipe, or the machine does not have what the options ask for.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let engine = self.machine.engine()?;
        let pool = self.machine.threads(1)?;
        let architecture = match self.network {
            NetworkName::Vgg16 => VGG16,
            NetworkName::Vgg19 => VGG19,
        };
        let size = self.size.of(Size {
            width: 4000,
            height: 3000,
        });
        let recipe = Recipe::open(&self.preset).map_err(|error| anyhow!("--preset: {error}"))?;
        let iterations = self.iterations.into();
        let memory = self.memory.beside(Path::new("."));
        let workload =
            pool.install(|| Workload::new(architecture, recipe, size, engine, memory, iterations))?;
        let preset = self.preset.display().to_string();
        say(format_args!(
            "{preset} with {} at {size}, {} engine, {} threads: {} …",
            architecture.name,
            engine_name(engine),
            pool.current_num_threads(),
            progress::iterations(self.iterations.into())
        ));
        let measured = pool.install(|| workload.measure())?;
        let peak = match engine {
            EngineKind::Fast(cpu) => Some(pool.install(|| peak_rate(cpu))),
            EngineKind::Reference => None,
        };
        let threads = pool.current_num_threads();
        let report = Report::new(preset, &measured, &workload, engine, threads, peak);
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
