//! The numbers: derivatives, and one way of computing against another.

#[path = "../common/mod.rs"]
mod common;
mod engines;
mod golden;
mod gradients;
mod operations;
mod style_losses;
mod torus;
