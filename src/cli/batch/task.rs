//! A job of a batch, as it is asked for, and as the run that it becomes.

use crate::cli::request::{Files, RunRequest};
use crate::painting::Recipe;

/// One picture to be painted.
pub struct Job {
    /// What messages call it.
    pub name: String,
    pub files: Files,
    /// Its settings, as far as the list has them.
    pub recipe: Recipe,
}

/// A job with the options of the command line.
pub struct Task {
    /// What messages call it.
    pub name: String,
    pub request: RunRequest,
}
