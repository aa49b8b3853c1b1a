//! Parts of a page.

use super::chart::{SERIES, chart};
use super::numbers::{number, time, time_of_one};
use super::pictures::Original;
use super::settings::{Row, rows};
use super::{RunReport, Thumbnail};
use crate::files::picture::Size;
use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

/// The program and its version.
const PROGRAM: &str = concat!("impasto ", env!("CARGO_PKG_VERSION"));

/// A whole page with this title. It may contain its own style sheet and pictures in `data:` URIs, and a browser loads and runs nothing
/// else, whatever is in it.
pub fn document(title: &str, content: &Markup) -> String {
    // A browser reads line ends as \n, and hashes these.
    let style = include_str!("style.css").replace("\r\n", "\n");
    let hash = BASE64_STANDARD.encode(Sha256::digest(&style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(PROGRAM);
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                main { (content) }
                footer { "Made by " (PROGRAM) ": neural style transfer on a CPU." }
            }
        }
    };
    page.into_string()
}

/// A picture with a text for those who do not see it.
pub fn image(thumbnail: &Thumbnail, alt: &str) -> Markup {
    let Size { width, height } = thumbnail.size;
    html! { img src=(thumbnail.uri) width=(width) height=(height) alt=(alt); }
}

/// `512 × 341`
pub fn dimensions(size: Size) -> String {
    format!("{} × {}", size.width, size.height)
}

/// What a run is made from: `cat.jpg in the style of night.jpg`.
pub fn made_from(photograph: Option<&str>, paintings: &[&str]) -> String {
    let paintings = match paintings {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    };
    match (photograph, paintings.is_empty()) {
        (Some(photograph), false) => format!("{photograph} in the style of {paintings}"),
        (Some(photograph), true) => format!("What a layer of the network knows of {photograph}"),
        (None, _) => format!("A texture with the style of {paintings}"),
    }
}

/// A list with breaks allowed behind its commas.
fn breakable(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split(',').enumerate() {
            @if at > 0 { "," wbr; }
            (part)
        }
    }
}

impl RunReport {
    /// The painted picture, if there is one.
    pub fn painted(&self) -> Option<Markup> {
        let painted = self.painted.as_ref()?;
        Some(image(
            &painted.thumbnail,
            &format!("The painted picture, {}", self.name),
        ))
    }

    /// What it is made from, in words.
    pub fn made_from(&self) -> String {
        let files = |what: &str| -> Vec<_> {
            let originals = self.originals.iter();
            let originals = originals.filter(|original| original.what.starts_with(what));
            originals.map(|original| original.file.as_str()).collect()
        };
        made_from(files("Photograph").first().copied(), &files("Painting"))
    }

    /// How many pictures it is made from, with masks.
    pub fn count_of_originals(&self) -> usize {
        self.originals.len()
    }

    /// The pictures that it is made from.
    pub fn originals(&self) -> Markup {
        let figure = |original: &Original| {
            let Original {
                what,
                file,
                size,
                thumbnail,
            } = original;
            html! {
                figure {
                    (image(thumbnail, &format!("{what}, {file}")))
                    figcaption { b { (what) } " " span { (file) } " " small { (dimensions(*size)) } }
                }
            }
        };
        html! { @for original in &self.originals { (figure(original)) } }
    }

    /// What is to be known of a run that was resumed, or ended early.
    pub fn remarks(&self) -> Markup {
        let (made, all) = self.iterations();
        html! {
            @if made < all {
                p.remark { strong { "Ended early" } ", by Ctrl-C, after iteration " (made) " of " (all) "." }
            }
            @if self.done_before > 0 {
                p.remark {
                    strong { "Continued" } " from a checkpoint after iteration " (self.done_before)
                    ": the losses before that are not shown, and the times of the sizes are of what came since."
                }
            }
        }
    }

    /// Size, iterations and time.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let (made, all) = self.iterations();
        let iterations = if made < all {
            format!("{made} of {all}")
        } else {
            made.to_string()
        };
        vec![
            ("Size in pixels", dimensions(self.size)),
            ("Iterations", iterations),
            ("Time", time(self.elapsed())),
            ("An iteration", time_of_one(self.elapsed(), made)),
        ]
    }

    /// The machine, and what it computed with.
    pub fn machine(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("Engine", self.engine.clone()),
            ("CPU", std::env::consts::ARCH.to_owned()),
            ("Threads", self.threads.to_string()),
        ];
        if self.processes > 1 {
            facts.push(("Processes", self.processes.to_string()));
        }
        facts.push(("Network", self.network.clone()));
        facts.push(("Program", PROGRAM.to_owned()));
        facts
    }

    /// How much each loss counts.
    pub fn loss_weights(&self) -> Vec<(&'static str, String)> {
        let settings = &self.settings;
        let has = |what: &str| {
            self.originals
                .iter()
                .any(|original| original.what.starts_with(what))
        };
        let mut facts = Vec::new();
        if has("Photograph") {
            facts.push(("Content weight", settings.content_weight.to_string()));
        }
        if has("Painting") {
            facts.push(("Style weight", settings.style_weight.to_string()));
        }
        facts.push(("Smoothness weight", settings.tv_weight.to_string()));
        facts
    }

    /// The curves of the losses.
    pub fn curves(&self) -> Markup {
        html! {
            figure.losses {
                (chart(&self.curve))
                @if self.curve.step() > 1 {
                    figcaption { "Every " (self.curve.step()) "th iteration is drawn." }
                }
            }
        }
    }

    /// The first and the last losses. The text is rounded; the value of the element `data` is not.
    pub fn first_and_last_losses(&self) -> Markup {
        let Some((first, last)) = self.curve.ends() else {
            return html! {};
        };
        html! {
            div.scroll { table {
                caption { "First and last losses, each times its weight" }
                thead { tr {
                    th scope="col" { "Loss" }
                    @for point in [first, last] { th.number scope="col" { "Iteration " (point.iteration) } }
                } }
                tbody { @for series in SERIES.iter().rev() { tr {
                    th scope="row" { (series.name) }
                    @for point in [first, last] {
                        @let value = (series.value)(&point.losses);
                        td.number { data value=(value) { (number(value)) } }
                    }
                } } }
            } }
        }
    }

    /// How long each size took.
    pub fn times(&self) -> Markup {
        html! {
            div.scroll { table {
                caption { "Times" }
                thead { tr {
                    th scope="col" { "Size" }
                    th.number scope="col" { "Iterations" }
                    th.number scope="col" { "Time" }
                    th.number scope="col" { "An iteration" }
                } }
                tbody { @for span in self.curve.spans() { tr {
                    th scope="row" { (dimensions(span.size)) }
                    td.number { (span.iterations) }
                    td.number { (time(span.time)) }
                    td.number { (time_of_one(span.time, span.iterations)) }
                } } }
            } }
        }
    }

    /// The settings that differ from their defaults.
    pub fn changed_settings(&self) -> Markup {
        let mut rows = rows(&self.settings);
        rows.retain(Row::is_changed);
        if rows.is_empty() {
            return html! { p { "All settings have their defaults." } };
        }
        settings_table("Settings that differ from their defaults", &rows)
    }

    /// The same in one line for each.
    pub fn changed_settings_in_short(&self) -> Vec<(String, String)> {
        let rows = rows(&self.settings).into_iter();
        let changed = rows.filter(Row::is_changed);
        changed.map(|row| (row.name, row.value)).collect()
    }

    /// All settings.
    pub fn all_settings(&self) -> Markup {
        settings_table("All settings", &rows(&self.settings))
    }
}

fn settings_table(caption: &str, rows: &[Row]) -> Markup {
    html! {
        table.settings {
            caption { (caption) }
            thead { tr {
                th scope="col" { "Setting" }
                th scope="col" { "Value" }
                th scope="col" { "Default" }
            } }
            tbody { @for row in rows { tr {
                th scope="row" { code { (row.name) } small { (row.help) } }
                td { code { (breakable(&row.value)) } }
                td { code { (breakable(&row.default)) } }
            } } }
        }
    }
}

/// Names and values.
pub fn facts(facts: &[(impl AsRef<str>, String)]) -> Markup {
    html! {
        dl.facts { @for (name, value) in facts { div { dt { (name.as_ref()) } dd { (value) } } } }
    }
}
