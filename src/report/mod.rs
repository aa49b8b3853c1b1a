//! Those who watch a run: each is handed every [`Step`](crate::stylize::Step) and makes something of it. And [`Figure`]s,
//! for those who look at several runs.

mod animation;
mod figure;
mod frames;
mod log;
mod progress;

pub use animation::{Animation, AnimationError, AnimationFile};
pub use figure::{Figure, Row};
pub use frames::{FrameSchedule, Frames};
pub use log::Log;
pub use progress::{Progress, duration};
