//! Tests of what is computed: derivatives, and results compared with plain computations, other engines and PyTorch.

#[path = "../common/mod.rs"]
mod common;
mod corner;
mod engines;
mod golden;
mod gradients;
mod nearest;
mod operations;
mod processes;
mod protected;
mod style_losses;
mod tiled;
mod torus;
