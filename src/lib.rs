//! impasto paints a photograph in the style of a painting (Gatys, Ecker and Bethge 2015), on a CPU.
//!
//! No deep-learning framework: every operation, its backward pass, the losses and the optimiser are written here by hand, on
//! `ndarray` and `rayon`, to be read. Each derivative is proved by finite differences.
//!
//! # The tour
//!
//! A picture's way through one iteration, in the order in which to read:
//!
//! 1. [`picture`]: a file becomes an array H×W×3 of RGB values less the mean.
//! 2. [`vgg`]: the network's architecture, as data. [`weights`]: what it has learnt, from a file.
//! 3. [`ops`]: convolution ([`ops::conv`]), ReLU ([`ops::relu`]) and pooling ([`ops::pool`]), each with forward and backward
//!    side by side; the Gram matrix ([`ops::gram`]), in which style is caught; or all that a layer has seen, from one side after
//!    the other ([`ops::project`], [`ops::transport`]).
//! 4. [`network`]: those operations in a row, forward from the pixels and backward to them.
//! 5. [`loss`]: what is minimised: content, style ([`loss::style`]: by one statistic or another) and total variation, and their
//!    gradients.
//! 6. [`optimize`]: the pixels move downhill.
//! 7. [`stylize`]: the loop around it all. [`report`]: those who watch it.
//!
//! There are two engines: the reference, plain matrix products, which is the one to read first ([`ops::conv::im2col`]); and the
//! fast one, which does the same with a quarter of the multiplications ([`ops::conv::winograd`]) on vectors of whatever width
//! the CPU has ([`kernels`]), in memory that it uses again and again ([`ops::workspace`]).
//!
//! [`finite_difference`] is how each derivative is proved; `tests/numerics/gradients.rs` does it.
//!
//! Data moves one way: the network knows nothing of losses, the losses nothing of optimisers, the optimisers nothing of
//! pictures, and none of them of the command line.
//!
//! # Example
//!
//! Painting a picture, with the weights from the project's `data/` folder:
//!
//! ```no_run
//! use impasto::picture::{OutputFile, Picture};
//! use impasto::stylize::{Inputs, Settings, Stylization};
//! use impasto::weights::{Source, Weights};
//! use std::ops::ControlFlow;
//! use std::path::Path;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let weights = Weights::load(&Source::File("data/vgg16.safetensors".into()))?;
//! let (photograph, _) = Picture::open(Path::new("data/content/chelsea.jpg"))?;
//! let (painting, _) = Picture::open(Path::new("data/style/starry_night.jpg"))?;
//! let output = OutputFile::new(Path::new("painted.png"))?;
//!
//! let pictures = Inputs::pair(photograph, painting);
//! let run = Stylization::new(&weights, &pictures, &Settings::classic())?;
//! let painted = run.run(|step| {
//!     println!("{}: {:e}", step.iteration, step.losses.total());
//!     ControlFlow::Continue(())
//! })?;
//! output.write(&painted.picture)?;
//! # Ok(())
//! # }
//! ```
//!
//! And one operation, by itself:
//!
//! ```
//! use impasto::ops::gram;
//! use impasto::ops::workspace::Workspace;
//! use ndarray::Array3;
//!
//! // Two positions, three channels.
//! let activations = Array3::from_shape_vec((1, 2, 3), vec![1.0, 0.0, 2.0, 0.0, 3.0, 1.0])?;
//! let g = gram::forward(&activations, &Workspace::default());
//! assert_eq!(g[[1, 1]], 9.0); // the second channel with itself
//! assert_eq!(g[[0, 2]], 2.0); // the first with the third
//! # Ok::<(), ndarray::ShapeError>(())
//! ```

mod files;
pub mod finite_difference;
pub mod kernels;
pub mod loss;
pub mod network;
pub mod ops;
pub mod optimize;
pub mod report;
pub mod stylize;
pub mod vgg;

pub use files::{AtomicFileError, checkpoint, picture, weights};

/// What the system says is wrong, without its error number: "no such file or directory".
pub(crate) fn os_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
