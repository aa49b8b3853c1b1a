//! The chapters that have figures or numbers, each a module of the name of its text in `src/learn/`.

mod gram;
mod losses;

use crate::drawings::Drawings;
use anyhow::Result;

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
        name: "gram",
        draw: gram::draw,
    },
    Chapter {
        name: "losses",
        draw: losses::draw,
    },
];
