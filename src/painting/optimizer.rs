//! The optimizer that the settings name, with its state at one size of a run, and the running average of its pictures.

use super::Settings;
use super::enlarge::Enlarging;
use super::settings::{OptimizerKind, Parameters};
use crate::method::big_array::Storage;
use crate::method::{Adam, Average, BigArray, Communicator, Lbfgs, Rmsprop, lbfgs};
use crate::vgg::MEAN;
use ndarray::Axis;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Optimizer {
    Adam {
        adam: Adam<f32>,
        average: Option<Average<f32>>,
        clamp: bool,
    },
    Rmsprop(Rmsprop<f32>),
    Lbfgs {
        lbfgs: Lbfgs<f32>,
        /// How many finite losses there were at this size.
        finite: usize,
        /// How many losses in a row, up to the last, were not finite.
        failures: usize,
    },
}

impl Optimizer {
    /// For parameters like `x`; its state is kept where they are. The learning rate is not that of the settings at each size, nor need the
    /// number of steps that L-BFGS remembers be.
    pub fn new(settings: &Settings, learning_rate: f64, history: usize, x: &BigArray<f32>) -> Self {
        match settings.optimizer {
            OptimizerKind::Adam => Self::Adam {
                adam: Adam::new(x, learning_rate).with_beta2(settings.beta2),
                average: (settings.average > 0.0).then(|| Average::new(x, settings.average)),
                clamp: settings.clamp,
            },
            OptimizerKind::Rmsprop => Self::Rmsprop(Rmsprop::new(x, learning_rate)),
            OptimizerKind::Lbfgs => Self::Lbfgs {
                lbfgs: Lbfgs::new(history, learning_rate),
                finite: 0,
                failures: 0,
            },
        }
    }

    /// Begins a size with `ratio` times as many pixels, at which parameters are like `x`. Adam keeps its running means if the settings say so,
    /// and L-BFGS its pairs where they help.
    pub fn begin_size(
        &mut self,
        settings: &Settings,
        (learning_rate, history): (f64, usize),
        x: &BigArray<f32>,
        enlarging: &Enlarging,
        ratio: f64,
    ) {
        let before = std::mem::replace(self, Self::new(settings, learning_rate, history, x));
        match (self, before) {
            (Self::Adam { adam: new, .. }, Self::Adam { adam, .. }) if settings.keep_moments => {
                let (m, v) = (|m: &_| enlarging.mean(m), |v: &_| enlarging.positive(v));
                *new = adam.map(learning_rate, m, v);
            }
            (Self::Lbfgs { lbfgs: new, .. }, Self::Lbfgs { lbfgs, .. })
                if pairs_are_kept(settings) =>
            {
                *new = lbfgs.enlarged(
                    (history, learning_rate),
                    ratio,
                    |array| enlarging.picture(array),
                    enlarging.world,
                );
            }
            _ => {}
        }
    }

    /// Whether these settings, and pictures of this shape, can have led to this state.
    pub fn fits(&self, settings: &Settings, shape: (usize, usize, usize)) -> bool {
        match self {
            Self::Adam { adam, average, .. } => {
                settings.optimizer == OptimizerKind::Adam
                    && average.is_some() == (settings.average > 0.0)
                    && adam.fits(shape)
                    && (average.iter()).all(|average| average.mean().dim() == shape)
            }
            Self::Rmsprop(rmsprop) => {
                settings.optimizer == OptimizerKind::Rmsprop && rmsprop.fits(shape)
            }
            Self::Lbfgs { lbfgs, .. } => {
                settings.optimizer == OptimizerKind::Lbfgs && lbfgs.fits(shape)
            }
        }
    }

    /// The same, with its state in this storage.
    pub fn moved_to(self, storage: &Storage) -> Self {
        match self {
            Self::Adam {
                adam,
                average,
                clamp,
            } => Self::Adam {
                adam: adam.moved_to(storage),
                average: average.map(|average| average.moved_to(storage)),
                clamp,
            },
            Self::Rmsprop(rmsprop) => Self::Rmsprop(rmsprop.moved_to(storage)),
            Self::Lbfgs {
                lbfgs,
                finite,
                failures,
            } => Self::Lbfgs {
                lbfgs: lbfgs.moved_to(storage),
                finite,
                failures,
            },
        }
    }

    /// Changes `x`, given loss and gradient there, of which each process has a part. Breaks if it cannot go on from here.
    pub fn step(
        &mut self,
        x: &mut BigArray<f32>,
        loss: f64,
        gradient: &BigArray<f32>,
        world: &dyn Communicator,
    ) -> ControlFlow<()> {
        match self {
            Self::Adam {
                adam,
                average,
                clamp,
            } => {
                if !loss.is_finite() {
                    return ControlFlow::Break(());
                }
                adam.step(x, gradient);
                if *clamp {
                    limit_to_range(x);
                }
                if let Some(average) = average {
                    average.add(x);
                }
            }
            Self::Rmsprop(rmsprop) => {
                if !loss.is_finite() {
                    return ControlFlow::Break(());
                }
                rmsprop.step(x, gradient);
            }
            Self::Lbfgs {
                lbfgs,
                finite,
                failures,
            } => {
                let is_finite = loss.is_finite() && world.all(gradient.is_finite());
                if is_finite {
                    (*finite, *failures) = (*finite + 1, 0);
                } else {
                    *failures += 1;
                }
                // L-BFGS shortens a step that went too far. At the first picture there is no step to shorten, and after this many
                // there is nothing left of it.
                if *finite == 0 || *failures == lbfgs::MAX_TRIALS {
                    return ControlFlow::Break(());
                }
                lbfgs.step(x, if is_finite { loss } else { f64::NAN }, gradient, world);
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether no step at this size led to a finite loss, although some were tried: the picture is still the one that it began with.
    pub fn found_no_step(&self) -> bool {
        matches!(
            self,
            Self::Lbfgs {
                finite: 1,
                failures: 1..,
                ..
            }
        )
    }

    /// The picture to show, where `x` is the one that is evaluated next.
    pub fn picture<'a>(&'a self, x: &'a BigArray<f32>) -> &'a BigArray<f32> {
        match self {
            Self::Adam { average, .. } => average.as_ref().map_or(x, Average::mean),
            Self::Rmsprop(_) => x,
            Self::Lbfgs { lbfgs, .. } => lbfgs.accepted().unwrap_or(x),
        }
    }
}

/// Whether L-BFGS keeps its pairs at the next size. They say something about it if the parameters are pixels, and the losses are about the same. To
/// enlarge seamless pictures takes longer than the pairs save.
fn pairs_are_kept(settings: &Settings) -> bool {
    settings.parameters == Parameters::Pixels
        && settings.content_falloff == 1.0
        && !settings.seamless
}

/// Rows whose pixels are limited at a time.
const ROWS: usize = 64;

/// Limits pixels to the range from black to white.
fn limit_to_range(x: &mut BigArray<f32>) {
    let height = x.dim().0;
    for first in (0..height).step_by(ROWS) {
        let mut rows = x.rows(first..(first + ROWS).min(height));
        for mut pixel in rows.lanes_mut(Axis(2)) {
            for (value, mean) in pixel.iter_mut().zip(MEAN) {
                *value = value.clamp(-mean, 255.0 - mean);
            }
        }
        x.set_rows(first, &rows);
    }
}
