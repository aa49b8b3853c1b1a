//! How long threads spend on each step of the Winograd convolutions.

use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "cli")]
use std::time::Duration;
use std::time::Instant;

/// A step of a Winograd convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// From a picture to the tiles' points.
    InputTransforms,
    /// The matrix products: tiles times kernel.
    Products,
    /// From the products to a picture.
    OutputTransforms,
}

impl Phase {
    /// In the order in which they are computed.
    #[cfg(feature = "cli")]
    pub const ALL: [Self; 3] = [
        Self::InputTransforms,
        Self::Products,
        Self::OutputTransforms,
    ];
}

/// The time spent on each [`Phase`], summed over all threads, and how many multiply-adds the products took.
#[derive(Default)]
pub(crate) struct Phases {
    nanoseconds: [AtomicU64; 3],
    products: AtomicU64,
}

impl Phases {
    /// Runs `work` and adds the time it takes to `phase`.
    pub(super) fn measure<R>(&self, phase: Phase, work: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let result = work();
        let nanoseconds = begin.elapsed().as_nanos() as u64;
        self.nanoseconds[phase as usize].fetch_add(nanoseconds, Ordering::Relaxed);
        result
    }

    /// The time spent on each phase, in the order of [`Phase::ALL`], since this was last called.
    #[cfg(feature = "cli")]
    pub fn take(&self) -> [Duration; 3] {
        Phase::ALL.map(|phase| {
            let spent = self.nanoseconds[phase as usize].swap(0, Ordering::Relaxed);
            Duration::from_nanos(spent)
        })
    }

    /// Adds to the multiply-adds of [`Phase::Products`].
    pub(super) fn count_products(&self, multiply_adds: usize) {
        (self.products).fetch_add(multiply_adds as u64, Ordering::Relaxed);
    }

    /// Multiply-adds of [`Phase::Products`] since this was last called.
    #[cfg(feature = "cli")]
    pub fn take_products(&self) -> u64 {
        self.products.swap(0, Ordering::Relaxed)
    }
}
