//! Settings that may have another number for each style.

use super::bounds::Bounds;
use super::invalid::InvalidValue;
use super::value::Value;
use serde::{Deserialize, Serialize};

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
    ///
    /// # Panics
    /// If there is a list of several numbers without this one.
    pub fn of(&self, number: usize) -> f64 {
        match self {
            Self::All(value) => *value,
            Self::Each(values) if values.len() == 1 => values[0],
            Self::Each(values) => values[number],
        }
    }

    /// How many styles it is for; `None` if it is for any number.
    pub(in crate::painting) fn count(&self) -> Option<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
