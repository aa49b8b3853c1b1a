//! The Python package: what `impasto._native` has. The package itself is in `package/impasto`, with the types of all of this.
//!
//! Everything that is handed in is checked here, so that the library, which panics where shapes do not fit, never has a reason to.

mod arrays;
mod check;
mod errors;
mod losses;
mod network;
mod operations;
mod pictures;
mod program;
mod settings;
mod step;
mod stylize;

use pyo3::prelude::*;

/// The part of impasto that is written in Rust.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::check::relative_error;
    #[pymodule_export]
    use crate::losses::{Loss, content, style, total_variation};
    #[pymodule_export]
    use crate::network::Network;
    #[pymodule_export]
    use crate::operations::{
        conv, conv_backward, gram_backward, gram_matrix, pool, pool_backward, relu, relu_backward,
    };
    #[pymodule_export]
    use crate::pictures::{to_input, to_picture};
    #[pymodule_export]
    use crate::program::main;
    #[pymodule_export]
    use crate::settings::{presets, setting_names};
    #[pymodule_export]
    use crate::step::Step;
    #[pymodule_export]
    use crate::stylize::stylize;
    use pyo3::prelude::*;
    use pyo3::types::PyModule;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
