//! The instruction sets that this CPU has, and code that is compiled for each.

use super::SimdTask;
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};
use std::fmt;
use thiserror::Error;

/// An instruction set that this CPU has. A value can only be made after the CPU was asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

/// The name of an instruction set that is unknown, or that this CPU does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnknownCpu {
    /// There is no such instruction set.
    #[error("{0:?} is not an instruction set; write one of {names}", names = NAMES.join(", "))]
    Name(String),
    /// This CPU does not have it.
    #[error("this machine has no {wanted}; it has {}", have.join(", "))]
    Absent {
        /// What was asked for.
        wanted: String,
        /// The ones that it has, the widest first.
        have: Vec<&'static str>,
    },
}

/// The names that [`Cpu::named`] knows.
pub const NAMES: [&str; 4] = ["avx512", "avx2", "neon", "portable"];

/// The environment variable that names an instruction set to use instead of the widest.
pub const CPU_VARIABLE: &str = "IMPASTO_CPU";

impl Cpu {
    /// The one that the variable [`CPU_VARIABLE`] names, or the widest if it names none.
    ///
    /// # Errors
    /// As [`named`](Self::named).
    pub fn of_environment() -> Result<Self, UnknownCpu> {
        let named = std::env::var_os(CPU_VARIABLE).filter(|name| !name.is_empty());
        named.map_or_else(
            || Ok(Self::widest()),
            |name| Self::named(&name.to_string_lossy()),
        )
    }

    /// All instruction sets that this CPU has, the widest first.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") {
                all.push(Self(Level::Avx512));
            }
            if avx2 {
                all.push(Self(Level::Avx2));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            all.push(Self(Level::Neon));
        }
        all.push(Self(Level::Portable));
        all
    }

    /// The widest that this CPU has.
    pub fn widest() -> Self {
        Self::all()[0]
    }

    /// The instruction set of this name.
    ///
    /// # Errors
    /// If there is none of this name, or this CPU does not have it.
    pub fn named(name: &str) -> Result<Self, UnknownCpu> {
        if !NAMES.contains(&name) {
            return Err(UnknownCpu::Name(name.to_owned()));
        }
        let all = Self::all();
        let found = all.iter().copied().find(|cpu| cpu.name() == name);
        found.ok_or_else(|| UnknownCpu::Absent {
            wanted: name.to_owned(),
            have: all.iter().map(|cpu| cpu.name()).collect(),
        })
    }

    /// `avx512`, `avx2`, `neon` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Level::Neon => "neon",
            Level::Portable => "portable",
        }
    }

    /// Runs the version of a task that is compiled for this instruction set.
    #[inline]
    pub fn run<T: Dispatch, K: SimdTask<T>>(self, task: K) -> K::Output {
        T::dispatch(self, task)
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Numbers for which there are vectors.
pub trait Dispatch: Sized {
    /// Runs a task with the vectors that `cpu` has for this type of number.
    fn dispatch<K: SimdTask<Self>>(cpu: Cpu, task: K) -> K::Output;
}

impl Dispatch for f32 {
    #[inline]
    fn dispatch<K: SimdTask<Self>>(cpu: Cpu, task: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn avx512<K: SimdTask<f32>>(task: K) -> K::Output {
            // SAFETY: this function runs only where there is AVX-512F.
            task.run(unsafe { Avx512::new() })
        }
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn avx2<K: SimdTask<f32>>(task: K) -> K::Output {
            // SAFETY: this function runs only where there are AVX2 and FMA.
            task.run(unsafe { Avx2::new() })
        }
        match cpu.0 {
            // SAFETY: a `Cpu` of this level exists only where AVX-512F, AVX2 and FMA were detected.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512(task) },
            // SAFETY: a `Cpu` of this level exists only where AVX2 and FMA were detected.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2(task) },
            // SAFETY: a `Cpu` of this level exists only where NEON was detected.
            #[cfg(target_arch = "aarch64")]
            Level::Neon => task.run(unsafe { Neon::new() }),
            Level::Portable => task.run(Portable),
        }
    }
}

impl Dispatch for f64 {
    /// Always the portable code: double precision serves to check the engine, and need not be fast.
    fn dispatch<K: SimdTask<Self>>(_: Cpu, task: K) -> K::Output {
        task.run(Portable)
    }
}
