//! What the type of a setting must be able to do: be read from an option and from a TOML file, and be written as either.

use super::bounds::Bounds;
use super::init::Init;
use super::invalid::InvalidValue;
use super::scales::Scales;
use crate::files::picture::SizeRequest;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::str::FromStr;

/// The type of a setting.
pub(super) trait Value: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Whether it is a list, separated by commas.
    const LIST: bool = false;

    /// The names to choose from, if there are only a few values.
    fn choices() -> Vec<&'static str> {
        Vec::new()
    }

    /// Parses the text of an option. The error mentions the `bounds`.
    fn parse(text: &str, bounds: Bounds) -> Result<Self, InvalidValue>;

    /// The value as the text of an option.
    fn text(&self) -> String;

    /// The numbers in it, to which bounds apply.
    fn numbers(&self) -> Vec<f64> {
        Vec::new()
    }
}

fn parse_number<T: FromStr>(
    what: &str,
    text: &str,
    bounds: Bounds,
    as_f64: impl Fn(&T) -> f64,
) -> Result<T, InvalidValue> {
    let number = text.trim().parse().ok();
    number
        .filter(|number| bounds.contain(as_f64(number)))
        .ok_or_else(|| {
            if bounds.is_any() {
                InvalidValue::write(what)
            } else {
                let comma = if bounds.is_open_ended() { "," } else { "" };
                InvalidValue::write(&format!("{what}{comma} {bounds}"))
            }
        })
}

impl Value for f64 {
    fn parse(text: &str, bounds: Bounds) -> Result<Self, InvalidValue> {
        parse_number("a number", text, bounds, |&number| number)
    }

    fn text(&self) -> String {
        self.to_string()
    }

    fn numbers(&self) -> Vec<f64> {
        vec![*self]
    }
}

macro_rules! whole_numbers {
    ($($type:ty)*) => {$(
        impl Value for $type {
            fn parse(text: &str, bounds: Bounds) -> Result<Self, InvalidValue> {
                parse_number("a whole number", text, bounds, |&number: &$type| number as f64)
            }

            fn text(&self) -> String {
                self.to_string()
            }

            fn numbers(&self) -> Vec<f64> {
                vec![*self as f64]
            }
        }
    )*};
}
whole_numbers!(u32 u64);

/// A flag: the option by itself means `true`.
impl Value for bool {
    fn parse(text: &str, _: Bounds) -> Result<Self, InvalidValue> {
        let value = text.parse();
        value.map_err(|_| InvalidValue::write("true or false"))
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// Values that people write in their [`FromStr`] and [`fmt::Display`](std::fmt::Display) form.
macro_rules! written_as_text {
    ($($type:ty)*) => {$(
        impl Value for $type {
            fn parse(text: &str, _: Bounds) -> Result<Self, InvalidValue> {
                text.parse().map_err(|error| InvalidValue(format!("{error}")))
            }

            fn text(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
written_as_text!(SizeRequest Scales Init);

/// Serializes these as text. A whole number may stand for itself, as in `size = 512`.
macro_rules! serde_as_text {
    ($($type:ty)*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text_or_number(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
serde_as_text!(SizeRequest Scales Init);

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected text or a whole number")]
    enum Written {
        Number(u64),
        Text(String),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Number(number) => number.to_string(),
        Written::Text(text) => text,
    })
}
