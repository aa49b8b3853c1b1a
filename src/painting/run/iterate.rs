//! The loop of a run: evaluate the losses, take a step, call the observer; at one size after the other.

use super::super::enlarge::{enlarged, resized};
use super::super::{StylizeError, border};
use super::objective::StageObjective;
use super::{Painting, Run, State};
use crate::files::picture::{Picture, Size};
use crate::method::BigArray;
use crate::method::big_array::Storage;
use crate::method::bilinear;
use crate::objective::Losses;
use ndarray::Array3;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// What is known after an iteration.
pub struct Iteration<'a> {
    /// The number of this iteration, from 1.
    pub iteration: usize,
    /// The number of all iterations.
    pub iterations: usize,
    /// The losses of the picture *before* this iteration's step.
    pub losses: Losses,
    /// What the run would be resumed from, with the picture *after* this iteration.
    pub state: &'a State,
    /// The time since the first iteration began. If the run was resumed, the time in between does not count.
    pub elapsed: Duration,
    /// How long this iteration took, without what came before the first one of a size.
    pub took: Duration,
    /// The part of it that losses and gradient took.
    pub evaluation: Duration,
    run: &'a Run,
}

impl Iteration<'_> {
    /// The size that is being painted at.
    pub fn size(&self) -> Size {
        self.run.plan.stages[self.state.stage].size
    }

    /// The picture of that size, H×W×3, RGB 0..255 less the mean.
    pub fn array(&self) -> Array3<f32> {
        border::cut(
            &self.run.picture(self.state).to_array(),
            self.run.plan.border,
        )
    }

    /// The result if the run ended here: in its final size and colors.
    pub fn picture(&self) -> Picture {
        (self.run.finished(&self.run.picture(self.state))).to_picture()
    }
}

impl Run {
    /// Runs to the end, or until `watch`, which is called after each iteration, breaks.
    ///
    /// # Errors
    /// If the run diverges: with Adam and RMSprop, if a loss is not finite; with L-BFGS, if the first loss of a size is not, or no step
    /// leads to a finite loss and gradient, however short; with any, if a pixel is not. The error holds the last picture with a finite
    /// loss.
    pub fn run(
        &self,
        mut watch: impl FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        self.painting(&self.iterate_from(self.begin(), &mut watch)?)
    }

    /// The same, without the painted picture: for measurements.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    #[cfg(feature = "cli")]
    pub(crate) fn iterate_all(
        &self,
        mut watch: impl FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<(), StylizeError> {
        self.iterate_from(self.begin(), &mut watch).map(drop)
    }

    /// Resumes from the `state` of a run with the same pictures, weights and settings. The result is the same.
    ///
    /// # Errors
    /// If the state has another size, number of iterations or optimizer; and as [`run`](Self::run). Other pictures of the same
    /// size, or other weights, are not noticed here.
    pub fn resume(
        &self,
        state: State,
        mut watch: impl FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        self.check(&state)?;
        let storage = self.storage(state.stage);
        self.painting(&self.iterate_from(state.moved_to(&storage), &mut watch)?)
    }

    /// The loop. Returns the last state. It is not generic, so that it is compiled once, in the library, and not again for each `watch`.
    fn iterate_from(
        &self,
        mut state: State,
        watch: &mut dyn FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<State, StylizeError> {
        let (before, begin) = (state.elapsed, Instant::now());
        let mut last_good = None;
        loop {
            let stage = &self.plan.stages[state.stage];
            let objective = self.objective(state.stage, state.began_with.as_ref());
            while state.stage_iterations < stage.iterations {
                let iteration_begin = Instant::now();
                let (losses, evaluation) = self.iterate(&objective, &mut state, &mut last_good)?;
                state.elapsed = before.saturating_add(begin.elapsed());
                let iteration = Iteration {
                    iteration: state.iterations,
                    iterations: self.iterations(),
                    losses,
                    state: &state,
                    elapsed: state.elapsed,
                    took: iteration_begin.elapsed(),
                    evaluation,
                    run: self,
                };
                if watch(&iteration).is_break() {
                    return Ok(state);
                }
            }
            if state.stage + 1 == self.plan.stages.len() {
                return Ok(state);
            }
            self.begin_next_stage(&mut state);
            self.check_scratch(&state)?;
        }
    }

    /// One iteration: evaluates losses and gradient at x, and lets the optimizer change x. `last_good` becomes the picture before,
    /// if its loss is finite. Returns the losses, and how long it took to evaluate them.
    fn iterate(
        &self,
        objective: &StageObjective,
        state: &mut State,
        last_good: &mut Option<BigArray<f32>>,
    ) -> Result<(Losses, Duration), StylizeError> {
        let parametrization = &self.parametrizations[state.stage];
        let picture = parametrization.picture(&state.x);
        let number = state.iterations as u64;
        let begin = Instant::now();
        let (losses, gradient) = objective.evaluate_at(number, &self.network, &picture);
        self.check_scratch(state)?;
        let evaluation = begin.elapsed();
        let loss = losses.total();
        if loss.is_finite() {
            copy_into(last_good, &picture);
        }
        drop(picture);
        let of_parameters = parametrization.backward(&gradient);
        let stepped = (state.optimizer).step(&mut state.x, loss, &of_parameters);
        drop(of_parameters);
        if let StageObjective::Whole(_) = objective {
            self.network.engine().recycle(gradient.into_array()); // where it is from
        }
        self.check_scratch(state)?;
        state.stage_iterations += 1;
        state.iterations += 1;
        let is_last = state.stage_iterations == self.plan.stages[state.stage].iterations;
        if stepped.is_break() || !state.x.is_finite() || is_last && state.optimizer.found_no_step()
        {
            return Err(StylizeError::Diverged {
                iteration: state.iterations,
                last_good: last_good.take().map(|x| Box::new(self.finished(&x))),
            });
        }
        Ok((losses, evaluation))
    }

    /// Ends the run if a scratch file failed: what was computed since is garbage.
    fn check_scratch(&self, state: &State) -> Result<(), StylizeError> {
        for storage in [&self.storage, &state.x.storage()] {
            if let Storage::Scratch(scratch) = storage
                && let Some(error) = scratch.trouble()
            {
                let folder = scratch.folder().to_owned();
                return Err(StylizeError::Scratch { folder, error });
            }
        }
        Ok(())
    }

    /// Enlarges the picture to the next size.
    fn begin_next_stage(&self, state: &mut State) {
        let border = self.plan.border;
        let next = &self.plan.stages[state.stage + 1];
        let seamless = self.settings.seamless;
        let storage = self.storage(state.stage + 1);
        let picture = enlarged(&self.picture(state), border, next.size, seamless, &storage);
        state.began_with = self.remembered(&picture);
        state.x = self.parametrizations[state.stage + 1].parameters(picture);
        let whole = border::around(next.size, border);
        let (height, width, _) = state.x.dim();
        let keep = |array: Array3<f32>| BigArray::from(array).moved_to(&storage);
        state.optimizer.begin_size(
            &self.settings,
            self.learning_rate(state.stage + 1),
            next.layout.history,
            &state.x,
            |m| keep(resized(&m.to_array(), whole, seamless)),
            |v| keep(bilinear::forward(&v.to_array(), (height, width))),
        );
        state.stage += 1;
        state.stage_iterations = 0;
    }

    fn painting(&self, state: &State) -> Result<Painting, StylizeError> {
        let picture = self.finished(&self.picture(state));
        self.check_scratch(state)?;
        Ok(Painting {
            iterations: state.iterations,
            picture,
        })
    }
}

/// Copies `x`, into the array that is there if it has the same shape.
fn copy_into(copy: &mut Option<BigArray<f32>>, x: &BigArray<f32>) {
    match copy {
        Some(copy) if copy.dim() == x.dim() => copy.assign(x),
        _ => *copy = Some(x.clone()),
    }
}
