//! The operations of style transfer, left open to be written: one file for each exercise.
//!
//! `cargo test -p exercises` says which are right, and what is wrong with the others. The README.md of this folder says how to begin.
//! All numbers are `f64`. Arrays are height × width × channels, as everywhere in impasto.

#![cfg_attr(
    not(feature = "solutions"),
    allow(unused_variables, reason = "the operands of what is not done yet")
)]

use ndarray::{Array1, Array2, Array3, Array4};

#[cfg_attr(feature = "solutions", path = "../solutions/adam.rs")]
pub mod adam;
#[cfg_attr(feature = "solutions", path = "../solutions/content_loss.rs")]
pub mod content_loss;
#[cfg_attr(feature = "solutions", path = "../solutions/convolution.rs")]
pub mod convolution;
#[cfg_attr(feature = "solutions", path = "../solutions/convolution_backward.rs")]
pub mod convolution_backward;
#[cfg_attr(feature = "solutions", path = "../solutions/gram.rs")]
pub mod gram;
#[cfg_attr(feature = "solutions", path = "../solutions/gram_loss.rs")]
pub mod gram_loss;
#[cfg_attr(feature = "solutions", path = "../solutions/iteration.rs")]
pub mod iteration;
#[cfg_attr(feature = "solutions", path = "../solutions/lbfgs.rs")]
pub mod lbfgs;
#[cfg_attr(feature = "solutions", path = "../solutions/pooling.rs")]
pub mod pooling;
#[cfg_attr(feature = "solutions", path = "../solutions/relu.rs")]
pub mod relu;
#[cfg_attr(feature = "solutions", path = "../solutions/total_variation.rs")]
pub mod total_variation;
#[cfg_attr(feature = "solutions", path = "../solutions/winograd.rs")]
pub mod winograd;

/// A convolution: its kernel (3 × 3 × Cin × Cout) and its bias (Cout).
pub type Layer = (Array4<f64>, Array1<f64>);

/// What is wanted of a picture, in the last exercise. The network is
///
/// > picture → first convolution → ReLU → average pooling → second convolution → ReLU
///
/// and the loss is the content loss at its end, plus `style_weight` times the Gram loss after the first ReLU.
pub struct Problem {
    /// The first convolution, from 3 channels.
    pub first: Layer,
    /// The second.
    pub second: Layer,
    /// P: what the photograph has at the end of the network, ⌈H/2⌉×⌈W/2⌉×C.
    pub content: Array3<f64>,
    /// A: the Gram matrix of the painting after the first ReLU, N×N. The painting has as many pixels as the picture.
    pub style: Array2<f64>,
    /// How much the style counts.
    pub style_weight: f64,
}
