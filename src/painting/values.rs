//! The types of settings, and how people write them: as an option, or as a value in a TOML file.

use crate::files::picture::SizeRequest;
use crate::method::{Pooling, StyleLossKind};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use thiserror::Error;

use super::Scales;

/// A value that cannot be used. Displayed as what to write instead, or what the value must be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidValue(pub(super) String);

impl InvalidValue {
    fn write(what: &str) -> Self {
        Self(format!("write {what}"))
    }
}

/// The type of a setting.
pub(super) trait Value: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Whether it is a list, separated by commas.
    const LIST: bool = false;

    /// Reads what people write for it as an option. `bounds` are mentioned in the error.
    fn parse(text: &str, bounds: Bounds) -> Result<Self, InvalidValue>;

    /// What people write for it as an option.
    fn text(&self) -> String;

    /// The numbers in it, to which bounds apply.
    fn numbers(&self) -> Vec<f64> {
        Vec::new()
    }
}

/// The numbers that a setting may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    low: f64,
    high: f64,
    /// Whether `low` itself is allowed, and whether `high` is.
    inclusive: (bool, bool),
}

impl Bounds {
    /// All finite numbers.
    pub(super) const fn any() -> Self {
        Self::from_to(f64::MIN, f64::MAX)
    }

    pub(super) const fn from_to(low: f64, high: f64) -> Self {
        Self {
            low,
            high,
            inclusive: (true, true),
        }
    }

    pub(super) const fn at_least(low: f64) -> Self {
        Self::from_to(low, f64::MAX)
    }

    pub(super) const fn above(low: f64) -> Self {
        Self {
            low,
            high: f64::MAX,
            inclusive: (false, true),
        }
    }

    pub(super) const fn from_to_below(low: f64, high: f64) -> Self {
        Self {
            low,
            high,
            inclusive: (true, false),
        }
    }

    /// Whether there is any bound.
    pub fn has_ends(self) -> bool {
        !self.is_any()
    }

    /// Both ends, if there are two.
    pub fn range(self) -> Option<(f64, f64)> {
        (self.low > f64::MIN && self.high < f64::MAX).then_some((self.low, self.high))
    }

    /// Whether a number lies within.
    pub fn contain(self, number: f64) -> bool {
        let low = number > self.low || (self.inclusive.0 && number == self.low);
        let high = number < self.high || (self.inclusive.1 && number == self.high);
        low && high
    }

    fn is_any(self) -> bool {
        self == Self::any()
    }

    /// Whether they are all numbers from `low` on.
    fn is_open_ended(self) -> bool {
        self.inclusive.0 && self.high == f64::MAX
    }
}

/// `from 0 to 1`, `0 or more`, `above 0`
impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            low,
            high,
            inclusive,
        } = self;
        match inclusive {
            (false, _) => write!(f, "above {low}"),
            (true, _) if self.is_open_ended() => write!(f, "{low} or more"),
            (true, true) => write!(f, "from {low} to {high}"),
            (true, false) => write!(f, "from {low} to less than {high}"),
        }
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

/// Values that people write in their [`FromStr`] and [`fmt::Display`] form.
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
written_as_text!(SizeRequest Scales StyleLossKind OptimizerKind OriginalColors Pooling Init);

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

/// Enums that people write as one of a few names, each of which serde knows too.
macro_rules! named {
    ($($type:ident { $($variant:ident = $name:literal),* })*) => {$(
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
                    _ => Err(InvalidValue::write(&format!("one of {}", [$($name),*].join(", ")))),
                }
            }
        }
    )*};
}
named! {
    Pooling { Average = "avg", Max = "max" }
    OptimizerKind { Adam = "adam", Lbfgs = "lbfgs" }
    OriginalColors { Off = "off", Match = "match", Luminance = "luminance" }
}

/// Which optimizer changes the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam: many small steps, each with one evaluation of loss and gradient.
    Adam,
    /// L-BFGS: longer steps, each with one evaluation or a few.
    Lbfgs,
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
}

/// The first picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Init {
    /// The photograph.
    Content,
    /// Noise, uniform in −20..20 about the mean color, mixed with the photograph.
    Noise,
    /// Noise alone, uniform over all values of a pixel.
    Random,
    /// A picture file. Whoever runs the settings reads it, into [`Inputs::initial`](super::Inputs::initial).
    File(PathBuf),
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content => f.write_str("content"),
            Self::Noise => f.write_str("noise"),
            Self::Random => f.write_str("random"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for Init {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "content" => Self::Content,
            "noise" => Self::Noise,
            "random" => Self::Random,
            file => Self::File(file.into()),
        })
    }
}

/// A number for each style, or one for all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or a list of numbers")]
pub enum PerStyle {
    /// The same for all.
    All(f64),
    /// One for each, in the order of the styles.
    Each(Vec<f64>),
}

impl PerStyle {
    /// The number for style `number`, counted from 0.
    pub fn of(&self, number: usize) -> f64 {
        match self {
            Self::All(value) => *value,
            Self::Each(values) if values.len() == 1 => values[0],
            Self::Each(values) => values[number],
        }
    }

    /// How many styles it is for; `None` if it is for any number.
    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::All(_) => None,
            Self::Each(values) if values.len() == 1 => None,
            Self::Each(values) => Some(values.len()),
        }
    }
}

impl Value for PerStyle {
    const LIST: bool = true;

    fn parse(text: &str, bounds: Bounds) -> Result<Self, InvalidValue> {
        let values = text.split(',').map(|number| f64::parse(number, bounds));
        values.collect::<Result<_, _>>().map(Self::Each)
    }

    fn text(&self) -> String {
        let texts: Vec<_> = self.numbers().iter().map(f64::to_string).collect();
        texts.join(",")
    }

    fn numbers(&self) -> Vec<f64> {
        match self {
            Self::All(value) => vec![*value],
            Self::Each(values) => values.clone(),
        }
    }
}

/// A layer and the weight of its loss, written `conv4_1=3`, or `conv4_2` for the weight 1.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeight {
    /// `conv4_2` or `pool3`.
    pub layer: String,
    /// At least 0.
    pub weight: f64,
}

impl fmt::Display for LayerWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.layer, self.weight)
    }
}

impl FromStr for LayerWeight {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (layer, weight) = text.split_once('=').unwrap_or((text, "1"));
        let weight = (weight.trim().parse().ok())
            .filter(|weight: &f64| weight.is_finite() && *weight >= 0.0)
            .ok_or_else(|| {
                InvalidValue(format!(
                    "{weight:?} is not a weight: write 0 or more, as in conv4_1=3"
                ))
            })?;
        match layer.trim() {
            "" => {
                let missing = "the name of a layer is missing: write conv4_1 or conv4_1=3";
                Err(InvalidValue(missing.to_owned()))
            }
            layer => Ok(Self {
                layer: layer.to_owned(),
                weight,
            }),
        }
    }
}

/// Layers and the weights of their losses: `conv4_1=3,conv5_1` as an option, and a table in a TOML file.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers(pub Vec<LayerWeight>);

impl From<&[(&str, f64)]> for Layers {
    fn from(layers: &[(&str, f64)]) -> Self {
        let layer = |&(layer, weight): &(&str, f64)| LayerWeight {
            layer: layer.to_owned(),
            weight,
        };
        Self(layers.iter().map(layer).collect())
    }
}

impl Value for Layers {
    const LIST: bool = true;

    fn parse(text: &str, _: Bounds) -> Result<Self, InvalidValue> {
        let layers = text.split(',').map(str::parse);
        layers.collect::<Result<_, _>>().map(Self)
    }

    fn text(&self) -> String {
        let layers: Vec<_> = self.0.iter().map(LayerWeight::to_string).collect();
        layers.join(",")
    }

    fn numbers(&self) -> Vec<f64> {
        self.0.iter().map(|layer| layer.weight).collect()
    }
}

impl Serialize for Layers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|layer| (&layer.layer, layer.weight)))
    }
}

impl<'de> Deserialize<'de> for Layers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // In the order of their names, which is that of the network.
        let layers = BTreeMap::<String, f64>::deserialize(deserializer)?;
        let layers = layers
            .into_iter()
            .map(|(layer, weight)| LayerWeight { layer, weight });
        Ok(Self(layers.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_weights_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<LayerWeight>().map(|layer| layer.to_string());
        assert_eq!(read("conv4_2").unwrap(), "conv4_2=1");
        assert_eq!(read(" conv4_1 = 0.5").unwrap(), "conv4_1=0.5");
        for bad in [
            "",
            "=3",
            "conv1_1=",
            "conv1_1=x",
            "conv1_1=-1",
            "conv1_1=inf",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bounds_read_as_people_say_them_and_hold_at_their_ends() {
        let [share, decay] = [Bounds::from_to(0.0, 1.0), Bounds::from_to_below(0.0, 1.0)];
        assert_eq!(share.to_string(), "from 0 to 1");
        assert_eq!(decay.to_string(), "from 0 to less than 1");
        assert_eq!(Bounds::at_least(0.0).to_string(), "0 or more");
        assert_eq!(Bounds::above(0.0).to_string(), "above 0");
        assert!(share.contain(0.0) && share.contain(1.0) && !share.contain(1.1));
        assert!(decay.contain(0.0) && !decay.contain(1.0));
        assert!(!Bounds::above(0.0).contain(0.0) && Bounds::above(0.0).contain(1e-300));
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!Bounds::any().contain(number) && !Bounds::at_least(0.0).contain(number));
        }
    }

    #[test]
    fn numbers_for_styles_are_one_for_all_or_one_for_each() {
        let parse = |text| PerStyle::parse(text, Bounds::at_least(0.0));
        let (one, two) = (parse("2").unwrap(), parse("3,0.5").unwrap());
        assert_eq!(
            [one.of(0), one.of(7), two.of(0), two.of(1)],
            [2.0, 2.0, 3.0, 0.5]
        );
        assert_eq!((one.count(), two.count()), (None, Some(2)));
        assert_eq!(two.text(), "3,0.5");
        assert_eq!(
            parse("3,-1").unwrap_err().to_string(),
            "write a number, 0 or more"
        );
    }
}
