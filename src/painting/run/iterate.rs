//! The loop of a run: evaluate the losses, take a step, call the observer; at one size after the other.

use super::super::enlarge::Enlarging;
use super::super::{InvalidSetting, StylizeError, border};
use super::objective::StageObjective;
use super::{Painting, Run, State};
use crate::files::picture::{FloatPicture, Picture, Size};
use crate::method::big_array::Storage;
use crate::method::{BigArray, Communicator};
use crate::objective::Losses;
use ndarray::Array3;
use std::borrow::Cow;
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
    /// Bytes that all processes together sent to each other in this iteration.
    pub sent: u64,
    run: &'a Run,
}

impl Iteration<'_> {
    /// The size that is being painted at.
    pub fn size(&self) -> Size {
        self.run.plan.stages[self.state.stage].size
    }

    /// The size of the painted picture.
    #[cfg(feature = "studio")]
    pub(crate) fn final_size(&self) -> Size {
        self.run.size()
    }

    /// The index of that size, among those of the run.
    #[cfg(feature = "studio")]
    pub(crate) fn stage(&self) -> usize {
        self.state.stage
    }

    /// What the whole run takes.
    #[cfg(feature = "studio")]
    pub(crate) fn effort(&self) -> super::Effort {
        self.run.effort()
    }

    /// The picture of that size, H×W×3, RGB 0..255 less the mean.
    ///
    /// # Panics
    /// On all processes that paint it but the first.
    pub fn array(&self) -> Array3<f32> {
        border::cut(&self.gathered().to_array(), self.run.plan.border)
    }

    /// The same as a picture, in the colors that the network sees, with what is protected of the photograph.
    ///
    /// # Panics
    /// As [`array`](Self::array).
    pub(crate) fn sketch(&self) -> FloatPicture {
        self.run.unfinished(self.state.stage, &self.gathered())
    }

    /// The result if the run ended here: in its final size and colors.
    ///
    /// # Panics
    /// As [`array`](Self::array).
    pub fn picture(&self) -> Picture {
        self.run.finished(&self.gathered()).to_picture()
    }

    /// The processes that paint it.
    pub fn world(&self) -> &dyn Communicator {
        &*self.run.world
    }

    /// Has all processes `watch` this iteration, of which otherwise only the first does: they have to do something together. Whether
    /// `watch` breaks counts on the first alone.
    ///
    /// # Panics
    /// As [`array`](Self::array).
    pub fn call_others(&self) {
        self.run.order(Order::Watch);
    }

    /// The whole picture, with its border.
    fn gathered(&self) -> Cow<'_, BigArray<f32>> {
        self.run.order(Order::Gather);
        let whole = self.run.gathered_of(self.state);
        whole.expect("only the first process looks at the picture")
    }
}

/// What the first process has the others do after an iteration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Go on with the next iteration.
    Continue,
    /// End the run.
    End,
    /// Send the rows of the picture.
    Gather,
    /// Call `watch`.
    Watch,
}

impl Order {
    const ALL: [Self; 4] = [Self::Continue, Self::End, Self::Gather, Self::Watch];
}

impl Run {
    /// Runs to the end, or until `watch`, which is called after each iteration, breaks.
    ///
    /// If several processes paint, `watch` is called on the first, and on the others only where the first one
    /// [calls](Iteration::call_others) for it. Only the first gets the picture; the others get one without pixels.
    ///
    /// # Errors
    /// If the run diverges: with Adam and RMSprop, if a loss is not finite; with L-BFGS, if the first loss of a size is not, or no step
    /// leads to a finite loss and gradient, however short; with any, if a pixel is not. The error holds the last picture with a finite
    /// loss.
    pub fn run(
        &self,
        mut watch: impl FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        self.painting(self.iterate_from(self.begin(), &mut watch))
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
        let refused = self.check(&state).err();
        let trouble = refused.map(|error| error.to_string());
        if let Some((_, trouble)) = self.world.first_trouble(trouble) {
            return Err(InvalidSetting(trouble).into());
        }
        let storage = self.storage(state.stage);
        self.painting(self.iterate_from(state.moved_to(&storage), &mut watch))
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
                let sent_before = self.world.sent();
                let (losses, evaluation) = self.iterate(&objective, &mut state, &mut last_good)?;
                let sent = self.world.sum_of((self.world.sent() - sent_before) as f64) as u64;
                state.elapsed = before.saturating_add(begin.elapsed());
                let iteration = Iteration {
                    iteration: state.iterations,
                    iterations: self.iterations(),
                    losses,
                    state: &state,
                    elapsed: state.elapsed,
                    took: iteration_begin.elapsed(),
                    evaluation,
                    sent,
                    run: self,
                };
                if self.watched(&iteration, watch).is_break() {
                    return Ok(state);
                }
            }
            if state.stage + 1 == self.plan.stages.len() {
                return Ok(state);
            }
            // The memory of this size is freed before the arrays of the next one take theirs. Transformed kernels stay, as far as the next size
            // has memory to spare for them; a layer that takes other tiles there replaces its own.
            drop(objective);
            let engine = self.network.engine();
            engine.release_memory();
            engine.set_spare_memory(self.plan.stages[state.stage + 1].layout.spare);
            self.begin_next_stage(&mut state);
            self.check_scratch(&state)?;
        }
    }

    /// Has the first process watch, and the others do what it needs of them meanwhile. Breaks if the run ends.
    fn watched(
        &self,
        iteration: &Iteration,
        watch: &mut dyn FnMut(&Iteration) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.world.is_first() {
            let flow = watch(iteration);
            let ends = flow.is_break();
            self.order(if ends { Order::End } else { Order::Continue });
            return flow;
        }
        loop {
            match self.next_order() {
                Order::Continue => return ControlFlow::Continue(()),
                Order::End => return ControlFlow::Break(()),
                Order::Gather => drop(self.gathered_of(iteration.state)),
                Order::Watch => drop(watch(iteration)),
            }
        }
    }

    /// Tells the other processes what to do.
    fn order(&self, order: Order) {
        assert!(self.world.is_first(), "only the first process gives orders");
        self.world.broadcast(vec![order as u8]);
    }

    /// What the first process orders.
    fn next_order(&self) -> Order {
        let order = self.world.broadcast(Vec::new());
        Order::ALL[usize::from(order[0])]
    }

    /// The whole picture of a state, on the first process.
    fn gathered_of<'a>(&self, state: &'a State) -> Option<Cow<'a, BigArray<f32>>> {
        match self.picture(state) {
            Cow::Borrowed(x) => self.gathered(state.stage, x),
            whole => Some(whole), // a pyramid's, which only a process without others has
        }
    }

    /// One iteration: evaluates losses and gradient at x, and lets the optimizer change x. `last_good` becomes the picture before,
    /// if its loss is finite. Returns the losses, and how long it took to evaluate them.
    fn iterate(
        &self,
        objective: &StageObjective,
        state: &mut State,
        last_good: &mut Option<LastGood>,
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
            copy_into(last_good, state.stage, &picture);
        }
        drop(picture);
        let of_parameters = parametrization.backward(&gradient);
        let world = &*self.world;
        let stepped = (state.optimizer).step(&mut state.x, loss, &of_parameters, world);
        drop(of_parameters);
        objective.recycle(gradient, &self.network);
        self.check_scratch(state)?;
        state.stage_iterations += 1;
        state.iterations += 1;
        let is_last = state.stage_iterations == self.plan.stages[state.stage].iterations;
        let is_finite = world.all(state.x.is_finite());
        if stepped.is_break() || !is_finite || is_last && state.optimizer.found_no_step() {
            let last_good = last_good.take();
            let whole = last_good
                .as_ref()
                .and_then(|good| self.gathered(good.stage, &good.x));
            return Err(StylizeError::Diverged {
                iteration: state.iterations,
                last_good: whole.map(|x| Box::new(self.finished(&x))),
            });
        }
        Ok((losses, evaluation))
    }

    /// Ends the run if a scratch file failed: what was computed since is garbage.
    fn check_scratch(&self, state: &State) -> Result<(), StylizeError> {
        let mut own = None;
        for storage in [&self.storage, &state.x.storage()] {
            if let Storage::Scratch(scratch) = storage
                && let Some(error) = scratch.trouble()
            {
                let folder = scratch.folder().to_owned();
                own = Some(StylizeError::Scratch { folder, error });
            }
        }
        let trouble = own.as_ref().map(ToString::to_string);
        match (own, self.world.first_trouble(trouble)) {
            (Some(own), _) => Err(own),
            (None, Some((rank, trouble))) => Err(StylizeError::Process { rank, trouble }),
            (None, None) => Ok(()),
        }
    }

    /// Enlarges the picture to the next size.
    fn begin_next_stage(&self, state: &mut State) {
        let border = self.plan.border;
        let before = self.plan.stages[state.stage].size;
        let pixels = |size: Size| f64::from(size.width) * f64::from(size.height);
        let next = &self.plan.stages[state.stage + 1];
        let storage = self.storage(state.stage + 1);
        let enlarging = Enlarging {
            from: &self.bands(state.stage),
            to: &self.bands(state.stage + 1),
            border,
            size: next.size,
            seamless: self.settings.seamless,
            storage: &storage,
            world: &*self.world,
        };
        let picture = enlarging.picture(&self.picture(state));
        state.began_with = self.remembered(&picture);
        state.x = self.parametrizations[state.stage + 1].parameters(picture);
        state.optimizer.begin_size(
            &self.settings,
            (self.learning_rate(state.stage + 1), next.layout.history),
            &state.x,
            &enlarging,
            pixels(next.size) / pixels(before),
        );
        state.stage += 1;
        state.stage_iterations = 0;
    }

    /// The picture at the `end` of a run.
    fn painting(&self, end: Result<State, StylizeError>) -> Result<Painting, StylizeError> {
        // For the picture; and a network may be used again after a run that failed.
        let engine = self.network.engine();
        engine.release_memory();
        engine.set_spare_memory(0);
        let state = end?;
        let picture = match self.gathered_of(&state) {
            Some(x) => self.finished(&x),
            None => FloatPicture::from_array(&Array3::zeros((0, 0, 3))),
        };
        self.check_scratch(&state)?;
        Ok(Painting {
            iterations: state.iterations,
            picture,
        })
    }
}

/// The last picture with a finite loss.
struct LastGood {
    stage: usize,
    x: BigArray<f32>,
}

/// Copies `x`, into the array that is there if it has the same shape.
fn copy_into(copy: &mut Option<LastGood>, stage: usize, x: &BigArray<f32>) {
    match copy {
        Some(copy) if copy.stage == stage => copy.x.assign(x),
        _ => {
            let x = x.clone();
            *copy = Some(LastGood { stage, x });
        }
    }
}
