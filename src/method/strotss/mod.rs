//! Style transfer by relaxed optimal transport and self-similarity (Kolkin, Salavon and Shakhnarovich, CVPR 2019), called STROTSS.
//!
//! At about a thousand positions of the picture, drawn anew in each iteration ([`positions`]), the pixel and the activations of
//! many layers are put one below the other: the position's [`hypercolumns`]. The style loss compares them with those of the
//! painting, and the content loss with those of the photograph. All of them are at hand as matrices with a vector in each row, of
//! which the files here are functions:
//!
//! - [`remd`] pairs each vector with the most similar one of the painting, and the other way round;
//! - [`moments`] compares means and covariances, which the former, that sees only directions, leaves free;
//! - [`palette`] pairs colors alone;
//! - [`self_similarity`] compares which positions of one picture resemble which others;
//! - [`directions`] has the cosine distance that they are made of.
//!
//! > style = remd + moments + p·palette ([`StrotssStyle`]),  content = self-similarity ([`SelfSimilarity`])
//!
//! with p = 1/max(α, 1) for a content weight α. The authors' program minimizes (α·content + style)/(α + 2), α being halved whenever
//! the picture's size is doubled, over the levels of a [`laplacian`](super::laplacian) pyramid with [`rmsprop`](super::rmsprop).
//! Its learning rate is 0.002 for pixels of 0..1, or 0.51 for 0..255, and half of that at the last size.
//!
//! # Units
//!
//! The paper's network is fed pixels of 0..1, less their mean and divided by their standard deviation, about 0.226. Here the arrays
//! of pixels are in units of 0..255 less the mean, and the activations that they cause are 255·0.226 ≈ 58 times as large. Vectors
//! have the paper's units: RGB 0..1, and activations divided by 58. What is said about moments and about the balance of pixels and
//! layers depends on this; directions do not care.
//!
//! # What differs from the authors' program
//!
//! The authors' program compares 1024 vectors of the picture with all 5000 of the painting. Here the painting's covariance is that
//! of all its vectors too, but pairs are found among 1024 of them, drawn anew in each iteration. Positions of deep layers are
//! scaled with the centers of pixels in mind ([`hypercolumns`]). Positions are drawn as pairs of row and column; the program
//! shuffles the two apart from each other.

mod content;
pub mod directions;
pub mod hypercolumns;
pub mod moments;
pub mod palette;
pub mod positions;
pub mod remd;
pub mod self_similarity;
mod style;
mod transpose;

pub use content::SelfSimilarity;
pub use positions::Sampling;
pub use style::{StrotssStyle, StrotssStyleBuilder};

use super::Scalar;

/// Added to squares of lengths and distances before the root is taken, in the units of the vectors: √ε is a quarter of a step of
/// 0..255. It keeps derivatives finite at black pixels, at activations that are all 0, and between equal vectors.
const EPSILON: f64 = 1e-6;

/// 1, −1, or 0 at 0: the derivative of |x|.
fn sign<T: Scalar>(x: T) -> T {
    if x > T::zero() {
        T::one()
    } else if x < T::zero() {
        -T::one()
    } else {
        T::zero()
    }
}
