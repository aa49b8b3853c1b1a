//! Optimisers: each takes the pixels, the loss and the gradient, and moves the pixels downhill.

pub mod adam;
pub mod average;
pub mod lbfgs;

pub use adam::Adam;
pub use average::Average;
pub use lbfgs::Lbfgs;
