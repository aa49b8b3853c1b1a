//! Paints small: a sketch, or a variant, in the few seconds that somebody waits for one.

use super::jpeg::jpeg;
use super::studio::Studio;
use crate::cli::paint::{Painter, break_if};
use crate::files::picture::SizeRequest;
use crate::painting::{Inputs, Iteration, OptimizerKind, Settings, Stylization};
use rayon::ThreadPool;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The long edge of a sketch, in pixels.
const EDGE: u32 = 192;
/// Seconds that the iterations of a sketch may take.
const BUDGET: f64 = 3.6;
/// The share of its iterations that a sketch takes if nothing like it was measured, to measure it.
const FIRST: f64 = 0.03;
/// How much longer the steps of a sketch may be that takes fewer of them.
const LONGEST_STEPS: f64 = 8.0;
/// How often it is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(300);

/// Paints small.
pub struct SmallPainter {
    pub studio: Arc<Studio>,
    pub painter: Painter,
    pub threads: ThreadPool,
}

impl SmallPainter {
    /// Paints with the settings of a sketch. `show` is given pictures and how far it is, and returns whether to go on. Returns whether it
    /// was painted to its end.
    pub fn paint(
        &mut self,
        settings: &Settings,
        inputs: Inputs,
        show: impl Fn(Vec<u8>, f64) -> bool + Send + Sync,
    ) -> anyhow::Result<bool> {
        let network = self.studio.network.clone();
        let stylization = Stylization::new(inputs).engine(network.machine.engine()?);
        let begin = Instant::now();
        // Where nothing like it was measured, a few iterations measure it first.
        for attempt in 0..2 {
            let planned = stylization.clone().settings(settings.clone());
            let effort = self
                .painter
                .prepare_run(&planned, &network, &self.threads)?
                .effort();
            let left = self.studio.speeds().left(settings, &effort, 0);
            let budget = BUDGET - begin.elapsed().as_secs_f64();
            let share = left.map_or(FIRST, |left| (budget / left).clamp(FIRST, 1.0));
            let planned = stylization.clone().settings(shortened(settings, share));
            let run = self
                .painter
                .prepare_run(&planned, &network, &self.threads)?;
            let (mut shown, mut go_on) = (Instant::now(), true);
            let studio = &self.studio;
            let watch = |iteration: &Iteration| {
                studio.measure(settings, iteration);
                let late = begin.elapsed().as_secs_f64() > 1.2 * BUDGET;
                if shown.elapsed() >= SHOWN_EVERY {
                    shown = Instant::now();
                    let share = iteration.iteration as f64 / iteration.iterations as f64;
                    go_on = show(jpeg(&iteration.picture(), EDGE), share);
                }
                break_if(late || !go_on)
            };
            let painted = self.threads.install(|| run.run(watch))?;
            if !go_on {
                return Ok(false);
            }
            if !show(jpeg(&painted.picture.to_picture(), EDGE), 1.0) {
                return Ok(false);
            }
            if attempt > 0 || left.is_some() {
                break;
            }
        }
        Ok(true)
    }
}

/// The settings of a sketch.
pub fn small(settings: &Settings) -> Settings {
    let size = match settings.size {
        SizeRequest::LongEdge(edge) => SizeRequest::LongEdge(edge.min(EDGE)),
        SizeRequest::Exact(size) => {
            let long = size.width.max(size.height);
            let smaller = SizeRequest::LongEdge(long.min(EDGE)).of(size);
            SizeRequest::Exact(smaller)
        }
    };
    Settings {
        size,
        ..settings.clone()
    }
}

/// The same with this share of the iterations. Steps whose length is set are longer, so that they lead as far, and the mean of the pictures
/// is taken over as large a part of them.
fn shortened(settings: &Settings, share: f64) -> Settings {
    let some = |iterations: u32| (f64::from(iterations) * share).ceil() as u32;
    let longer = match settings.optimizer {
        OptimizerKind::Lbfgs => 1.0,
        OptimizerKind::Adam | OptimizerKind::Rmsprop => (1.0 / share).min(LONGEST_STEPS),
    };
    Settings {
        learning_rate: longer * settings.learning_rate,
        average: settings.average.powf(1.0 / share),
        iterations: some(settings.iterations).max(1),
        finer_iterations: some(settings.finer_iterations),
        split_iterations: some(settings.split_iterations),
        ..settings.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::picture::Size;
    use crate::painting::Recipe;

    #[test]
    fn a_sketch_is_small_in_the_aspect_that_was_asked_for() {
        let asked = |size: &str| {
            let size = size.parse().unwrap();
            small(&Settings {
                size,
                ..Settings::default()
            })
            .size
            .to_string()
        };
        assert_eq!(asked("2048"), "192");
        assert_eq!(asked("100"), "100");
        assert_eq!(asked("666x500"), "192x144");
        let square = Size {
            width: 300,
            height: 300,
        };
        assert_eq!(SizeRequest::LongEdge(192).of(square).to_string(), "192x192");
    }

    #[test]
    fn fewer_steps_of_adam_are_longer_and_those_of_lbfgs_are_not() {
        let of = |preset| Recipe::preset(preset).unwrap().settings();
        let (patient, default) = (of("crowsonkb"), of("default"));
        let quarter = shortened(&patient, 0.25);
        assert_eq!((quarter.iterations, quarter.finer_iterations), (250, 125));
        assert!((quarter.learning_rate - 4.0 * patient.learning_rate).abs() < 1e-12);
        assert!((quarter.average - patient.average.powi(4)).abs() < 1e-12);
        assert_eq!(
            shortened(&default, 0.25).learning_rate,
            default.learning_rate
        );
        assert_eq!(shortened(&default, 1e-9).iterations, 1);
    }
}
