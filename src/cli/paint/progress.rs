//! How far the run is, on the terminal's error stream.

use crate::painting::Iteration;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

/// Where there is no terminal, a line this often.
const INTERVAL: Duration = Duration::from_secs(10);

/// A bar on a terminal; elsewhere a plain line now and then.
pub enum Progress {
    /// The bar.
    Bar(ProgressBar),
    /// When the last line was printed, since the run began.
    Lines(Option<Duration>),
}

impl Progress {
    /// Shows that a run of this many iterations begins.
    pub fn new(iterations: usize) -> Self {
        if !stderr().is_terminal() {
            return Self::Lines(None);
        }
        let template = "{bar:32} {pos}/{len}  {msg}";
        let style = ProgressStyle::with_template(template).expect("a template that is fixed here");
        let bar = ProgressBar::new(iterations as u64)
            .with_style(style.progress_chars("█▉▊▋▌▍▎▏ "))
            .with_message("looking at both pictures");
        bar.tick();
        Self::Bar(bar)
    }

    /// Shows how far it is, with the loss and the time left.
    pub fn observe(&mut self, iteration: &Iteration) {
        let share =
            (iteration.iterations - iteration.iteration) as f64 / iteration.iteration as f64;
        let left = Duration::try_from_secs_f64(iteration.elapsed.as_secs_f64() * share);
        let left = left.unwrap_or(Duration::MAX);
        let loss = iteration.losses.total();
        match self {
            Self::Bar(bar) => {
                bar.set_position(iteration.iteration as u64);
                bar.set_message(format!("loss {loss:.3e}  {} left", duration(left)));
            }
            Self::Lines(last) => {
                let due =
                    last.is_none_or(|last| iteration.elapsed.saturating_sub(last) >= INTERVAL);
                if due || iteration.iteration == iteration.iterations {
                    *last = Some(iteration.elapsed);
                    // Nobody may be listening any more; that is no reason to stop.
                    let _ = writeln!(
                        stderr(),
                        "iteration {} of {}, loss {loss:.3e}, {} left",
                        iteration.iteration,
                        iteration.iterations,
                        duration(left)
                    );
                }
            }
        }
    }

    /// Does something that writes to the terminal, with the bar out of its way.
    pub fn suspend(&self, write: impl FnOnce()) {
        match self {
            Self::Bar(bar) => bar.suspend(write),
            Self::Lines(_) => write(),
        }
    }

    /// Leaves the terminal in order, with what the bar last showed.
    pub fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.abandon();
        }
    }
}

/// `1 iteration`, `2 iterations`
pub fn iterations(count: usize) -> String {
    match count {
        1 => "1 iteration".to_owned(),
        _ => format!("{count} iterations"),
    }
}

/// A duration as people say it: `8 s`, `2 min 5 s`, `1 h 3 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let say = |seconds| duration(Duration::from_secs_f64(seconds));
        assert_eq!(say(0.4), "0 s");
        assert_eq!(say(59.6), "1 min 0 s");
        assert_eq!(say(125.0), "2 min 5 s");
        assert_eq!(say(3_780.0), "1 h 3 min");
    }
}
