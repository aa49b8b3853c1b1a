//! Observers of a run: each is shown every [`Iteration`](super::Iteration).

mod frames;
mod log;

pub use frames::{FrameSchedule, Frames, InvalidSchedule};
pub use log::Log;
