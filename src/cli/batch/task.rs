//! A job of a batch, and the run that it asks for.

use crate::cli::request::RunRequest;

pub struct Task {
    /// What messages call it.
    pub name: String,
    pub request: RunRequest,
}
