//! Files that the program reads and writes: pictures, network weights, and checkpoints of runs.

pub(crate) mod atomic_file;
pub mod checkpoint;
pub mod picture;
pub mod weights;

pub use atomic_file::AtomicFileError;
