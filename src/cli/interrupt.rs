//! Ctrl-C: the first asks the run to end after its current iteration, the second ends the program at once.

use anyhow::Context;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a program ended by Ctrl-C exits with: 128 and the number of the signal.
pub const EXIT_CODE: u8 = 130;

/// Whether Ctrl-C was pressed.
#[derive(Clone)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Watches for Ctrl-C from now on.
    ///
    /// # Errors
    /// If the system does not let us.
    pub fn watch() -> anyhow::Result<Self> {
        let pressed = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&pressed);
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(EXIT_CODE.into());
            }
            super::say(format_args!(
                "\nending after this iteration, and keeping its picture; Ctrl-C again ends at once"
            ));
        })
        .context("Ctrl-C cannot be watched for")?;
        Ok(Self(pressed))
    }

    /// Whether it was pressed.
    pub fn pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
