//! Optimisers: each takes the pixels and the gradient, and moves the pixels downhill.

pub mod adam;

pub use adam::Adam;
