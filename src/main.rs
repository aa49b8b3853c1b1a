//! The program `impasto`. Everything is in the library of the same name.

use std::process::ExitCode;

/// The default weights, in the program itself.
#[cfg(feature = "embedded-weights")]
const BUILT_IN_WEIGHTS: Option<&[u8]> = Some(include_bytes!("../data/vgg16.safetensors"));
#[cfg(not(feature = "embedded-weights"))]
const BUILT_IN_WEIGHTS: Option<&[u8]> = None;

fn main() -> ExitCode {
    impasto::engine::return_freed_memory();
    impasto::cli::run(std::env::args_os(), BUILT_IN_WEIGHTS)
}
