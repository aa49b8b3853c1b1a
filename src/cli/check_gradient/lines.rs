//! The outcomes as lines for a terminal.

use super::outcome::{DECADES, Outcome, Summary, decades, details};
use crate::cli::args::engine_name;
use crate::gradients::{Check, Family, Setup};
use std::io::{Result, Write};

/// What each check is about.
pub fn list(out: &mut impl Write, checks: &[Check]) -> Result<()> {
    for check in checks {
        writeln!(
            out,
            "{:10} {:24} {}",
            check.family.name(),
            check.name,
            check.statement
        )?;
    }
    Ok(())
}

/// How it is measured, and what the columns are.
pub fn head(out: &mut impl Write, setup: &Setup) -> Result<()> {
    let engines: Vec<_> = setup.engines.iter().copied().map(engine_name).collect();
    writeln!(
        out,
        "step h = {:e}, in double precision; engines: {}",
        setup.step,
        engines.join(", ")
    )?;
    if let Some(mistake) = setup.mistake {
        writeln!(
            out,
            "with a mistake in each gradient: {}",
            mistake.description()
        )?;
    }
    writeln!(
        out,
        "A bar is the largest relative error of all cases, from 1e-{DECADES} to 1, a decade for each letter; │ is the bound."
    )
}

/// The title of a family.
pub fn family(out: &mut impl Write, family: Family) -> Result<()> {
    writeln!(
        out,
        "\n{:24} {:>5}  {:>7}  {:>5}",
        family.name(),
        "cases",
        "error",
        "bound"
    )
}

/// A line for a check. If it is not as expected, lines about its worst case; with `all`, lines for each case.
pub fn outcome(out: &mut impl Write, outcome: &Outcome, all: bool) -> Result<()> {
    writeln!(
        out,
        "{:24} {:5}  {:>7}  {:>5}  {}  {:5.2} s  {}",
        outcome.name,
        outcome.cases.len(),
        short(outcome.error),
        format!("{:e}", outcome.bound),
        bar(outcome.error, outcome.bound),
        outcome.seconds,
        outcome.verdict
    )?;
    if all {
        for case in &outcome.cases {
            writeln!(out, "  {:>7}  {}", short(case.error), case.name)?;
        }
    }
    if !outcome.as_expected
        && let Some(worst) = outcome.worst()
    {
        writeln!(out, "    {}: {}", worst.name, details(worst))?;
    }
    out.flush()
}

/// The result of all checks.
pub fn summary(out: &mut impl Write, summary: &Summary) -> Result<()> {
    writeln!(out, "\n{}, in {:.1} s", summary.sentence(), summary.seconds)
}

/// An error with two digits.
fn short(error: f64) -> String {
    match error {
        0.0 => "0".to_owned(),
        error if error.is_finite() => format!("{error:.1e}"),
        _ => "none".to_owned(),
    }
}

/// An error on a logarithmic scale, with a mark at the bound.
fn bar(error: f64, bound: f64) -> String {
    let filled = if error.is_finite() {
        decades(error).ceil() as usize
    } else {
        DECADES
    };
    let bound = decades(bound).round() as usize;
    let mut bar = String::new();
    for decade in 0..DECADES {
        if decade == bound {
            bar.push('│');
        }
        bar.push(if decade < filled { '█' } else { '·' });
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_passes_the_mark_if_the_error_is_beyond_the_bound() {
        assert_eq!(bar(0.0, 1e-6), "··········│······");
        assert_eq!(bar(3e-10, 1e-6), "███████···│······");
        assert_eq!(bar(1e-6, 1e-6), "██████████│······");
        assert_eq!(bar(2e-6, 1e-6), "██████████│█·····");
        assert_eq!(bar(f64::INFINITY, 1e-13), "███│█████████████");
        assert_eq!(bar(7.0, 1e-13), "███│█████████████");
    }

    #[test]
    fn errors_have_two_digits() {
        assert_eq!([0.0, 1.26e-9, 3.0].map(short), ["0", "1.3e-9", "3.0e0"]);
        assert_eq!(short(f64::INFINITY), "none");
    }
}
