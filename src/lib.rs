//! impasto paints a photograph in the style of a painting (Gatys, Ecker and Bethge 2015), on a CPU.
//!
//! There is no deep-learning framework: every operation, its backward pass, the losses and the optimizers are written here, on
//! `ndarray` and `rayon`, to be read. Each derivative is checked against finite differences.
//!
//! # Where to read
//!
//! Begin with `examples/one_iteration.rs`: the whole of one iteration on one page. Then:
//!
//! 1. [`method`] is the textbook: convolution, ReLU, pooling, the Gram matrix, the losses, L-BFGS and Adam, each with its formula,
//!    forward beside backward. It depends on nothing else but the loops of `parallel`.
//! 2. [`engine`] computes these operations. The reference engine calls the textbook; the fast one does the same with a quarter of
//!    the multiplications, on vectors ([`engine::fast`]).
//! 3. [`network`] puts them in a row, as [`vgg`] says, and [`objective`] sums the losses.
//! 4. [`gradients`] is the list of checks of every derivative in these.
//! 5. [`painting`] is a run: its settings, its plan, the loop, and those who watch it.
//! 6. [`picture`] and [`weights`] read and write files.
//! 7. `cli` is the command line, behind the feature of this name.
//!
//! Imports go in one direction: the method knows nothing of engines, the network nothing of losses, the losses nothing of
//! optimizers, and none of them of pictures or the command line. `docs/book/src/code.md` follows one pixel through all of it, and says what
//! to change to add a setting or a loss.
//!
//! # What changes
//!
//! A program that paints needs [`painting`], [`picture`] and [`weights`], and these change as seldom as possible. The other modules are
//! public to be read and tried out, and change whenever a better way is found. `tests/api/public.txt` lists all that is public; a test
//! compares it with the code, so that no change passes unnoticed.
//!
//! # Painting a picture
//!
//! ```no_run
//! use impasto::painting::{Settings, Stylization, long_edge};
//! use impasto::picture::{OutputFile, Picture};
//! use impasto::weights::{Source, Weights};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let weights = Weights::load(&Source::File("data/vgg16.safetensors".into()))?;
//! let (photo, _) = Picture::open("data/content/chelsea.jpg".as_ref())?;
//! let (painting, _) = Picture::open("data/style/starry_night.jpg".as_ref())?;
//!
//! let settings = Settings { size: long_edge(512), ..Settings::default() };
//! let painted = Stylization::of(&photo, &painting).settings(settings).run(&weights)?;
//! OutputFile::new("painted.png".as_ref())?.write(&painted.picture)?;
//! # Ok(())
//! # }
//! ```
//!
//! # A gradient
//!
//! ```
//! use impasto::method::{GramLoss, StyleLoss};
//! use ndarray::Array3;
//!
//! // Activations: height × width × channels. Pictures need not have the same size.
//! let painting = Array3::from_shape_fn((4, 6, 3), |(i, j, c)| ((i + 2 * j) * (c + 1) % 5) as f64);
//! let features = Array3::from_shape_fn((5, 5, 3), |(i, j, c)| ((3 * i + j + c) % 4) as f64);
//!
//! let (value, gradient) = GramLoss::new(&painting).value_and_gradient(&features);
//! assert!(value > 0.0);
//! assert_eq!(gradient.dim(), features.dim());
//!
//! // A small step against the gradient makes the loss smaller.
//! let nearer = &features - &(gradient * 1e-2);
//! assert!(GramLoss::new(&painting).value_and_gradient(&nearer).0 < value);
//! ```

#[cfg(feature = "cli")]
pub mod cli;
pub mod engine;
mod files;
pub mod gradients;
pub mod method;
#[cfg(feature = "mpi")]
pub mod mpi;
pub mod network;
pub mod objective;
pub mod painting;
mod parallel;
pub mod vgg;

pub use files::{AtomicFileError, picture, weights};
