//! The page of `--report`.

use super::outcome::{DECADES, Outcome, Summary, decades, details};
use crate::cli::paint::report::parts::{document, facts};
use crate::cli::paint::report::{number, power_of_ten};
use crate::gradients::Family;
use maud::{Markup, html};

/// The page, in HTML.
pub fn page(summary: &Summary) -> String {
    let mut numbers = vec![
        ("Checks", summary.checks.len().to_string()),
        ("Cases", summary.cases().to_string()),
        ("Step h", number(summary.step)),
        ("Engines", summary.engines.join(", ")),
        ("Time", format!("{:.1} s", summary.seconds)),
    ];
    if let Some(mistake) = summary.mistake {
        numbers.push(("Mistake in each gradient", mistake.to_owned()));
    }
    let content = html! {
        header {
            h1 { "Every derivative, checked" }
            p.subtitle { (summary.sentence()) }
        }
        p {
            "Each gradient is compared with quotients of differences, (L(x + h) − L(x − h)) / 2h, element by element, in double "
            "precision; each linear operation A with its backward pass Aᵀ, by ⟨Ax, y⟩ = ⟨x, Aᵀy⟩. Bars show the largest relative "
            "error of all cases, from " (power_of_ten(-(DECADES as i32))) " to 1, on a logarithmic scale; the line is the bound."
        }
        (facts(&numbers))
        @for family in Family::ALL {
            @let outcomes = || summary.checks.iter().filter(|outcome| outcome.family == family.name());
            @if outcomes().next().is_some() {
                h2 { (family.name()) }
                div.scroll { table {
                    thead { tr {
                        th scope="col" { "Check" }
                        th.number scope="col" { "Cases" }
                        th.number scope="col" { "Largest error" }
                        th.number scope="col" { "Bound" }
                        th scope="col" { "" }
                        th.number scope="col" { "Time" }
                        th scope="col" { "Verdict" }
                    } }
                    tbody { @for outcome in outcomes() { (row(outcome)) } }
                } }
            }
        }
    };
    document("Every derivative, checked – impasto", &content)
}

fn row(outcome: &Outcome) -> Markup {
    html! {
        tr {
            th scope="row" {
                code { (outcome.name) } br; small { (outcome.statement) }
                @if !outcome.as_expected && let Some(worst) = outcome.worst() {
                    br; small { (worst.name) ": " (details(worst)) }
                }
            }
            td.number { (outcome.cases.len()) }
            td.number { (number(outcome.error)) }
            td.number { (number(outcome.bound)) }
            td { (bar(outcome)) }
            td.number { (format!("{:.2} s", outcome.seconds)) }
            td { span.status.painted-status[outcome.as_expected].failed-status[!outcome.as_expected] { (outcome.verdict) } }
        }
    }
}

/// The error on a logarithmic scale, with a line at the bound.
fn bar(outcome: &Outcome) -> Markup {
    let width = |error: f64| {
        if error.is_finite() {
            8.0 * decades(error)
        } else {
            8.0 * DECADES as f64
        }
    };
    html! {
        svg width=(8 * DECADES) height="20" viewBox={ "0 0 " (8 * DECADES) " 20" } aria-hidden="true" {
            path class="grid" d={ "M0 10H" (8 * DECADES) } {}
            path class=(if outcome.holds { "content" } else { "style" }) d={ "M0 10H" (width(outcome.error)) } {}
            path class="axis" d={ "M" (width(outcome.bound)) " 2V18" } {}
        }
    }
}
