//! The chapters that have figures or numbers, each a module of the name of its text in `src/learn/`.

mod backward;
mod convolution;
mod determinism;
mod engine;
mod gram;
mod losses;
mod methods;
mod network;
mod one_iteration;
mod optimizers;
mod relu_and_pooling;
mod scales;
mod tiles;
mod tutorials;

use crate::drawings::Drawings;
use anyhow::Result;

/// A chapter with figures or numbers.
pub struct Chapter {
    /// The name of its text in `src/learn/`, without `.md`.
    pub name: &'static str,
    /// Draws its figures and measures its numbers.
    pub draw: fn(&mut Drawings) -> Result<()>,
}

impl Chapter {
    const fn new(name: &'static str, draw: fn(&mut Drawings) -> Result<()>) -> Self {
        Self { name, draw }
    }
}

/// The chapters, in the order of the book.
pub const CHAPTERS: &[Chapter] = &[
    Chapter::new("one-iteration", one_iteration::draw),
    Chapter::new("network", network::draw),
    Chapter::new("convolution", convolution::draw),
    Chapter::new("relu-and-pooling", relu_and_pooling::draw),
    Chapter::new("backward", backward::draw),
    Chapter::new("gram", gram::draw),
    Chapter::new("losses", losses::draw),
    Chapter::new("optimizers", optimizers::draw),
    Chapter::new("scales", scales::draw),
    Chapter::new("methods", methods::draw),
    Chapter::new("engine", engine::draw),
    Chapter::new("determinism", determinism::draw),
    Chapter::new("tiles", tiles::draw),
    Chapter::new("tutorials", tutorials::draw),
];
