//! Errors of the library as exceptions of Python, with the words of the command line.

use impasto::painting::{RecipeError, StylizeError};
use impasto::picture::{PictureError, PictureErrorKind};
use impasto::weights::WeightsError;
use pyo3::import_exception;
use pyo3::prelude::*;
use std::fmt::Display;
use std::io;

import_exception!(impasto, Diverged);
import_exception!(impasto, Error);
import_exception!(impasto, MissingFile);

/// Something that was handed in cannot be used.
pub fn error(message: impl Display) -> PyErr {
    Error::new_err(message.to_string())
}

/// `MissingFile` if the file that the message is about does not exist, `Error` otherwise.
fn of_file(message: String, reason: Option<&io::Error>) -> PyErr {
    match reason {
        Some(reason) if reason.kind() == io::ErrorKind::NotFound => MissingFile::new_err(message),
        _ => Error::new_err(message),
    }
}

/// Why the picture called `what` cannot be read.
pub fn of_picture(what: &str, error: &PictureError) -> PyErr {
    let reason = match error.kind() {
        PictureErrorKind::Unreadable(reason) => Some(reason),
        _ => None,
    };
    of_file(format!("{what} picture: {error}"), reason)
}

/// Why weights cannot be loaded.
pub fn of_weights(error: &WeightsError) -> PyErr {
    let reason = match error {
        WeightsError::Unreadable { error, .. } => Some(error),
        _ => None,
    };
    of_file(format!("weights: {error}"), reason)
}

/// Why a preset cannot be read.
pub fn of_recipe(error: &RecipeError) -> PyErr {
    let reason = match error {
        RecipeError::Unreadable { error, .. } => Some(error),
        _ => None,
    };
    of_file(format!("preset: {error}"), reason)
}

/// Why a run cannot begin or continue.
pub fn of_run(py: Python, error: &StylizeError) -> PyErr {
    match error {
        StylizeError::Diverged { last_good, .. } => {
            let picture = last_good.as_ref().map(|good| good.to_picture());
            let picture = picture.map(|picture| crate::pictures::array(py, &picture).unbind());
            Diverged::new_err((error.to_string(), picture))
        }
        other => Error::new_err(other.to_string()),
    }
}
