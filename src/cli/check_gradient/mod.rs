//! `impasto check-gradient`: every derivative against finite differences, as a report that a class can watch.

mod lines;
mod outcome;
mod page;

use super::args::EngineName;
use super::paint::report::ReportFile;
use super::terminal::say;
use crate::gradients::{Check, Mistake, Setup, checks};
use anyhow::{Context, anyhow, ensure};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use outcome::{Outcome, Summary};
use rayon::ThreadPoolBuilder;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check every derivative that is written in this program against finite differences, and print the errors
///
/// Each check is about one operation, loss or objective, in many cases: shapes, paddings, masks, engines. It compares the gradient
/// with quotients of differences, (L(x + h) − L(x − h)) / 2h, element by element; or a linear operation with its backward pass, which
/// must be its adjoint. A line is printed as soon as a check has ended. The exit code is 1 if a derivative is wrong.
#[derive(Args)]
pub struct CheckGradient {
    /// Only checks whose name has this in it, or of this family: operations, losses, methods, objective, adjoint [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Print what each check is about, and check nothing
    #[arg(long)]
    list: bool,

    /// Only the cases of this engine; those that need none are checked with either [default: both]
    /// [env: IMPASTO_CPU=avx512|avx2|neon|portable, for the fast engine]
    #[arg(
        long,
        value_enum,
        value_name = "fast|reference",
        hide_possible_values = true
    )]
    engine: Option<EngineName>,

    /// The step h of the finite differences, above 0 and up to 1. A long one is wrong by truncation, a short one by rounding: with
    /// either, right derivatives fail [default: 1e-5]
    #[arg(long, value_name = "H", value_parser = step)]
    step: Option<f64>,

    /// Make a mistake in every gradient first, to see that the checks notice. The exit code is 1 if one does not
    #[arg(long, value_name = "MISTAKE", value_parser = mistakes())]
    sabotage: Option<Mistake>,

    /// Print the error of each case, too
    #[arg(short, long, conflicts_with = "json")]
    verbose: bool,

    /// Print one JSON object, with all cases, instead of lines. An error that is no number is null
    #[arg(long)]
    json: bool,

    /// Write a page with the result to this file
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

/// The mistakes by their names, with what they are in the help.
fn mistakes() -> impl TypedValueParser<Value = Mistake> {
    let values =
        Mistake::ALL.map(|mistake| PossibleValue::new(mistake.name()).help(mistake.description()));
    PossibleValuesParser::new(values).map(|name| {
        let mut all = Mistake::ALL.into_iter();
        all.find(|mistake| mistake.name() == name)
            .expect("only these names are possible")
    })
}

fn step(text: &str) -> Result<f64, String> {
    let step: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    let fits = step > 0.0 && step <= 1.0;
    fits.then_some(step)
        .ok_or_else(|| "not above 0 and up to 1".to_owned())
}

impl CheckGradient {
    /// Checks, and prints the result.
    ///
    /// # Errors
    /// If there is no such check, or the page cannot be written.
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let checks = self.chosen()?;
        let report = self.report.as_deref().map(ReportFile::new).transpose()?;
        let mut out = std::io::stdout().lock();
        if self.list {
            lines::list(&mut out, &checks).context(UNPRINTED)?;
            return Ok(ExitCode::SUCCESS);
        }
        let setup = self.setup()?;
        // The operands are so small that to wake other threads would take longer than the work.
        let pool = ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|error| anyhow!("no thread can be started: {error}"))?;
        let mut outcomes: Vec<Outcome> = Vec::new();
        if !self.json {
            lines::head(&mut out, &setup).context(UNPRINTED)?;
        }
        for check in &checks {
            let outcome = pool.install(|| Outcome::of(check, &setup));
            if !self.json {
                let before = outcomes.last().map(|outcome| outcome.family);
                if before != Some(outcome.family) {
                    lines::family(&mut out, check.family).context(UNPRINTED)?;
                }
                lines::outcome(&mut out, &outcome, self.verbose).context(UNPRINTED)?;
            }
            outcomes.push(outcome);
        }
        let summary = Summary::new(&setup, outcomes);
        let printed = if self.json {
            writeln!(out, "{}", serde_json::to_string(&summary)?)
        } else {
            lines::summary(&mut out, &summary)
        };
        printed.context(UNPRINTED)?;
        if let (Some(file), Some(path)) = (report, &self.report) {
            file.write(&page::page(&summary))
                .with_context(|| format!("{}: --report", path.display()))?;
            say(format_args!("wrote {}", path.display()));
        }
        Ok(match summary.as_expected {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }

    /// The checks that the names ask for.
    fn chosen(&self) -> anyhow::Result<Vec<Check>> {
        let mut checks = checks();
        let names =
            |name: &str, check: &Check| check.family.name() == name || check.name.contains(name);
        for name in &self.names {
            ensure!(
                !name.is_empty() && checks.iter().any(|check| names(name, check)),
                "no check has {name:?} in its name; impasto check-gradient --list prints the names"
            );
        }
        checks.retain(|check| {
            self.names.is_empty() || self.names.iter().any(|name| names(name, check))
        });
        Ok(checks)
    }

    fn setup(&self) -> anyhow::Result<Setup> {
        let engines = match self.engine {
            Some(engine) => vec![engine],
            None => vec![EngineName::Reference, EngineName::Fast],
        };
        let engines: anyhow::Result<_> = engines.into_iter().map(EngineName::kind).collect();
        let default = Setup::default();
        Ok(Setup {
            step: self.step.unwrap_or(default.step),
            engines: engines?,
            mistake: self.sabotage,
        })
    }
}

const UNPRINTED: &str = "the result cannot be printed";
