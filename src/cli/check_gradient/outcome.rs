//! What the checks found.

use crate::cli::args::engine_name;
use crate::gradients::{Case, Check, Mistake, Setup};
use serde::Serialize;
use std::time::Instant;

/// The outcome of one check.
#[derive(Serialize)]
pub struct Outcome {
    pub name: String,
    pub family: &'static str,
    pub statement: String,
    /// The largest error over all cases.
    pub error: f64,
    pub bound: f64,
    /// Whether no case is beyond the bound.
    pub holds: bool,
    /// Whether it holds; or does not, if there is a mistake.
    pub as_expected: bool,
    /// What is said of it.
    pub verdict: &'static str,
    pub seconds: f64,
    pub cases: Vec<Case>,
}

impl Outcome {
    /// Measures all cases.
    pub fn of(check: &Check, setup: &Setup) -> Self {
        let begin = Instant::now();
        let cases = check.cases(setup);
        let error = cases.iter().map(|case| case.error).fold(0.0, f64::max);
        let holds = error <= check.bound;
        let (as_expected, verdict) = match (setup.mistake, holds) {
            (None, true) => (true, "pass"),
            (None, false) => (false, "FAIL"),
            (Some(_), false) => (true, "noticed"),
            (Some(_), true) => (false, "MISSED"),
        };
        Self {
            name: check.name.clone(),
            family: check.family.name(),
            statement: check.statement.clone(),
            error,
            bound: check.bound,
            holds,
            as_expected,
            verdict,
            seconds: begin.elapsed().as_secs_f64(),
            cases,
        }
    }

    /// The case with the largest error.
    pub fn worst(&self) -> Option<&Case> {
        let cases = self.cases.iter();
        cases.max_by(|a, b| a.error.total_cmp(&b.error))
    }
}

/// All outcomes.
#[derive(Serialize)]
pub struct Summary {
    /// Whether each check is as expected.
    pub as_expected: bool,
    pub step: f64,
    pub engines: Vec<String>,
    /// The mistake in all gradients, in words.
    pub mistake: Option<&'static str>,
    pub seconds: f64,
    pub checks: Vec<Outcome>,
}

impl Summary {
    pub fn new(setup: &Setup, checks: Vec<Outcome>) -> Self {
        Self {
            as_expected: checks.iter().all(|outcome| outcome.as_expected),
            step: setup.step,
            engines: setup.engines.iter().copied().map(engine_name).collect(),
            mistake: setup.mistake.map(Mistake::description),
            seconds: checks.iter().map(|outcome| outcome.seconds).sum(),
            checks,
        }
    }

    /// How many cases there are.
    pub fn cases(&self) -> usize {
        self.checks.iter().map(|outcome| outcome.cases.len()).sum()
    }

    /// The outcomes that are not as expected.
    pub fn unexpected(&self) -> Vec<&Outcome> {
        let outcomes = self.checks.iter();
        outcomes.filter(|outcome| !outcome.as_expected).collect()
    }

    /// The result, in a sentence.
    pub fn sentence(&self) -> String {
        let unexpected = self.unexpected();
        let all = self.checks.len();
        let of = if all == 1 { "check" } else { "checks" };
        match (self.mistake, unexpected.len()) {
            (None, 0) => format!(
                "{all} {of}, {} cases: every derivative is right",
                self.cases()
            ),
            (None, n) => format!("{n} of {all} {of} failed: {}", names(&unexpected)),
            (Some(_), 0) => format!("{all} {of}: the mistake is noticed in each"),
            (Some(_), n) => format!(
                "{n} of {all} {of} missed the mistake: {}",
                names(&unexpected)
            ),
        }
    }
}

fn names(outcomes: &[&Outcome]) -> String {
    let names: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.name.as_str())
        .collect();
    names.join(", ")
}

/// What is known of a case beside its error: which element is wrong, or what else.
pub fn details(case: &Case) -> String {
    match (&case.remark, &case.worst) {
        (Some(remark), _) => remark.clone(),
        (None, Some(worst)) => format!(
            "element {:?} is {:.7e}, finite differences give {:.7e}",
            worst.at, worst.claimed, worst.measured
        ),
        (None, None) => "⟨Ax, y⟩ is not ⟨x, Aᵀy⟩".to_owned(),
    }
}

/// Decades that a bar shows: from 1e-16, which is rounding, to 1.
pub const DECADES: usize = 16;

/// How many decades above the lowest an error is.
pub fn decades(error: f64) -> f64 {
    (error.log10() + DECADES as f64).clamp(0.0, DECADES as f64)
}
