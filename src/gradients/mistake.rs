//! Mistakes in a gradient, which a check must notice.

use ndarray::Array3;

/// A mistake, made on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// All elements too large by three millionths.
    Factor,
    /// The largest element too large by a ten-thousandth.
    Element,
    /// The largest element has the wrong sign.
    Sign,
    /// The largest element and the smallest have changed places.
    Exchange,
    /// The largest element is not a number.
    Nan,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Factor,
        Self::Element,
        Self::Sign,
        Self::Exchange,
        Self::Nan,
    ];

    /// Its name, as in `impasto check-gradient --sabotage sign`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Factor => "factor",
            Self::Element => "element",
            Self::Sign => "sign",
            Self::Exchange => "exchange",
            Self::Nan => "nan",
        }
    }

    /// What is wrong then, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Factor => "all elements are too large by three millionths",
            Self::Element => "the largest element is too large by a ten-thousandth",
            Self::Sign => "the largest element has the wrong sign",
            Self::Exchange => "the largest element and the smallest have changed places",
            Self::Nan => "the largest element is not a number",
        }
    }

    /// Makes the mistake. A gradient of zeros or of a single element has nothing that could be scaled or exchanged, and stays right.
    pub fn make(self, gradient: &mut Array3<f64>) {
        let indexed = || gradient.indexed_iter().map(|(at, g)| (at, g.abs()));
        let largest = indexed().max_by(|a, b| a.1.total_cmp(&b.1));
        let smallest = indexed().min_by(|a, b| a.1.total_cmp(&b.1));
        let (Some((largest, _)), Some((smallest, _))) = (largest, smallest) else {
            return;
        };
        match self {
            Self::Factor => *gradient *= 1.0 + 3e-6,
            Self::Element => gradient[largest] *= 1.0 + 1e-4,
            Self::Sign => gradient[largest] *= -1.0,
            Self::Exchange => gradient.swap(largest, smallest),
            Self::Nan => gradient[largest] = f64::NAN,
        }
    }
}
