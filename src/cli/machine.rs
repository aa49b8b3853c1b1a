//! What a command computes with: the engine, the instruction set and the threads.

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use impasto::kernels::Cpu;
use impasto::ops::conv::Engine;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::{Deserialize, Serialize};
use std::num::NonZero;

/// Names an instruction set to use instead of the widest.
const CPU: &str = "IMPASTO_CPU";

/// Options of the machine.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Network and machine")]
pub struct MachineOptions {
    /// How to compute: fast, or the plain way that the fast one is tested against [default: fast]
    /// [env: IMPASTO_CPU=avx512|avx2|neon|portable, for the fast one]
    #[arg(
        long,
        value_enum,
        value_name = "fast|reference",
        hide_possible_values = true
    )]
    engine: Option<EngineName>,

    /// Threads to compute with [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, ValueEnum, Serialize, Deserialize)]
enum EngineName {
    Fast,
    Reference,
}

impl MachineOptions {
    /// The engine that is asked for.
    ///
    /// # Errors
    /// If the environment names an instruction set that this machine does not have.
    pub fn engine(&self) -> anyhow::Result<Engine> {
        if let Some(EngineName::Reference) = self.engine {
            return Ok(Engine::Reference);
        }
        let cpu = match std::env::var_os(CPU).filter(|name| !name.is_empty()) {
            None => Cpu::widest(),
            Some(name) => Cpu::named(&name.to_string_lossy()).context(CPU)?,
        };
        Ok(Engine::Fast(cpu))
    }

    /// Asks for so many threads, if any are named.
    pub fn set_threads(&mut self, threads: Option<u16>) {
        self.threads = threads.or(self.threads);
    }

    /// The threads that are asked for.
    ///
    /// # Errors
    /// If the system has not so many.
    pub fn threads(&self) -> anyhow::Result<ThreadPool> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        ThreadPoolBuilder::new()
            .num_threads(self.threads.map_or(cores, usize::from))
            .build()
            .map_err(|error| {
                anyhow!("the threads cannot be started ({error}); ask for fewer with --threads")
            })
    }
}

/// What this CPU has of the instructions that matter here, the widest first.
pub fn cpu_features() -> String {
    let all = Cpu::all();
    let names: Vec<_> = all.iter().map(|cpu| cpu.name()).collect();
    format!("{} with {}", std::env::consts::ARCH, names.join(", "))
}

/// `fast (avx512)` or `reference`.
pub fn engine_name(engine: Engine) -> String {
    match engine {
        Engine::Fast(cpu) => format!("fast ({cpu})"),
        Engine::Reference => "reference".to_owned(),
    }
}
