//! The program, run as a user runs it.
#![cfg(feature = "embedded-weights")]

mod animations;
mod batch;
mod explain;
mod interrupt;
mod painting;
mod refusals;
mod resume;
mod styles;
mod weights_command;
mod workplace;
