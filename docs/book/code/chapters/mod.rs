//! The chapters that have figures or numbers, each a module of the name of its text in `src/learn/`.

use crate::drawings::Drawings;
use anyhow::Result;

mod determinism;
mod engine;
mod methods;
mod optimizers;
mod scales;
mod tiles;
mod tutorials;

/// A chapter with figures or numbers.
pub struct Chapter {
    /// The name of its text in `src/learn/`, without `.md`.
    pub name: &'static str,
    /// Draws its figures and measures its numbers.
    pub draw: fn(&mut Drawings) -> Result<()>,
}

/// The chapters, in the order of the book.
pub const CHAPTERS: &[Chapter] = &[
    Chapter {
        name: "optimizers",
        draw: optimizers::draw,
    },
    Chapter {
        name: "scales",
        draw: scales::draw,
    },
    Chapter {
        name: "methods",
        draw: methods::draw,
    },
    Chapter {
        name: "engine",
        draw: engine::draw,
    },
    Chapter {
        name: "determinism",
        draw: determinism::draw,
    },
    Chapter {
        name: "tiles",
        draw: tiles::draw,
    },
    Chapter {
        name: "tutorials",
        draw: tutorials::draw,
    },
];
