//! The program `impasto`. Everything is in the library of the same name.

use impasto::weights::built_in;
use std::process::ExitCode;

fn main() -> ExitCode {
    impasto::engine::return_freed_memory();
    impasto::cli::run(std::env::args_os(), built_in())
}
