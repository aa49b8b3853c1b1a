//! The program `impasto`, which the package puts on the path.

use impasto::weights::built_in;
use pyo3::prelude::*;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with these arguments, of which the first is its own name, and returns its exit code.
#[pyfunction]
pub fn main(py: Python, arguments: Vec<OsString>) -> u8 {
    let code = py.detach(|| {
        impasto::engine::return_freed_memory();
        impasto::cli::run(arguments, built_in())
    });
    // An exit code does not say its number.
    (0..=u8::MAX)
        .find(|&number| ExitCode::from(number) == code)
        .unwrap_or(1)
}
