//! The program `impasto`: see the library of the same name for how it works.

mod cli;

use std::process::ExitCode;

/// The default weights, in the program itself.
#[cfg(feature = "embedded-weights")]
const BUILT_IN_WEIGHTS: Option<&[u8]> = Some(include_bytes!("../data/vgg16.safetensors"));
#[cfg(not(feature = "embedded-weights"))]
const BUILT_IN_WEIGHTS: Option<&[u8]> = None;

fn main() -> ExitCode {
    impasto::kernels::return_freed_memory();
    match cli::run(BUILT_IN_WEIGHTS) {
        Ok(code) => code,
        Err(error) => {
            cli::say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
