//! Observers of a run: each is shown every [`Step`](super::Step).

mod frames;
mod log;

pub use frames::{FrameSchedule, Frames, InvalidSchedule};
pub use log::Log;
