//! Nearest-neighbor losses: each position of the picture against the one position of the painting that is most like it.
//!
//! The losses in [`style`](super::style) compare distributions: they ask which features the picture has, and how often. Here the
//! activations of the picture at a position are a vector, and the painting is a heap of such vectors, of which the nearest is what the
//! position should become. Nearness is the cosine distance, 1 − cos, which does not see how long the vectors are.
//!
//! There are two losses, for the two phases of the method.
//! - [`NearestLoss`] looks for neighbors once. Its vectors are [`hypercolumns`](Hypercolumns), the activations of all layers side by
//!   side at a quarter of the picture's height and width. The targets then stay, so that all layers are pulled to one place of the
//!   painting.
//! - [`SplitLoss`] looks anew in each iteration, at each layer by itself, on positions drawn at random. It adds fine detail at the end.
//!
//! [`matching`] finds the neighbors, `cosine` has the distance with its derivative, and `masks` says which positions may be chosen.
//!
//! Source: Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich 2022, Neural Neighbor Style Transfer (arXiv 2203.13215),
//! sections 3 and 4.

mod cosine;
mod hypercolumns;
mod masks;
pub mod matching;
mod split;
mod split_samples;
mod targets;

pub use hypercolumns::{Hypercolumns, quarter};
pub use split::{SplitLoss, SplitLossBuilder};
pub use targets::{Candidates, NearestLoss};
