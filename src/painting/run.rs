//! The loop of a run: evaluate the losses, take a step, call the observer; at one size after the other.

use super::build::Stage;
use super::optimizer::Optimizer;
use super::plan::Plan;
use super::settings::{InvalidSetting, Settings};
use super::{StylizeError, border};
use crate::files::picture::{FloatPicture, Picture, Size, resize, resize_torus};
use crate::method::bilinear;
use crate::network::Network;
use crate::objective::{Compared, Losses, Method, Objective, Tap, Targets, common_weight};
use ndarray::Array3;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A run that is ready to begin. [`Stylization`](super::Stylization) makes it.
///
/// It prints nothing. After each iteration it passes an [`Iteration`] to its caller's function, which may end the run.
pub struct Run {
    pub(super) network: Arc<Network<f32>>,
    pub(super) plan: Plan,
    /// The last has the painted picture's size.
    pub(super) stages: Vec<Stage>,
    /// The first picture, of the first stage's size.
    pub(super) initial: Array3<f32>,
    pub(super) settings: Settings,
    /// The photograph, of the painted picture's size.
    pub(super) photograph: Option<Picture>,
    pub(super) paintings: Vec<Picture>,
}

/// Everything that a run hands from one iteration to the next. A run can be resumed from it, with the same bits as result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// The index of the size.
    stage: usize,
    /// Iterations done at this size.
    stage_iterations: usize,
    /// Iterations done in all.
    iterations: usize,
    /// How long they took.
    elapsed: Duration,
    /// The parameters of the picture whose loss and gradient are evaluated next.
    x: Array3<f32>,
    /// The picture that this size began with, if the objective depends on it.
    began_with: Option<Array3<f32>>,
    optimizer: Optimizer,
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
}

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
    run: &'a Run,
}

impl Iteration<'_> {
    /// The size that is being painted at.
    pub fn size(&self) -> Size {
        self.run.stages[self.state.stage].size
    }

    /// The picture of that size, H×W×3, RGB 0..255 less the mean.
    pub fn array(&self) -> Array3<f32> {
        border::cut(&self.run.picture(self.state), self.run.plan.border)
    }

    /// The result if the run ended here: in its final size and colors.
    pub fn picture(&self) -> Picture {
        (self.run.finished(&self.run.picture(self.state))).to_picture()
    }
}

/// The result of a run.
#[derive(Debug)]
pub struct Painting {
    /// The painted picture, as opaque as the photograph.
    pub picture: FloatPicture,
    /// How many iterations it took: fewer than planned if the run was ended early.
    pub iterations: usize,
}

impl Run {
    /// The number of iterations: those of the settings, without those of sizes that are too small for the layers.
    pub fn iterations(&self) -> usize {
        self.stages.iter().map(|stage| stage.iterations).sum()
    }

    /// The size of the painted picture.
    pub fn size(&self) -> Size {
        self.finest().size
    }

    /// The sizes that the style pictures are fitted to at the end.
    pub fn style_sizes(&self) -> &[Size] {
        &self.finest().style_sizes
    }

    /// The sizes at which it is painted. The last is the painted picture's.
    pub fn sizes(&self) -> Vec<Size> {
        let mut sizes: Vec<_> = self.stages.iter().map(|stage| stage.size).collect();
        sizes.dedup();
        sizes
    }

    fn finest(&self) -> &Stage {
        let finest = self.stages.last();
        finest.expect("a plan contains the size of the painted picture")
    }

    /// Runs to the end, or until `watch`, which is called after each iteration, breaks.
    ///
    /// # Errors
    /// If the run diverges: with Adam, if a loss is not finite; with L-BFGS, if the first loss of a size is not; with either, if a
    /// pixel is not. The error holds the last picture with a finite loss.
    pub fn run(
        &self,
        mut watch: impl FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        let parametrization = &self.stages[0].parametrization;
        let begin = State {
            stage: 0,
            stage_iterations: 0,
            iterations: 0,
            elapsed: Duration::ZERO,
            x: parametrization.parameters(self.initial.clone()),
            began_with: self.remembered(&self.initial),
            optimizer: Optimizer::new(&self.settings, parametrization.shape()),
        };
        self.iterate_from(begin, &mut watch)
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
        self.iterate_from(state, &mut watch)
    }

    /// The loop. It is not generic, so that it is compiled once, in the library, and not again for each `watch`.
    fn iterate_from(
        &self,
        mut state: State,
        watch: &mut dyn FnMut(&Iteration) -> ControlFlow<()>,
    ) -> Result<Painting, StylizeError> {
        let (before, begin) = (state.elapsed, Instant::now());
        let mut last_good = None;
        loop {
            let stage = &self.stages[state.stage];
            let objective = self.objective(&state);
            while state.stage_iterations < stage.iterations {
                let losses = self.iterate(&objective, &mut state, &mut last_good)?;
                state.elapsed = before.saturating_add(begin.elapsed());
                let iteration = Iteration {
                    iteration: state.iterations,
                    iterations: self.iterations(),
                    losses,
                    state: &state,
                    elapsed: state.elapsed,
                    run: self,
                };
                if watch(&iteration).is_break() {
                    return Ok(self.painting(&state));
                }
            }
            if state.stage + 1 == self.stages.len() {
                return Ok(self.painting(&state));
            }
            self.begin_next_stage(&mut state);
        }
    }

    /// One iteration: evaluates losses and gradient at x, and lets the optimizer change x. `last_good` becomes the picture before,
    /// if its loss is finite.
    fn iterate(
        &self,
        objective: &Objective<f32>,
        state: &mut State,
        last_good: &mut Option<Array3<f32>>,
    ) -> Result<Losses, StylizeError> {
        let parametrization = &self.stages[state.stage].parametrization;
        let picture = parametrization.picture(&state.x);
        let number = state.iterations as u64;
        let (losses, gradient) = objective.evaluate_at(number, &self.network, &picture);
        let loss = losses.total();
        if loss.is_finite() {
            copy_into(last_good, &picture);
        }
        drop(picture);
        let gradient = parametrization.backward(gradient);
        let stepped = state.optimizer.step(&mut state.x, loss, &gradient);
        self.network.engine().recycle(gradient);
        if stepped.is_break() || state.x.iter().any(|pixel| !pixel.is_finite()) {
            return Err(StylizeError::Diverged {
                iteration: state.iterations + 1,
                last_good: last_good.take().map(|x| Box::new(self.finished(&x))),
            });
        }
        state.stage_iterations += 1;
        state.iterations += 1;
        Ok(losses)
    }

    /// Enlarges the picture to the next size.
    fn begin_next_stage(&self, state: &mut State) {
        let border = self.plan.border;
        let size = self.stages[state.stage + 1].size;
        let picture = border::cut(&self.picture(state), border);
        let picture = border::mirrored(&self.resized(&picture, size), border);
        state.began_with = self.remembered(&picture);
        let parametrization = &self.stages[state.stage + 1].parametrization;
        state.x = parametrization.parameters(picture);
        let whole = border::around(size, border);
        let shape = state.x.dim();
        state.optimizer.begin_size(
            &self.settings,
            shape,
            |m| self.resized(m, whole),
            |v| bilinear::forward(v, (shape.0, shape.1)),
        );
        state.stage += 1;
        state.stage_iterations = 0;
    }

    /// What is minimized at this size.
    fn objective(&self, state: &State) -> Objective<f32> {
        let stage = &self.stages[state.stage];
        let size = border::around(stage.size, self.plan.border);
        let values = 3.0 * f64::from(size.width) * f64::from(size.height);
        let settings = &self.settings;
        let content_taps = self.plan.content_taps_at(state.stage);
        let matched = self.matched(state);
        let tv_scale = if settings.tv_mean { values } else { 1.0 };
        Objective::new(
            &self.network,
            Targets {
                content: (stage.content.as_ref()).map(|content| (content, &content_taps[..])),
                regions: &stage.regions,
                style_taps: &self.plan.style_taps,
                compared: self.compared(stage, &content_taps, matched.as_ref()),
                style_loss: settings.style_loss,
                tv_weight: settings.tv_weight / tv_scale,
                tv_diagonals: settings.tv_diagonals,
                normalize: settings.normalize_gradients,
            },
        )
    }

    /// What the method needs besides the photograph and the paintings.
    fn compared<'a>(
        &self,
        stage: &Stage,
        content_taps: &[Tap],
        matched: Option<&'a Array3<f32>>,
    ) -> Compared<'a, f32> {
        let settings = &self.settings;
        let rotations = settings.rotations;
        match (settings.method, matched) {
            (Method::Strotss, _) => {
                let style = common_weight(&self.plan.style_taps).max(f64::MIN_POSITIVE);
                let alpha = common_weight(content_taps) / style;
                Compared::Strotss {
                    seed: settings.seed,
                    palette_weight: 1.0 / alpha.max(1.0),
                }
            }
            (Method::Nearest, Some(matched)) if !stage.split => {
                Compared::Nearest { matched, rotations }
            }
            (Method::Nearest, _) => Compared::Split { rotations },
            (Method::Layers, _) => Compared::Layers,
        }
    }

    /// Whether the objective of a size depends on the picture that it began with.
    fn remembers(&self) -> bool {
        self.settings.method == Method::Nearest
    }

    fn remembered(&self, picture: &Array3<f32>) -> Option<Array3<f32>> {
        self.remembers().then(|| picture.clone())
    }

    /// The picture that the method nearest looks up in the painting: (x + w·photograph) / (1 + w), with the content weight w and the
    /// picture x that the size began with. At the first size that is the photograph alone.
    fn matched(&self, state: &State) -> Option<Array3<f32>> {
        let (x, photograph) = (
            state.began_with.as_ref()?,
            self.stages[state.stage].content.as_ref()?,
        );
        let weight = self.settings.content_weight;
        let share = if state.stage == 0 {
            1.0
        } else {
            weight / (1.0 + weight)
        };
        Some(photograph * share as f32 + x * (1.0 - share) as f32)
    }

    /// The picture of a state, H×W×3, RGB 0..255 less the mean, with its border.
    fn picture<'a>(&self, state: &'a State) -> Cow<'a, Array3<f32>> {
        let parametrization = &self.stages[state.stage].parametrization;
        parametrization.picture(state.optimizer.picture(&state.x))
    }

    /// Refuses a state that this run cannot have reached.
    fn check(&self, state: &State) -> Result<(), InvalidSetting> {
        let fits = self.stages.get(state.stage).is_some_and(|stage| {
            let before: usize = (self.stages[..state.stage].iter())
                .map(|stage| stage.iterations)
                .sum();
            let whole = border::around(stage.size, self.plan.border);
            let remembers = (state.began_with.as_ref()).map(|x| (Size::of_array(x), x.dim().2));
            state.x.dim() == stage.parametrization.shape()
                && remembers == self.remembers().then_some((whole, 3))
                && state.stage_iterations <= stage.iterations
                && before.checked_add(state.stage_iterations) == Some(state.iterations)
                && state.optimizer.fits(&self.settings, state.x.dim())
        });
        if fits {
            return Ok(());
        }
        Err(InvalidSetting(
            "the checkpoint belongs to other pictures or other settings; begin the run anew"
                .to_owned(),
        ))
    }

    fn painting(&self, state: &State) -> Painting {
        Painting {
            iterations: state.iterations,
            picture: self.finished(&self.picture(state)),
        }
    }

    fn resized(&self, x: &Array3<f32>, size: Size) -> Array3<f32> {
        if self.settings.seamless {
            resize_torus(x, size)
        } else {
            resize(x, size)
        }
    }

    /// The picture of `x`, which may be of any stage, in its final size and colors.
    fn finished(&self, x: &Array3<f32>) -> FloatPicture {
        let mut x = border::cut(x, self.plan.border);
        if Size::of_array(&x) != self.size() {
            x = self.resized(&x, self.size());
        }
        let photograph = self.photograph.as_ref();
        let mut painted = FloatPicture::from_array(&x);
        if let Some(photograph) = photograph {
            painted = painted.with_alpha_of(photograph);
        }
        (self.settings.original_colors).finish(painted, photograph, &self.paintings)
    }
}

/// Copies `x`, into the array that is there if it has the same shape.
fn copy_into(copy: &mut Option<Array3<f32>>, x: &Array3<f32>) {
    match copy {
        Some(copy) if copy.dim() == x.dim() => copy.assign(x),
        _ => *copy = Some(x.clone()),
    }
}
