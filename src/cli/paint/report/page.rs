//! The page about one run.

use super::RunReport;
use super::parts::{document, facts};
use maud::html;

/// The page, in HTML.
pub fn run_page(run: &RunReport) -> String {
    let content = html! {
        header {
            h1 { (run.name) }
            p.subtitle { (run.made_from()) }
        }
        (run.remarks())
        div.pictures.many[run.count_of_originals() > 3] {
            figure.painted {
                @if let Some(painted) = run.painted() { (painted) }
                figcaption { b { "Painted" } " " span { (run.name) } }
            }
            div.originals { (run.originals()) }
        }
        (facts(&run.facts()))
        section {
            h2 { "Losses" }
            p {
                "The run makes the total loss smaller. It is the sum of three, each times its weight: content, how far the picture is from "
                "the photograph; style, how far it is from the paintings; and smoothness, how much neighboring pixels differ. Each value "
                "is that of the picture before the iteration changed it. Dotted lines mark where the size changes."
            }
            (run.curves())
            div.tables {
                (run.first_and_last_losses())
                (run.times())
            }
        }
        section {
            h2 { "Settings" }
            (facts(&run.loss_weights()))
            (run.changed_settings())
            details {
                summary { "All settings" }
                (run.all_settings())
            }
        }
        section {
            h2 { "Machine" }
            (facts(&run.machine()))
        }
    };
    document(&format!("{} – painted by impasto", run.name), &content)
}
