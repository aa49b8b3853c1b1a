//! Why a request of the page is refused.

use crate::cli::terminal::say;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request of the page is refused, in one line for the user.
#[derive(Debug, Serialize)]
pub struct Refusal {
    #[serde(skip)]
    pub status: StatusCode,
    pub error: String,
    /// The setting that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// What is on the desk, if it has changed since the page last saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk: Option<serde_json::Value>,
}

impl Refusal {
    pub fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            setting: None,
            desk: None,
        }
    }

    /// What was sent cannot be done.
    pub fn invalid(error: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error)
    }

    /// The value of a setting is wrong.
    pub fn setting(name: &str, error: impl Into<String>) -> Self {
        Self {
            setting: Some(name.to_owned()),
            ..Self::invalid(error)
        }
    }

    /// There is no such thing, or no longer.
    pub fn missing(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("{what} is not here any more"),
        )
    }

    /// The fault is on this side: the disk is full, for example.
    pub fn internal(error: anyhow::Error) -> Self {
        let error = format!("{error:#}");
        say(format_args!("warning: {error}"));
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}
