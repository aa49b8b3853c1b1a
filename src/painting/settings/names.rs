//! Settings that are one of a few names.

use super::bounds::Bounds;
use super::invalid::InvalidValue;
use super::value::Value;
use crate::method::{Pooling, StyleLossKind};
use crate::objective::Method;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Enums that people write as one of a few names, each of which serde knows too.
macro_rules! named {
    ($($names:ident: $type:ident { $($variant:ident = $name:literal),* })*) => {$(
        const $names: &[&str] = &[$($name),*];

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self {
                    $(Self::$variant => $name,)*
                })
            }
        }

        impl FromStr for $type {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(InvalidValue::write(&format!("one of {}", $names.join(", ")))),
                }
            }
        }
    )*};
}
named! {
    POOLINGS: Pooling { Average = "avg", Max = "max" }
    OPTIMIZERS: OptimizerKind { Adam = "adam", Lbfgs = "lbfgs", Rmsprop = "rmsprop" }
    METHODS: Method { Layers = "layers", Strotss = "strotss", Nearest = "nearest" }
    PARAMETERS: Parameters { Pixels = "pixels", Pyramid = "pyramid" }
    ORIGINAL_COLORS: OriginalColors { Off = "off", Match = "match", Luminance = "luminance", Palette = "palette" }
}

/// Which optimizer changes the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam: many small steps, each with one evaluation of loss and gradient.
    Adam,
    /// L-BFGS: longer steps, each with one evaluation or a few.
    Lbfgs,
    /// RMSprop: small steps without momentum, for losses that are drawn anew in each.
    Rmsprop,
}

/// Which numbers the optimizer changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parameters {
    /// The pixels.
    Pixels,
    /// The levels of the picture's Laplacian pyramid, so that a step changes coarse structures as much as fine ones.
    Pyramid,
}

/// Whether the painted picture has the photograph's colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OriginalColors {
    /// It has the painting's: they are a part of its style.
    Off,
    /// The painting gets the photograph's mean color and covariance before the run.
    Match,
    /// Each pixel has the photograph's color. Only luminance is painted.
    Luminance,
    /// Each pixel has the photograph's color, moved to the painting's palette. Only lightness is painted.
    Palette,
}

/// Names are read and written as text.
macro_rules! named_values {
    ($($type:ty: $choices:expr;)*) => {$(
        impl Value for $type {
            fn choices() -> Vec<&'static str> {
                $choices
            }

            fn parse(text: &str, _: Bounds) -> Result<Self, InvalidValue> {
                text.parse().map_err(|error| InvalidValue(format!("{error}")))
            }

            fn text(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
named_values! {
    Pooling: POOLINGS.to_vec();
    OptimizerKind: OPTIMIZERS.to_vec();
    OriginalColors: ORIGINAL_COLORS.to_vec();
    Method: METHODS.to_vec();
    Parameters: PARAMETERS.to_vec();
    StyleLossKind: Self::ALL.iter().map(|kind| kind.name()).collect();
}
