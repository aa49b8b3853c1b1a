//! Compares the fast engine with the reference, with every instruction set that this machine has.

mod layers;
mod objective;
