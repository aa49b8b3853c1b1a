//! Those who watch a run: each is handed every [`Step`](crate::stylize::Step) and makes something of it.

mod animation;
mod frames;
mod log;
mod progress;

pub use animation::{Animation, AnimationFile};
pub use frames::{FrameSchedule, Frames};
pub use log::Log;
pub use progress::{Progress, duration};
