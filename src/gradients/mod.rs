//! Every derivative, checked: the list of what `impasto check-gradient` shows and what the tests run.
//!
//! Each [`Check`] is about one operation, loss or objective. It measures the gradient, as it is written in [`crate::method`] and
//! computed by each engine, at many cases: shapes, paddings, masks, mixtures. Most compare it with central finite differences in `f64`
//! ([`finite_difference`](crate::method::finite_difference)), to a relative error of [`BOUND`]. Those of [`Family::Adjoint`] compare a
//! linear operation A with its backward pass Aᵀ: ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ up to rounding, [`adjoint::BOUND`].
//!
//! Where an operation has kinks, difference quotients mean nothing. The checks choose inputs away from them, and make sure that they are.
//!
//! ```
//! use impasto::gradients::{Mistake, Setup, check_named};
//!
//! let relu = check_named("relu").unwrap();
//! assert!(relu.cases(&Setup::default()).iter().all(|case| case.error <= relu.bound));
//!
//! // A check that cannot fail would be worth nothing.
//! let wrong = Setup { mistake: Some(Mistake::Factor), ..Setup::default() };
//! assert!(relu.cases(&wrong).iter().all(|case| case.error > relu.bound));
//! ```
//!
//! The operands are small, so that parallel loops cost more than they save: on a rayon pool of a single thread all of this is several
//! times as fast.

pub mod adjoint;
mod cases;
mod losses;
mod mistake;
mod objective;
mod operations;

// Operands of the checks. They are public for the tests and the book of this project alone.
#[doc(hidden)]
pub mod nearest;
#[doc(hidden)]
pub mod operands;
#[doc(hidden)]
pub mod strotss;

pub use cases::Case;
pub use mistake::Mistake;

use crate::engine::EngineKind;
use crate::method::finite_difference::STEP;
use cases::Cases;
use std::fmt;

/// The largest relative error that a gradient may have, compared with finite differences.
pub const BOUND: f64 = 1e-6;

/// What is checked together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// What the network and the losses are made of.
    Operations,
    /// The losses of a layer by itself.
    Losses,
    /// The losses that compare all layers together: STROTSS and nearest neighbors.
    Methods,
    /// From the pixels through a small VGG to the sum of all losses.
    Objective,
    /// Linear operations and their adjoints.
    Adjoint,
}

impl Family {
    /// All of them, in the order of [`checks`].
    pub const ALL: [Self; 5] = [
        Self::Operations,
        Self::Losses,
        Self::Methods,
        Self::Objective,
        Self::Adjoint,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Operations => "operations",
            Self::Losses => "losses",
            Self::Methods => "methods",
            Self::Objective => "objective",
            Self::Adjoint => "adjoint",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How to measure.
#[derive(Clone, Debug)]
pub struct Setup {
    /// h, the step of the finite differences.
    pub step: f64,
    /// The engines whose cases are measured. Cases that need no engine are measured with any.
    pub engines: Vec<EngineKind>,
    /// What to do to each gradient before it is measured, to see that the check notices.
    pub mistake: Option<Mistake>,
}

impl Default for Setup {
    /// Both engines, and no mistake.
    fn default() -> Self {
        Self {
            step: STEP,
            engines: vec![EngineKind::Reference, EngineKind::default()],
            mistake: None,
        }
    }
}

/// A derivative, and the cases in which it is checked.
pub struct Check {
    /// Its name, as in `impasto check-gradient relu`.
    pub name: String,
    /// What it belongs to.
    pub family: Family,
    /// What should hold, in a sentence or a formula.
    pub statement: String,
    /// The largest error that a case may have.
    pub bound: f64,
    visit: Box<dyn Fn(&mut Cases) + Send + Sync>,
}

impl Check {
    fn new(
        family: Family,
        name: impl Into<String>,
        statement: impl Into<String>,
        visit: impl Fn(&mut Cases) + Send + Sync + 'static,
    ) -> Self {
        let bound = match family {
            Family::Adjoint => adjoint::BOUND,
            _ => BOUND,
        };
        Self {
            name: name.into(),
            family,
            statement: statement.into(),
            bound,
            visit: Box::new(visit),
        }
    }

    /// Measures one case after the other, and calls `each` with its result.
    pub fn run(&self, setup: &Setup, mut each: impl FnMut(Case)) {
        (self.visit)(&mut Cases::new(setup, &mut each));
    }

    /// The results of all cases.
    pub fn cases(&self, setup: &Setup) -> Vec<Case> {
        let mut cases = Vec::new();
        self.run(setup, |case| cases.push(case));
        cases
    }
}

/// All checks, family by family.
pub fn checks() -> Vec<Check> {
    [
        operations::checks(),
        losses::checks(),
        [strotss::checks(), nearest::checks()]
            .into_iter()
            .flatten()
            .collect(),
        objective::checks(),
        adjoint::checks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The check with this name.
pub fn check_named(name: &str) -> Option<Check> {
    checks().into_iter().find(|check| check.name == name)
}
