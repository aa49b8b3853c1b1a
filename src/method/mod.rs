//! The method, as a short book: every operation, loss and optimizer in its plain form, forward beside backward, on arrays.
//!
//! Nothing here knows of vector instructions, buffers or masks; the fast engine ([`crate::engine::fast`]) computes the same and
//! is tested against it. A reader who wants to follow a picture reads [`conv`], [`relu`] and [`pool`], of which the network is
//! made; [`gram`], [`content`], [`style`] and [`total_variation`], which say what is wanted of a picture; and [`lbfgs`] or
//! [`adam`], which change it accordingly. [`finite_difference`] is how every derivative is proved.
//!
//! # Conventions
//!
//! Activations are `Array3`, height × width × channels (HWC): the channels of one position are adjacent in memory. There is no
//! batch axis: one picture at a time. Arrays must be in ndarray's standard layout; operations panic if they are not, or if
//! shapes do not fit. Every operation is generic over [`Scalar`]: `f32`, in which pictures are painted, and `f64`, in which
//! gradients are checked.
//!
//! For an operation y = f(x) inside a loss L, `backward` takes dL/dy and returns dL/dx. In the code these are called `dy` and
//! `dx`. The network's weights are fixed, so no gradient with respect to them is ever needed.

pub mod adam;
pub mod average;
pub mod content;
pub mod conv;
pub mod finite_difference;
pub mod gram;
pub mod lbfgs;
mod line_search;
pub mod loss;
pub mod padding;
pub mod pool;
pub mod relu;
pub(crate) mod scalar;
pub mod style;
pub mod total_variation;

pub use adam::Adam;
pub use average::Average;
pub use content::ContentLoss;
pub use lbfgs::Lbfgs;
pub use loss::{Loss, PlainProducts, Products};
pub use padding::Padding;
pub use pool::Pooling;
pub use scalar::Scalar;
pub use style::{GramLoss, StyleLoss, StyleLossKind};
pub use total_variation::TotalVariation;
