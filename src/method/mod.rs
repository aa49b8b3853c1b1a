//! The method, as a short book: every operation, loss and optimizer in its plain form, forward beside backward, on arrays.
//!
//! Nothing here knows of vector instructions or of how memory is reused; the fast engine ([`crate::engine::fast`]) computes the same
//! and is tested against it. A reader who wants to follow a picture reads [`conv`], [`relu`] and [`pool`], of which the network is
//! made; [`gram`], [`content`], [`style`], [`strotss`], [`nearest`] and [`total_variation`], which say what is wanted of a picture; and
//! [`lbfgs`], [`adam`] or [`rmsprop`], which change it accordingly, or the [`laplacian`] pyramid of it. [`finite_difference`] is how
//! every derivative is checked.
//!
//! # Conventions
//!
//! Activations are `Array3`, height × width × channels (HWC): the channels of one position are adjacent in memory. There is no
//! batch axis: one picture at a time. Arrays must be in ndarray's standard layout; operations panic if they are not, or if
//! shapes do not fit. Every operation is generic over [`Scalar`]: `f32`, in which pictures are painted, and `f64`, in which
//! gradients are checked.
//!
//! | letter | meaning |
//! |---|---|
//! | H, W, C or N | height, width and channels of an array; N where channels are the dimensions of a distribution |
//! | M, m | positions, H·W; and the sum of their weights w, which is M without a mask |
//! | x, y, F | the input and output of an operation; the activations that a loss looks at, as a matrix M×N |
//! | G, A, P | the Gram matrix, that of the painting, the photograph's activations |
//! | μ, C | mean and covariance of the positions; μ′ and C′ are the painting's |
//! | F⁻¹, Q | in [`style::transport`]: the quantile functions of the picture and the painting |
//! | A, T, F, R, B, U | in [`style::wasserstein`]: C′^½, the map from C to C′, the centered positions, a factor of C′, F·Rᵀ and its polar factor |
//! | D, P | in [`style::projection`]: the directions, one in each row, and the projections on them |
//! | t, u, b | in [`nearest`]: a target, and vectors of the picture and of the painting, less their mean |
//!
//! For an operation y = f(x) inside a loss L, `backward` takes dL/dy and returns dL/dx. In the code these are called `dy` and
//! `dx`. The network's weights are fixed, so no gradient with respect to them is ever needed.

pub mod adam;
pub mod average;
pub mod big_array;
pub mod bilinear;
pub mod communicator;
pub mod content;
pub mod conv;
pub mod finite_difference;
pub mod gram;
pub mod laplacian;
pub mod lbfgs;
mod line_search;
pub mod loss;
pub mod matrix_root;
pub mod nearest;
mod odd_polynomial;
pub mod padding;
pub mod polar;
pub mod pool;
pub mod relu;
pub mod rmsprop;
pub(crate) mod scalar;
pub mod strotss;
pub mod style;
pub mod total_variation;

pub use adam::Adam;
pub use average::Average;
pub use big_array::BigArray;
pub use communicator::{Alone, Communicator};
pub use content::ContentLoss;
pub use laplacian::Pyramid;
pub use lbfgs::Lbfgs;
pub use loss::{JointBackward, JointForward, JointLoss, Loan, Loss, PlainProducts, Products};
pub use nearest::{NearestLoss, SplitLoss};
pub use padding::Padding;
pub use pool::Pooling;
pub use rmsprop::Rmsprop;
pub use scalar::Scalar;
pub use strotss::{SelfSimilarity, StrotssStyle};
pub use style::{GramLoss, StyleLoss, StyleLossKind};
pub use total_variation::TotalVariation;
