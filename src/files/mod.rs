//! What the program reads from files and writes to them: pictures, weights of networks, and checkpoints of runs.

pub(crate) mod atomic_file;
pub mod checkpoint;
pub mod picture;
pub mod weights;
