//! The program, run as a user runs it. There is a file or a folder for each command.
#![cfg(all(feature = "cli", feature = "embedded-weights"))]

mod batch;
mod bench;
mod check_gradient;
mod explain;
mod help;
mod man;
mod page;
mod processes;
mod reconstruct;
mod resume;
#[cfg(feature = "studio")]
mod studio;
mod stylize;
mod texture;
mod weights;
mod workplace;
