//! Ctrl-C: the first one asks the run to end after its current iteration, the second one ends the program at once.

use anyhow::Context;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The exit code of a program that Ctrl-C ends: 128 plus the number of the signal.
pub const EXIT_CODE: u8 = 130;

/// Signals closer together than this count as one: some programs send a signal to the process and to its group as well.
const DEBOUNCE: Duration = Duration::from_secs(1);

/// When Ctrl-C was first pressed, if it was.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Mutex<Option<Instant>>>);

impl Interrupt {
    /// Watches for Ctrl-C from now on, and calls `first` when it is pressed for the first time.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn watch(first: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        let interrupt = Self(Arc::default());
        let watched = interrupt.clone();
        ctrlc::set_handler(move || match watched.since() {
            None => {
                *watched.0.lock().expect("nothing panics while it is held") = Some(Instant::now());
                first();
            }
            Some(time) if time < DEBOUNCE => {}
            Some(_) => std::process::exit(EXIT_CODE.into()),
        })
        .context("Ctrl-C cannot be watched for")?;
        Ok(interrupt)
    }

    /// Whether it was pressed.
    pub fn pressed(&self) -> bool {
        self.since().is_some()
    }

    /// How long ago it was first pressed.
    fn since(&self) -> Option<Duration> {
        let first = self.0.lock().expect("nothing panics while it is held");
        first.map(|time| time.elapsed())
    }
}
