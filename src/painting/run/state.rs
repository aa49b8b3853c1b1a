//! What a run hands from one iteration to the next.

use super::super::initial::initial;
use super::super::optimizer::Optimizer;
use super::super::{InvalidSetting, border};
use super::Run;
use crate::files::picture::Size;
use crate::method::BigArray;
use crate::method::big_array::Storage;
use ndarray::Array3;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

/// Everything that a run hands from one iteration to the next. A run can be resumed from it, with the same bits as result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// The index of the size.
    pub(super) stage: usize,
    /// Iterations done at this size.
    pub(super) stage_iterations: usize,
    /// Iterations done in all.
    pub(super) iterations: usize,
    /// How long they took.
    pub(super) elapsed: Duration,
    /// The parameters of the picture whose loss and gradient are evaluated next.
    pub(super) x: BigArray<f32>,
    /// The picture that this size began with, if the objective depends on it.
    pub(super) began_with: Option<Array3<f32>>,
    pub(super) optimizer: Optimizer,
}

impl State {
    /// Iterations done.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// The same, with its arrays in this storage.
    pub(super) fn moved_to(self, storage: &Storage) -> Self {
        Self {
            x: self.x.moved_to(storage),
            optimizer: self.optimizer.moved_to(storage),
            ..self
        }
    }

    /// How long they took.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl Run {
    /// The state before the first iteration.
    pub(super) fn begin(&self) -> State {
        let first = &self.plan.stages[0];
        let picture = initial(
            &self.settings,
            &self.pictures,
            first.size,
            self.plan.border,
            self.bands(0).of(self.world.rank()),
            &self.storage(0),
        );
        let began_with = self.remembered(&picture);
        let x = self.parametrizations[0].parameters(picture);
        State {
            stage: 0,
            stage_iterations: 0,
            iterations: 0,
            elapsed: Duration::ZERO,
            began_with,
            optimizer: Optimizer::new(
                &self.settings,
                self.learning_rate(0),
                first.layout.history,
                &x,
            ),
            x,
        }
    }

    /// The picture of a state, H×W×3, RGB 0..255 less the mean, with its border.
    pub(super) fn picture<'a>(&self, state: &'a State) -> Cow<'a, BigArray<f32>> {
        self.parametrizations[state.stage].picture(state.optimizer.picture(&state.x))
    }

    /// The shape of the parameters that this process has.
    fn shape_of_parameters(&self, stage: usize) -> (usize, usize, usize) {
        let whole = self.parametrizations[stage].shape();
        if self.world.ranks() == 1 {
            return whole;
        }
        (
            self.bands(stage).of(self.world.rank()).len(),
            whole.1,
            whole.2,
        )
    }

    /// Refuses a state that this run cannot have reached.
    pub(super) fn check(&self, state: &State) -> Result<(), InvalidSetting> {
        let fits = self.plan.stages.get(state.stage).is_some_and(|stage| {
            let before: usize = (self.plan.stages[..state.stage].iter())
                .map(|stage| stage.iterations)
                .sum();
            let whole = border::around(stage.size, self.plan.border);
            let remembers = (state.began_with.as_ref()).map(|x| (Size::of_array(x), x.dim().2));
            state.x.dim() == self.shape_of_parameters(state.stage)
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
}
