//! Errors of settings.

use thiserror::Error;

/// A value that cannot be used. Displayed as what to write instead, or what the value must be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidValue(pub(in crate::painting) String);

impl InvalidValue {
    pub(super) fn write(what: &str) -> Self {
        Self(format!("write {what}"))
    }
}

/// A setting that cannot be as it is, by itself or with others.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidSetting(pub(in crate::painting) String);
