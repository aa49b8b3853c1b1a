//! The line search of Lewis and Overton (2013), Nonsmooth optimization via quasi-Newton methods, with a parabola where they bisect.
//!
//! With φ(t) = f(x + t d), a step t is accepted if it goes downhill enough and is long enough (the weak Wolfe conditions):
//!
//! > φ(t) ≤ φ(0) + c₁ t φ'(0)  and  φ'(t) ≥ c₂ φ'(0)
//!
//! If the first fails, t is too long; if only the second fails, too short. While no step was too long, the next trial is 2 t; then it
//! lies between the longest step that was too short and the shortest that was too long. Lewis and Overton prove that this ends for
//! functions with kinks too, such as a network of ReLUs. The second condition makes sᵀy > 0, so that L-BFGS's H stays positive
//! definite.

use super::big_array::Storage;
use super::{BigArray, Communicator, Scalar};
use serde::{Deserialize, Serialize};

/// c₁: the part of the decrease predicted by the slope that is required.
const DECREASE: f64 = 1e-4;

/// c₂: the slope must have shrunk to this part of what it was.
const CURVATURE: f64 = 0.9;

/// The most trials of one search. Once a step was too long, each trial shortens the bracket by at least a tenth.
pub const MAX_TRIALS: usize = 20;

/// How close to the ends of a bracket the next trial may be, as a part of its length.
const MARGIN: f64 = 0.1;

/// A line search that has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Serialize", deserialize = "T: Deserialize<'de>"))]
pub(super) struct LineSearch<T: Scalar> {
    /// Where it began.
    x: BigArray<T>,
    /// φ(0)
    loss: f64,
    gradient: BigArray<T>,
    /// d
    direction: BigArray<T>,
    /// φ'(0) < 0
    slope: f64,
    /// t, the step that is being evaluated.
    step: f64,
    /// The longest step that was too short, with φ and φ' there.
    too_short: (f64, f64, f64),
    /// The shortest step that was too long, with φ there.
    too_long: Option<(f64, f64)>,
    trials: usize,
}

/// What to do after a trial.
pub(super) enum Verdict {
    /// The step is accepted.
    Accept,
    /// Evaluate the next trial.
    TryNext,
    /// No step is accepted within the trials; this one goes downhill.
    EndHere,
    /// No step is accepted within the trials, and this one is too long: go back to where the search began.
    EndAtBegin,
}

impl<T: Scalar> LineSearch<T> {
    /// A search from `x`, with loss and gradient there, along a direction with this slope, beginning with this step.
    pub fn new(
        x: BigArray<T>,
        loss: f64,
        gradient: BigArray<T>,
        direction: BigArray<T>,
        slope: f64,
        step: f64,
    ) -> Self {
        Self {
            x,
            loss,
            gradient,
            direction,
            slope,
            step,
            too_short: (0.0, loss, slope),
            too_long: None,
            trials: 0,
        }
    }

    /// The same, with its arrays in this storage.
    pub fn moved_to(self, storage: &Storage) -> Self {
        Self {
            x: self.x.moved_to(storage),
            gradient: self.gradient.moved_to(storage),
            direction: self.direction.moved_to(storage),
            ..self
        }
    }

    /// Judges the trial that was evaluated, and chooses the next one if there is to be one.
    pub fn judge(
        &mut self,
        loss: f64,
        gradient: &BigArray<T>,
        world: &dyn Communicator,
    ) -> Verdict {
        let slope = inner(gradient, &self.direction, world);
        self.trials += 1;
        // ANCHOR: judge
        let low_enough = loss <= self.loss + DECREASE * self.step * self.slope;
        if !low_enough {
            self.too_long = Some((self.step, loss));
        } else if slope < CURVATURE * self.slope {
            self.too_short = (self.step, loss, slope);
        } else {
            return Verdict::Accept;
        }
        // ANCHOR_END: judge
        if self.trials < MAX_TRIALS {
            self.step = self.next_step();
            Verdict::TryNext
        } else if low_enough {
            Verdict::EndHere
        } else {
            Verdict::EndAtBegin
        }
    }

    /// Sets `x` to x + t d.
    pub fn move_to_trial(&self, x: &mut BigArray<T>) {
        x.assign(&self.x);
        x.add_scaled(self.step, &self.direction);
    }

    /// Where the search began.
    pub fn begin(&self) -> &BigArray<T> {
        &self.x
    }

    /// The loss there.
    pub fn begin_loss(&self) -> f64 {
        self.loss
    }

    /// Where the search began, the gradient there, and the direction.
    pub fn into_arrays(self) -> [BigArray<T>; 3] {
        [self.x, self.gradient, self.direction]
    }

    /// All arrays of its state.
    pub fn arrays(&self) -> [&BigArray<T>; 3] {
        [&self.x, &self.gradient, &self.direction]
    }

    fn next_step(&self) -> f64 {
        let (short, low, slope) = self.too_short;
        let Some((long, high)) = self.too_long else {
            return 2.0 * self.step;
        };
        // ANCHOR: parabola
        // The lowest point of the parabola through φ and φ' at the short end and φ at the long one.
        let width = long - short;
        let bend = high - low - slope * width;
        let lowest = -slope * width * width / (2.0 * bend);
        let lowest = if lowest.is_finite() {
            lowest
        } else {
            0.5 * width
        };
        short + lowest.clamp(MARGIN * width, (1.0 - MARGIN) * width)
        // ANCHOR_END: parabola
    }
}

/// aᵀb, of which each process has a part of the elements.
pub(super) fn inner<T: Scalar>(a: &BigArray<T>, b: &BigArray<T>, world: &dyn Communicator) -> f64 {
    world.sum_of(a.inner(b))
}
