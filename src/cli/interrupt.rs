//! Ctrl-C: the first asks the run to end after its current iteration, the second ends the program at once.

use anyhow::Context;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a program ended by Ctrl-C exits with: 128 and the number of the signal.
pub const EXIT_CODE: u8 = 130;

/// Signals closer together than this are one wish: some programs send theirs to the process and to its group as well.
const ONE_WISH: Duration = Duration::from_secs(1);

/// When Ctrl-C was first pressed, if it was.
#[derive(Clone)]
pub struct Interrupt(Arc<Mutex<Option<Instant>>>);

impl Interrupt {
    /// Watches for Ctrl-C from now on, and calls `first` when it is pressed for the first time.
    ///
    /// # Errors
    /// If the system does not let us.
    pub fn watch(first: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        let interrupt = Self(Arc::default());
        let watched = interrupt.clone();
        ctrlc::set_handler(move || match watched.since() {
            None => {
                *watched.0.lock().expect("nothing panics while it is held") = Some(Instant::now());
                first();
            }
            Some(time) if time < ONE_WISH => {}
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
