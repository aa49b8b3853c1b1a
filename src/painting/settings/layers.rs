//! Layers of the network, and the weights of their losses.

use super::bounds::Bounds;
use super::invalid::InvalidValue;
use super::value::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

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
}
