//! The loop: evaluate, step, tell whoever watches; at one size after the other.

use super::mover::Mover;
use super::{Stage, Stylization, StylizeError, border, size_of};
use crate::files::picture::{FloatPicture, Picture, Size, resize, resize_torus};
use crate::loss::{Losses, Objective, Region, StylePicture, Targets};
use crate::network::{LayerTime, Network};
use crate::ops::workspace::Phase;
use ndarray::Array3;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// All that a run hands from one iteration to the next: whoever has it can go on from there, to the same bits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// Which of the run's sizes is painted at, from 0.
    stage: usize,
    /// Iterations done at this size.
    of_stage: usize,
    /// Iterations done in all.
    iterations: usize,
    /// How long that took.
    elapsed: Duration,
    /// Where loss and gradient are to be evaluated next.
    x: Array3<f32>,
    mover: Mover,
}

impl State {
    /// Iterations done.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// How long they took.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The picture so far, H×W×3, RGB 0..255 less the mean, with its border.
    pub fn picture(&self) -> &Array3<f32> {
        self.mover.picture(&self.x)
    }
}

/// What is known after an iteration.
pub struct Step<'a> {
    /// Which iteration this was, from 1.
    pub iteration: usize,
    /// How many there are to be.
    pub iterations: usize,
    /// The losses of the picture *before* this iteration's step.
    pub losses: Losses,
    /// What the run would go on from; with the picture *after* this iteration.
    pub state: &'a State,
    /// Since the first iteration began, without the time between a run that was broken off and one that took it up.
    pub elapsed: Duration,
    /// Where this iteration's time went.
    pub times: &'a Times,
    run: &'a Stylization,
}

impl Step<'_> {
    /// The size that is painted at.
    pub fn size(&self) -> Size {
        self.run.stages[self.state.stage].size
    }

    /// The picture of that size, H×W×3, RGB 0..255 less the mean.
    pub fn array(&self) -> Array3<f32> {
        border::cut(self.state.picture(), self.run.border)
    }

    /// What would come out if the run ended here: in the size that was asked for and in its colours.
    pub fn picture(&self) -> Picture {
        (self.run.finished(self.state.picture().clone())).to_picture()
    }
}

/// Where the time of one iteration went.
#[derive(Clone, Debug)]
pub struct Times {
    /// Layer by layer.
    pub layers: Vec<LayerTime>,
    /// The losses and their gradients at the layers that they tap.
    pub losses: Duration,
    /// The optimiser's step.
    pub optimizer: Duration,
    /// The steps of the fast convolutions, in the order of [`Phase::ALL`], summed over the threads.
    pub convolution: [Duration; 3],
}

impl Times {
    /// All layers forward.
    pub fn forward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.forward).sum()
    }

    /// All layers backward.
    pub fn backward(&self) -> Duration {
        self.layers.iter().map(|layer| layer.backward).sum()
    }
}

/// What comes out of a run.
#[derive(Debug)]
pub struct Painting {
    /// The painted picture, as opaque as the photograph.
    pub picture: FloatPicture,
    /// How many iterations it took: fewer than were asked for if the run was ended early.
    pub iterations: usize,
}

impl Stylization {
    /// Where the run begins.
    fn begin(&self) -> State {
        State {
            stage: 0,
            of_stage: 0,
            iterations: 0,
            elapsed: Duration::ZERO,
            x: self.initial.clone(),
            mover: Mover::new(&self.settings, self.initial.dim()),
        }
    }

    /// Runs to the end, or until `watch`, called after each iteration, breaks off.
    ///
    /// # Errors
    /// If a loss becomes NaN or infinite: the error holds the last good picture.
    pub fn run(
        &self,
        mut watch: impl FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        self.go_on(self.begin(), &mut watch)
    }

    /// Goes on from a `state` that a run of the same pictures, weights and settings has handed out, to the same end.
    ///
    /// # Errors
    /// If the state is that of another run; and as [`run`](Self::run).
    pub fn resume(
        &self,
        state: State,
        mut watch: impl FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        self.check(&state)?;
        self.go_on(state, &mut watch)
    }

    /// Not generic: so the network is compiled here, once, and not again into each program that calls it.
    fn go_on(
        &self,
        mut state: State,
        watch: &mut dyn FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        let iterations = self.iterations();
        let (before, begin) = (state.elapsed, Instant::now());
        let mut last_good: Option<Array3<f32>> = None;
        loop {
            let stage = &self.stages[state.stage];
            let objective = self.objective(stage);
            times(&self.network, Duration::ZERO, Duration::ZERO); // what setting up took
            while state.of_stage < stage.iterations {
                let evaluation = Instant::now();
                let (losses, gradient) = objective.evaluate(&self.network, &state.x);
                let evaluation = evaluation.elapsed();
                let stepping = Instant::now();
                if losses.total().is_finite() {
                    let good = last_good.take().filter(|good| good.dim() == state.x.dim());
                    last_good
                        .insert(good.unwrap_or_else(|| state.x.clone()))
                        .assign(&state.x);
                }
                let moved = (state.mover).step(&mut state.x, losses.total(), &gradient);
                if moved.is_break() || state.x.iter().any(|pixel| !pixel.is_finite()) {
                    return Err(StylizeError::Diverged {
                        iteration: state.iterations + 1,
                        last_good: last_good.map(|x| Box::new(self.finished(x))),
                    });
                }
                self.network.recycle(gradient);
                state.of_stage += 1;
                state.iterations += 1;
                state.elapsed = before.saturating_add(begin.elapsed());
                let step = Step {
                    iteration: state.iterations,
                    iterations,
                    losses,
                    state: &state,
                    elapsed: state.elapsed,
                    times: &times(&self.network, evaluation, stepping.elapsed()),
                    run: self,
                };
                if watch(&step).is_break() {
                    return Ok(self.painting(state));
                }
            }
            let Some(next) = self.stages.get(state.stage + 1) else {
                return Ok(self.painting(state));
            };
            let picture = border::cut(state.picture(), self.border);
            state.x = border::mirrored(&self.resized(&picture, next.size), self.border);
            state.mover = Mover::new(&self.settings, state.x.dim());
            state.stage += 1;
            state.of_stage = 0;
        }
    }

    /// What is minimised at this size: one region for each style that has a mask, else one of all styles together.
    fn objective(&self, stage: &Stage) -> Objective<f32> {
        let styles: Vec<_> = (stage.styles.iter().filter(|style| style.share > 0.0))
            .map(|style| StylePicture {
                picture: &style.picture,
                mask: style.seen.as_ref(),
                share: style.share,
            })
            .collect();
        let masks: Vec<_> = (stage
            .styles
            .iter()
            .filter_map(|style| style.painted.as_ref()))
        .collect();
        let regions = match masks.is_empty() {
            true => vec![Region::everywhere(&styles)],
            false => (styles.chunks(1).zip(&masks))
                .map(|(styles, mask)| Region {
                    styles,
                    mask: Some(mask),
                })
                .collect(),
        };
        let settings = &self.settings;
        Objective::new(
            &self.network,
            Targets {
                content: (stage.content.as_ref()).map(|content| (content, &self.content_taps[..])),
                regions: &regions,
                style_taps: &self.style_taps,
                statistic: settings.style_loss,
                tv_weight: settings.tv_weight_at(border::around(stage.size, self.border)),
                normalize: settings.normalize_gradients,
            },
        )
    }

    /// Refuses a state that this run cannot have handed out.
    fn check(&self, state: &State) -> Result<(), StylizeError> {
        let fits = self.stages.get(state.stage).is_some_and(|stage| {
            let before: usize = (self.stages[..state.stage].iter())
                .map(|stage| stage.iterations)
                .sum();
            size_of(&state.x) == border::around(stage.size, self.border)
                && state.x.dim().2 == 3
                && state.of_stage <= stage.iterations
                && before.checked_add(state.of_stage) == Some(state.iterations)
                && state.mover.fits(&self.settings, state.x.dim())
        });
        if fits {
            return Ok(());
        }
        let trouble =
            "the checkpoint is one of other pictures or other settings; begin the run anew";
        Err(StylizeError::Settings(trouble.to_owned()))
    }

    fn painting(&self, state: State) -> Painting {
        Painting {
            iterations: state.iterations,
            picture: self.finished(state.mover.finish(state.x)),
        }
    }

    fn resized(&self, x: &Array3<f32>, size: Size) -> Array3<f32> {
        match self.settings.seamless {
            true => resize_torus(x, size),
            false => resize(x, size),
        }
    }

    /// The picture of `x`, whatever the size so far, in the size that was asked for and in its colours.
    fn finished(&self, x: Array3<f32>) -> FloatPicture {
        let size: Size = self.size();
        let mut x = border::cut(&x, self.border);
        if size_of(&x) != size {
            x = self.resized(&x, size);
        }
        let photograph = self.photograph.as_ref();
        let painted = FloatPicture::from_array(&x);
        let painted = match photograph {
            Some(photograph) => painted.with_alpha_of(photograph),
            None => painted,
        };
        (self.settings.colours).finish(painted, photograph)
    }
}

/// Where the time of an iteration went that took so long to evaluate and to step.
fn times(network: &Network<f32>, evaluation: Duration, optimizer: Duration) -> Times {
    let mut times = Times {
        layers: network.take_times(),
        losses: Duration::ZERO,
        optimizer,
        convolution: Phase::ALL.map(|phase| network.workspace().take_time(phase)),
    };
    times.losses = evaluation.saturating_sub(times.forward() + times.backward());
    times
}
