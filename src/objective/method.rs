//! Ways to compare a picture with a photograph and paintings.

use ndarray::Array3;
use serde::{Deserialize, Serialize};

/// Which losses an objective is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Each layer by itself: the content loss, and a style loss (Gatys, Ecker and Bethge 2015).
    #[default]
    Layers,
    /// Vectors of all layers at random positions: optimal transport and self-similarity (Kolkin, Salavon and Shakhnarovich 2019).
    Strotss,
    /// The painting's nearest vector of all layers at each position (Kolkin et al. 2022).
    Nearest,
}

/// What a [`Method`] needs beside photograph and paintings.
#[derive(Clone, Copy, Debug, Default)]
pub enum Compared<'a, T> {
    /// [`Method::Layers`]
    #[default]
    Layers,
    /// [`Method::Strotss`]
    Strotss {
        /// Of the random positions.
        seed: u64,
        /// How much the distribution of colors counts beside that of the vectors.
        palette_weight: f64,
    },
    /// [`Method::Nearest`], with targets that do not change.
    Nearest {
        /// The picture (H×W×3) whose vectors are matched with the painting's.
        matched: &'a Array3<T>,
        /// Whether paintings are turned by 90°, 180° and 270° as well.
        rotations: bool,
    },
    /// [`Method::Nearest`], in which each layer is matched by itself, and anew in each iteration.
    Split {
        /// Whether paintings are turned by 90°, 180° and 270° as well.
        rotations: bool,
    },
}
