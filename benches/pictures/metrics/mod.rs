//! What is measured of a painted picture: how near it is to the painting's style and to the photograph's content.
//!
//! A [`Judge`] has the network. A [`Reference`] is what it knows of a photograph and a painting; [`Reference::measure`] compares a
//! painted picture with them.
//!
//! # Style, between 0 and 1
//!
//! A distance between two sets of positions depends on how many positions there are, most of all where a layer has more channels than
//! positions. So every distance is taken between halves: the black fields of one picture's [chessboard](halves), and the white fields
//! of the other's, and the other way round; the distance is the mean of the two. The *floor* is that of the painting and itself, that
//! is, of its two halves. The *ceiling* is that of the photograph and the painting. The score of a distance d is
//!
//! > (d - floor) / (ceiling - floor)
//!
//! 0 for the painting, and 1 for the photograph. It is below 0 where a picture repeats the painting's distribution more evenly than the
//! painting itself does, and above 1 where it is farther from it than the photograph.
//!
//! No method minimizes these distances themselves. The network sees the pictures mirrored, so that no activation is one that a
//! method computed, and with the maximum poolings that VGG was trained with.

pub mod content;
pub mod eigenvalues;
pub mod features;
pub mod gaussian;
pub mod halves;
pub mod hatch;
pub mod palette;
pub mod sliced;

use features::{Extractor, Maps};
use gaussian::Gaussian;
use halves::halves;
use impasto::picture::Picture;
use impasto::weights::Weights;
use serde::{Deserialize, Serialize};
use sliced::Quantiles;

/// Changes whenever a measurement does, so that older ones are not kept.
pub const VERSION: u32 = 2;

/// The layers whose activations the style scores compare.
pub const STYLE_LAYERS: [&str; 5] = ["conv1_2", "conv2_2", "conv3_2", "conv4_3", "conv5_2"];

/// What is known of one painted picture. Everything is better when it is smaller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The scores of the Wasserstein distance between Gaussians at [`STYLE_LAYERS`].
    pub gaussian: Vec<f64>,
    /// The scores of the sliced Wasserstein distance there.
    pub sliced: Vec<f64>,
    /// The score of the sliced Wasserstein distance of the colors, in OkLab.
    pub palette: f64,
    /// How much the similarities between positions differ from the photograph's: 0 to 2.
    pub self_similarity: f64,
    /// The mean squared error at conv4_2 over the photograph's variance there.
    pub content_error: f64,
    /// The energy of fine detail where the photograph is flat, over that of the painting: waves of 2 to 4 pixels, and of 4 to 8.
    /// `None` if it is flat nowhere.
    pub hatch: [Option<f64>; 2],
    /// The same of the photograph itself.
    pub hatch_of_photograph: [Option<f64>; 2],
}

impl Metrics {
    /// The mean of the Gaussian scores.
    pub fn style_gaussian(&self) -> f64 {
        mean(&self.gaussian)
    }

    /// The mean of the sliced scores.
    pub fn style_sliced(&self) -> f64 {
        mean(&self.sliced)
    }
}

/// The mean of some numbers; not a number if there are none.
pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Measures pictures with a network.
pub struct Judge(Extractor);

impl Judge {
    /// A judge with the network of these weights.
    pub fn new(weights: &Weights) -> Self {
        Self(Extractor::new(weights))
    }

    /// What is known of a photograph and a painting, each in the size in which a method saw it.
    pub fn reference(&self, photograph: Picture, painting: Picture) -> Reference<'_> {
        let maps = self.0.maps(&photograph);
        let style = Style::of(&self.0.maps(&painting), &painting);
        let ceiling = style.distances(&Style::of(&maps, &photograph));
        Reference {
            extractor: &self.0,
            floor: style.distances(&style),
            ceiling,
            style,
            maps,
            photograph,
            painting,
        }
    }
}

/// A photograph and a painting, to measure painted pictures against.
pub struct Reference<'a> {
    extractor: &'a Extractor,
    photograph: Picture,
    painting: Picture,
    /// The photograph's activations.
    maps: Maps,
    /// The painting's distributions.
    style: Style,
    floor: Distances,
    ceiling: Distances,
}

impl Reference<'_> {
    /// Measures a painted picture of the photograph's size.
    ///
    /// # Panics
    /// If it has another size.
    pub fn measure(&self, painted: &Picture) -> Metrics {
        assert_eq!(
            painted.size(),
            self.photograph.size(),
            "the size of the photograph"
        );
        let maps = self.extractor.maps(painted);
        let distances = self.style.distances(&Style::of(&maps, painted));
        let all = |which: fn(&Distances) -> &[f64]| {
            let (floor, ceiling) = (which(&self.floor), which(&self.ceiling));
            let scores = which(&distances).iter().zip(floor.iter().zip(ceiling));
            scores.map(|(&d, (&floor, &ceiling))| (d - floor) / (ceiling - floor))
        };
        let hatch = |picture| hatch::ratios(picture, &self.photograph, &self.painting);
        Metrics {
            gaussian: all(|d| &d.gaussian).collect(),
            sliced: all(|d| &d.sliced).collect(),
            palette: all(|d| std::slice::from_ref(&d.palette)).sum(),
            self_similarity: content::self_similarity(&self.maps, &maps),
            content_error: content::error(&self.maps, &maps),
            hatch: hatch(painted),
            hatch_of_photograph: hatch(&self.photograph),
        }
    }
}

/// The distributions of a picture's activations and colors, in each of its halves.
struct Style {
    /// By layer.
    gaussian: Vec<[Gaussian; 2]>,
    sliced: Vec<[Quantiles; 2]>,
    palette: [Quantiles; 2],
}

/// Distances between two pictures.
struct Distances {
    gaussian: Vec<f64>,
    sliced: Vec<f64>,
    palette: f64,
}

impl Style {
    fn of(maps: &Maps, picture: &Picture) -> Self {
        let layers = STYLE_LAYERS.map(|layer| halves(maps.of(layer)));
        Self {
            gaussian: layers
                .iter()
                .map(|l| l.each_ref().map(Gaussian::of))
                .collect(),
            sliced: layers
                .iter()
                .map(|l| l.each_ref().map(Quantiles::of))
                .collect(),
            palette: halves(&palette::oklab(picture))
                .each_ref()
                .map(Quantiles::of),
        }
    }

    fn distances(&self, other: &Self) -> Distances {
        Distances {
            gaussian: (self.gaussian.iter().zip(&other.gaussian))
                .map(|(a, b)| across(a, b, Gaussian::distance))
                .collect(),
            sliced: (self.sliced.iter().zip(&other.sliced))
                .map(|(a, b)| across(a, b, Quantiles::distance))
                .collect(),
            palette: across(&self.palette, &other.palette, Quantiles::distance),
        }
    }
}

/// The mean distance of each half to the other half of the other picture.
fn across<T>(a: &[T; 2], b: &[T; 2], distance: fn(&T, &T) -> f64) -> f64 {
    (distance(&a[0], &b[1]) + distance(&a[1], &b[0])) / 2.0
}
