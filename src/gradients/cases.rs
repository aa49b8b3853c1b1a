//! The cases of a check, as they are measured.

use super::{Setup, adjoint::Pair};
use crate::engine::EngineKind;
use crate::method::finite_difference::{
    Comparison, central_differences, compare, smooth_differences,
};
use ndarray::Array3;
use serde::Serialize;

/// What was measured in one case.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// Shape, padding, engine, …
    pub name: String,
    /// The largest relative error; infinity if there is a NaN, or if the case is not what it should be.
    pub error: f64,
    /// The element that has it. An adjoint identity is about all elements at once.
    pub worst: Option<Comparison>,
    /// What is wrong with the case, if something is.
    pub remark: Option<String>,
}

/// Measures the cases that a check hands to it.
pub struct Cases<'a> {
    setup: &'a Setup,
    each: &'a mut dyn FnMut(Case),
}

impl<'a> Cases<'a> {
    pub(super) fn new(setup: &'a Setup, each: &'a mut dyn FnMut(Case)) -> Self {
        Self { setup, each }
    }

    /// The engines to check.
    pub fn engines(&self) -> Vec<EngineKind> {
        self.setup.engines.clone()
    }

    /// A case in which `gradient` should be that of `loss` at `x`.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn gradient(
        &mut self,
        name: impl Into<String>,
        x: &Array3<f64>,
        gradient: Array3<f64>,
        loss: impl Fn(&Array3<f64>) -> f64,
    ) {
        let measured = central_differences(x, self.setup.step, loss);
        self.compared(name.into(), gradient, &measured);
    }

    /// The same for a loss that is smooth within a few hundredths of each element; by
    /// [quotients of fourth order](smooth_differences), with steps that are a hundred times as long.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn smooth_gradient(
        &mut self,
        name: impl Into<String>,
        x: &Array3<f64>,
        gradient: Array3<f64>,
        loss: impl Fn(&Array3<f64>) -> f64,
    ) {
        let measured = smooth_differences(x, 100.0 * self.setup.step, loss);
        self.compared(name.into(), gradient, &measured);
    }

    fn compared(&mut self, name: String, mut gradient: Array3<f64>, measured: &Array3<f64>) {
        if let Some(mistake) = self.setup.mistake {
            mistake.make(&mut gradient);
        }
        let worst = compare(&gradient, measured);
        (self.each)(Case {
            name,
            error: worst.error,
            worst: Some(worst),
            remark: None,
        });
    }

    /// A case of an operation and its adjoint.
    pub fn adjoint(&mut self, name: impl Into<String>, mut pair: Pair) {
        if let Some(mistake) = self.setup.mistake {
            mistake.make(&mut pair.aty);
        }
        (self.each)(Case {
            name: name.into(),
            error: pair.error(),
            worst: None,
            remark: None,
        });
    }

    /// Reports that the case is not what it should be, unless `holds`.
    pub fn require(&mut self, name: &str, holds: bool, otherwise: &str) {
        if !holds {
            (self.each)(Case {
                name: name.to_owned(),
                error: f64::INFINITY,
                worst: None,
                remark: Some(otherwise.to_owned()),
            });
        }
    }

    /// The first `input` that suits; if none does, the case fails.
    pub(super) fn first<T>(
        &mut self,
        name: &str,
        inputs: impl IntoIterator<Item = T>,
        suits: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let found = inputs.into_iter().find(suits);
        self.require(name, found.is_some(), "every input tried is near a kink");
        found
    }
}
