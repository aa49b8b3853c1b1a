//! How fast this machine paints, as measured in sketches and paintings, to tell how long the next one takes.

use crate::painting::{Effort, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much a new measurement counts beside those before.
const NEWEST: f64 = 0.3;

/// Pixels, and the seconds that an iteration with them takes.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Measured {
    pixels: f64,
    seconds: f64,
}

/// How long an iteration takes: for each way to paint, at each size where it was measured.
#[derive(Default, Serialize, Deserialize)]
pub struct Speeds(BTreeMap<String, BTreeMap<u32, Measured>>);

impl Speeds {
    /// Learns that an iteration at this many pixels took some seconds.
    pub fn learn(&mut self, settings: &Settings, pixels: u64, seconds: f64) {
        let new = Measured {
            pixels: pixels as f64,
            seconds,
        };
        // Sizes that differ little are taken for one, so that there are few.
        let size = pixels.max(1).ilog2();
        let known = self
            .0
            .entry(way(settings))
            .or_default()
            .entry(size)
            .or_insert(new);
        known.pixels += NEWEST * (new.pixels - known.pixels);
        known.seconds += NEWEST * (new.seconds - known.seconds);
    }

    /// Seconds that an iteration at this many pixels takes, about; `None` if nothing like it was measured.
    ///
    /// Between two sizes that were measured, and beyond the largest, the time is a linear function of the pixels.
    fn of_iteration(&self, settings: &Settings, pixels: u64) -> Option<f64> {
        let known: Vec<Measured> = self.0.get(&way(settings))?.values().copied().collect();
        let pixels = pixels as f64;
        let above = known
            .iter()
            .position(|known| known.pixels >= pixels)
            .unwrap_or(known.len().checked_sub(1)?);
        let [a, b] = [known[above.saturating_sub(1)], known[above]];
        let proportional = b.seconds * pixels / b.pixels;
        if a.pixels == b.pixels {
            return Some(proportional);
        }
        let slope = (b.seconds - a.seconds) / (b.pixels - a.pixels);
        let linear = b.seconds + slope * (pixels - b.pixels);
        // More pixels never take less time, nor more than in proportion. Noise must not make a much larger picture cost the same.
        let least = if pixels > b.pixels {
            b.seconds.max(0.5 * proportional)
        } else {
            proportional
        };
        Some(linear.clamp(least, proportional.max(b.seconds)))
    }

    /// Seconds that the iterations of a run after the first `done` take, about.
    pub fn left(&self, settings: &Settings, effort: &Effort, done: usize) -> Option<f64> {
        let mut done = done;
        let mut left = 0.0;
        for &(pixels, iterations) in &effort.stages {
            let of_stage = iterations.saturating_sub(done);
            done = done.saturating_sub(iterations);
            if of_stage > 0 {
                left += of_stage as f64 * self.of_iteration(settings, pixels)?;
            }
        }
        Some(left)
    }
}

/// What the time of an iteration depends on, besides the number of pixels.
fn way(settings: &Settings) -> String {
    let Settings {
        method,
        style_loss,
        optimizer,
        parameters,
        rotations,
        ..
    } = settings;
    format!(
        "{method} {} {optimizer} {parameters} {rotations}",
        style_loss.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_run_is_told_from_the_nearest_sizes_that_were_measured() {
        let settings = Settings::default();
        let effort = Effort {
            stages: vec![(1000, 10), (4000, 5)],
            bytes: 0,
        };
        let mut speeds = Speeds::default();
        let left = |speeds: &Speeds, done| speeds.left(&settings, &effort, done);
        assert_eq!(left(&speeds, 0), None);
        speeds.learn(&settings, 1000, 0.1);
        assert!((left(&speeds, 0).unwrap() - 3.0).abs() < 1e-9);
        speeds.learn(&settings, 2000, 0.15);
        assert!(
            (left(&speeds, 0).unwrap() - 2.25).abs() < 1e-9,
            "linear beyond the largest"
        );
        assert!((left(&speeds, 12).unwrap() - 0.75).abs() < 1e-9);
        let other = Settings {
            method: crate::painting::Method::Nearest,
            ..settings.clone()
        };
        assert_eq!(speeds.left(&other, &effort, 0), None);
    }
}
