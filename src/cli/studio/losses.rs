//! The loss curves of a run, thinned out so that a long one takes no more than a short one.

use crate::objective::Losses;
use serde::Serialize;

/// The most points of a curve.
const MAX_POINTS: usize = 1000;

/// Iteration, total, content, style, smoothness.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point(pub usize, f64, f64, f64, f64);

/// The loss curves of a run.
#[derive(Default)]
pub struct Curves {
    pub points: Vec<Point>,
    /// Of how many iterations one is kept.
    step: usize,
    /// How often points were thinned out: what was sent before is no longer the same.
    pub generation: u64,
}

impl Curves {
    pub fn push(&mut self, iteration: usize, losses: &Losses) {
        self.step = self.step.max(1);
        if !iteration.is_multiple_of(self.step) && iteration > 1 {
            return;
        }
        let Losses {
            content, style, tv, ..
        } = *losses;
        self.points
            .push(Point(iteration, losses.total(), content, style, tv));
        if self.points.len() > MAX_POINTS {
            self.step *= 2;
            let step = self.step;
            self.points
                .retain(|point| point.0.is_multiple_of(step) || point.0 == 1);
            self.generation += 1;
        }
    }
}
