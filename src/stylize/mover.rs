//! What moves the pixels at one size of a run: the optimiser that the settings name, and the average of its pictures.

use super::{Method, Settings};
use crate::optimize::{Adam, Average, Lbfgs};
use crate::vgg::MEAN;
use ndarray::Array3;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Mover {
    Adam {
        adam: Adam<f32>,
        average: Option<Average<f32>>,
        clamp: bool,
    },
    Lbfgs {
        lbfgs: Lbfgs<f32>,
        /// Whether there has been a loss that is finite.
        begun: bool,
    },
}

impl Mover {
    /// For pictures of this shape.
    pub fn new(settings: &Settings, shape: (usize, usize, usize)) -> Self {
        match settings.optimizer {
            Method::Adam => Self::Adam {
                adam: Adam::new(shape, settings.learning_rate),
                average: (settings.average > 0.0).then(|| Average::new(shape, settings.average)),
                clamp: settings.clamp,
            },
            Method::Lbfgs => Self::Lbfgs {
                lbfgs: Lbfgs::new(settings.history, settings.learning_rate),
                begun: false,
            },
        }
    }

    /// Whether it can be one that these settings made, for pictures of this shape.
    pub fn fits(&self, settings: &Settings, shape: (usize, usize, usize)) -> bool {
        match self {
            Self::Adam { adam, average, .. } => {
                settings.optimizer == Method::Adam
                    && average.is_some() == (settings.average > 0.0)
                    && adam.fits(shape)
                    && (average.iter()).all(|average| average.mean().dim() == shape)
            }
            Self::Lbfgs { lbfgs, .. } => settings.optimizer == Method::Lbfgs && lbfgs.fits(shape),
        }
    }

    /// Moves `x`, given loss and gradient there. It breaks off if there is no way from here.
    pub fn step(
        &mut self,
        x: &mut Array3<f32>,
        loss: f64,
        gradient: &Array3<f32>,
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
                    keep_in_range(x);
                }
                if let Some(average) = average {
                    average.add(x);
                }
            }
            Self::Lbfgs { lbfgs, begun } => {
                // A trial that went too far is shortened; the first picture has nothing before it.
                *begun |= loss.is_finite();
                if !*begun {
                    return ControlFlow::Break(());
                }
                lbfgs.step(x, loss, gradient);
            }
        }
        ControlFlow::Continue(())
    }

    /// The picture to show, where `x` is the one to be evaluated next.
    pub fn picture<'a>(&'a self, x: &'a Array3<f32>) -> &'a Array3<f32> {
        match self {
            Self::Adam { average, .. } => average.as_ref().map_or(x, Average::mean),
            Self::Lbfgs { lbfgs, .. } => lbfgs.accepted().unwrap_or(x),
        }
    }

    /// The picture that is the result.
    pub fn finish(self, x: Array3<f32>) -> Array3<f32> {
        self.picture(&x).clone()
    }
}

/// Cuts pixels off at black and white.
fn keep_in_range(x: &mut Array3<f32>) {
    for mut pixel in x.lanes_mut(ndarray::Axis(2)) {
        for (value, mean) in pixel.iter_mut().zip(MEAN) {
            *value = value.clamp(-mean, 255.0 - mean);
        }
    }
}
