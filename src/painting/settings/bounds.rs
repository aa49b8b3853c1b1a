//! The numbers that a setting may have.

use std::fmt;

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
    pub const fn any() -> Self {
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

    /// Whether a number lies within.
    pub fn contain(self, number: f64) -> bool {
        let low = number > self.low || (self.inclusive.0 && number == self.low);
        let high = number < self.high || (self.inclusive.1 && number == self.high);
        low && high
    }

    /// The least number and the greatest, if there are any.
    #[cfg(feature = "studio")]
    pub(crate) fn ends(self) -> (Option<f64>, Option<f64>) {
        let (low, high) = (self.low, self.high);
        (
            (low > f64::MIN).then_some(low),
            (high < f64::MAX).then_some(high),
        )
    }

    pub(super) fn is_any(self) -> bool {
        self == Self::any()
    }

    /// Whether they are all numbers from `low` on.
    pub(super) fn is_open_ended(self) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
