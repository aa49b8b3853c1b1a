//! Options for the network and the machine: weights, engine, instruction set and threads.

use crate::engine::{CPU_VARIABLE, Cpu, EngineKind};
use crate::files::weights::{self, Convention, ENVIRONMENT, Loaded, Source};
use crate::painting::cores_of_machine;
use anyhow::{Context, anyhow, ensure};
use clap::{Args, ValueEnum};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::{Deserialize, Serialize};
use std::num::NonZero;
use std::path::PathBuf;

/// Options for the network and the machine.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Network and machine")]
pub struct NetworkOptions {
    /// Network weights, VGG-16 or VGG-19: a .safetensors, .pth, .mat, .h5 or .npz file [default: VGG-16, built in]
    /// [env: IMPASTO_WEIGHTS]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,

    /// The pixels that the network was trained on, if the file says it wrong: caffe-rgb, caffe-bgr or torchvision
    #[arg(long, value_name = "NAME")]
    pub weights_convention: Option<Convention>,

    #[command(flatten)]
    pub machine: MachineOptions,
}

impl NetworkOptions {
    /// The weights file that the option or the environment names.
    pub fn named_weights(&self) -> Option<PathBuf> {
        self.weights.clone().or_else(weights_variable)
    }
}

/// The weights file that the environment names.
pub fn weights_variable() -> Option<PathBuf> {
    let named = std::env::var_os(ENVIRONMENT).filter(|value| !value.is_empty());
    named.map(PathBuf::from)
}

/// Reads weights. If a `convention` is given, it overrides the file's.
///
/// # Errors
/// If the weights cannot be read, or a convention is given for the built-in ones.
pub fn load_weights(source: &Source, convention: Option<Convention>) -> anyhow::Result<Loaded> {
    ensure!(
        convention.is_none() || matches!(source, Source::File(_)),
        "--weights-convention is for the file that --weights names; the convention of the built-in weights is known"
    );
    weights::load(source, convention).context("weights")
}

/// Options for the machine.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Network and machine")]
pub struct MachineOptions {
    /// The engine: fast, or the plain reference that it is tested against [default: fast]
    /// [env: IMPASTO_CPU=avx512|avx2|neon|portable, for the fast engine]
    #[arg(
        long,
        value_enum,
        value_name = "fast|reference",
        hide_possible_values = true
    )]
    engine: Option<EngineName>,

    /// Number of threads [env: RAYON_NUM_THREADS] [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// The name of an engine.
#[derive(Clone, Copy, Debug, Default, ValueEnum, Serialize, Deserialize)]
pub enum EngineName {
    /// The fast one, with the instructions that the environment names, or the widest.
    #[default]
    Fast,
    /// The plain one.
    Reference,
}

impl EngineName {
    /// The engine.
    ///
    /// # Errors
    /// If the environment names an instruction set that this machine does not have.
    pub fn kind(self) -> anyhow::Result<EngineKind> {
        if let Self::Reference = self {
            return Ok(EngineKind::Reference);
        }
        let cpu = Cpu::of_environment().context(CPU_VARIABLE)?;
        Ok(EngineKind::Fast(cpu))
    }
}

impl MachineOptions {
    /// The engine to compute with.
    ///
    /// # Errors
    /// If the environment names an instruction set that this machine does not have.
    pub fn engine(&self) -> anyhow::Result<EngineKind> {
        self.engine.unwrap_or_default().kind()
    }

    /// Sets the number of threads, if one is given.
    pub fn set_threads(&mut self, threads: Option<u16>) {
        self.threads = threads.or(self.threads);
    }

    /// What to say if more threads are asked for than there are cores.
    pub fn remark(&self) -> Option<String> {
        let cores = cores();
        let threads = self
            .threads
            .filter(|&threads| usize::from(threads) > cores)?;
        Some(format!(
            "--threads {threads}: more than this machine's cores ({cores}); they take memory and save no time"
        ))
    }

    /// The threads to compute with, where this many `processes` share the machine.
    ///
    /// # Errors
    /// If the system cannot start this many.
    pub fn threads(&self, processes: usize) -> anyhow::Result<ThreadPool> {
        let share = match processes {
            // rayon takes 0 for what the environment says, or one for each core.
            1 => 0,
            // A launcher may have given each process cores of its own, so that these are fewer than the machine has.
            _ => cores().min((cores_of_machine() / processes).max(1)),
        };
        ThreadPoolBuilder::new()
            .num_threads(self.threads.map_or(share, usize::from))
            .build()
            .map_err(|error| {
                anyhow!("the threads cannot be started ({error}); ask for fewer with --threads")
            })
    }
}

/// The cores that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// The instruction sets of this CPU, the widest first.
pub fn cpu_features() -> String {
    let all = Cpu::all();
    let names: Vec<_> = all.iter().map(|cpu| cpu.name()).collect();
    format!("{} with {}", std::env::consts::ARCH, names.join(", "))
}

/// `fast (avx512)` or `reference`.
pub fn engine_name(engine: EngineKind) -> String {
    match engine {
        EngineKind::Fast(cpu) => format!("fast ({cpu})"),
        EngineKind::Reference => "reference".to_owned(),
    }
}
