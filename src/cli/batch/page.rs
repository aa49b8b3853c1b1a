//! `impasto batch --report`: one page about all jobs of a call.

use super::Tally;
use super::task::Task;
use crate::cli::paint::report::parts::{dimensions, document, facts, image, made_from};
use crate::cli::paint::report::{
    Detail, ReportFile, RunReport, Thumbnail, file_name, time, without_folders,
};
use crate::cli::terminal::say;
use crate::files::picture::{Picture, Size};
use maud::{Markup, html};
use std::path::Path;

/// Collects what the page shows. A job takes about as much memory as space in the page: see [`Detail::of_many`].
pub struct BatchReport {
    file: ReportFile,
    detail: Detail,
    /// What was painted: the name of a list, or of two folders.
    title: String,
    /// The number of all jobs, also of those that other processes paint.
    count: usize,
    cards: Vec<Card>,
}

/// A job.
struct Card {
    number: usize,
    /// The name of the painted picture's file.
    name: String,
    /// What it is made from, in words.
    made_from: String,
    outcome: Outcome,
}

enum Outcome {
    Painted(Box<RunReport>),
    /// The picture was there already.
    Skipped(Option<(Thumbnail, Size)>),
    /// Ctrl-C ended it. Nothing is known of one that had not begun.
    Early(Option<Box<RunReport>>),
    /// Why.
    Failed(String),
}

impl BatchReport {
    /// For `count` tasks, of which this process has `mine`.
    ///
    /// # Errors
    /// If the page cannot be written.
    pub fn new(file: &Path, title: String, count: usize, mine: usize) -> anyhow::Result<Self> {
        Ok(Self {
            file: ReportFile::new(file)?,
            detail: Detail::of_many(mine),
            title,
            count,
            cards: Vec::new(),
        })
    }

    /// How much is kept of each run.
    pub fn detail(&self) -> Detail {
        self.detail
    }

    /// Adds a job that was painted.
    pub fn painted(&mut self, number: usize, task: &Task, run: Option<RunReport>) {
        if let Some(run) = run {
            self.add(number, task, Outcome::Painted(Box::new(run)));
        }
    }

    /// Adds a job that Ctrl-C ended.
    pub fn ended_early(&mut self, number: usize, task: &Task, run: Option<RunReport>) {
        self.add(number, task, Outcome::Early(run.map(Box::new)));
    }

    /// Adds a job whose picture was there already.
    pub fn skipped(&mut self, number: usize, task: &Task) {
        let picture = Picture::open(&task.request.files.output).ok();
        let shown = picture.map(|(picture, _)| {
            let thumbnail = Thumbnail::of(&picture, self.detail.painted);
            (thumbnail, picture.size())
        });
        self.add(number, task, Outcome::Skipped(shown));
    }

    /// Adds a job that failed, and why.
    pub fn failed(&mut self, number: usize, task: &Task, error: &anyhow::Error) {
        let reason = without_folders(&format!("{error:#}"), &task.request);
        self.add(number, task, Outcome::Failed(reason));
    }

    fn add(&mut self, number: usize, task: &Task, outcome: Outcome) {
        let files = &task.request.files;
        let photograph = files.content.as_deref().map(file_name);
        let paintings: Vec<_> = files.style.iter().map(|file| file_name(file)).collect();
        let paintings: Vec<_> = paintings.iter().map(String::as_str).collect();
        self.cards.push(Card {
            number,
            name: file_name(&files.output),
            made_from: made_from(photograph.as_deref(), &paintings),
            outcome,
        });
    }

    /// Writes the page of a batch that ended so, with this many jobs left. Warns if that fails: the pictures are there.
    pub fn write(&self, tally: &Tally, left: usize) {
        if let Err(error) = self.file.write(&self.page(tally, left)) {
            say(format_args!("warning: no report: {error}"));
        }
    }

    fn page(&self, tally: &Tally, left: usize) -> String {
        let mut numbers = vec![
            ("Painted", tally.painted.to_string()),
            ("Skipped", tally.skipped.to_string()),
            ("Failed", tally.failed.len().to_string()),
        ];
        if left > 0 {
            numbers.push(("Left", left.to_string()));
        }
        let mine = self.cards.len();
        let content = html! {
            header {
                h1 { (self.title) }
                p.subtitle {
                    "A batch of " (self.count) @if self.count == 1 { " job" } @else { " jobs" }
                    @if mine < self.count && left == 0 { ", of which this page has " (mine) }
                }
            }
            @if left > 0 {
                p.remark { strong { "Ended early" } ", by Ctrl-C. The same command continues with what is left." }
            }
            (facts(&numbers))
            h2 #jobs { "Jobs" }
            (self.list())
            h2 { "Pictures" }
            div.cards { @for card in &self.cards { (card.article()) } }
            @if let Some(run) = self.cards.iter().find_map(Card::painted) {
                h2 { "Machine" }
                (facts(&run.machine()))
            }
        };
        document(&format!("{} – painted by impasto", self.title), &content)
    }

    /// A table of all jobs.
    fn list(&self) -> Markup {
        html! {
            div.scroll { table {
                caption { "Jobs of this call, in the order of the list" }
                thead { tr {
                    th scope="col" { "Job" }
                    th scope="col" { "Picture" }
                    th scope="col" { "Ended" }
                    th.number scope="col" { "Time" }
                } }
                tbody { @for card in &self.cards { tr {
                    td { (card.number) }
                    th scope="row" { a href={ "#job-" (card.number) } { (card.name) } }
                    td { (card.status()) }
                    td.number { @if let Some(run) = card.painted() { (time(run.elapsed())) } }
                } } }
            } }
        }
    }
}

impl Card {
    /// What is known of a run that was painted.
    fn painted(&self) -> Option<&RunReport> {
        match &self.outcome {
            Outcome::Painted(run) => Some(run),
            _ => None,
        }
    }

    fn status(&self) -> Markup {
        match &self.outcome {
            Outcome::Painted(_) => html! { span.status.painted-status { "painted" } },
            Outcome::Skipped(_) => html! { span.status { "skipped" } },
            Outcome::Early(_) => html! { span.status { "ended early" } },
            Outcome::Failed(_) => html! { span.status.failed-status { "failed" } },
        }
    }

    fn article(&self) -> Markup {
        html! {
            article.card #{ "job-" (self.number) } {
                h3 { (self.name) }
                p.made-from { (self.made_from) }
                (self.content())
                p { "Job " (self.number) ": " (self.status()) ". " a href="#jobs" { "All jobs" } }
            }
        }
    }

    fn content(&self) -> Markup {
        match &self.outcome {
            Outcome::Painted(run) => html! {
                @if let Some(picture) = run.painted() { (picture) }
                div.originals { (run.originals()) }
                (run.remarks())
                (facts(&run.facts()))
                (run.curves())
                @let settings = run.changed_settings_in_short();
                @if !settings.is_empty() {
                    details {
                        summary { "Settings that differ from their defaults" }
                        (facts(&settings))
                    }
                }
            },
            Outcome::Skipped(shown) => html! {
                @if let Some((thumbnail, size)) = shown {
                    (image(thumbnail, &format!("The painted picture, {}", self.name)))
                    (facts(&[("Size in pixels", dimensions(*size))]))
                }
                p { "The picture was there already." }
            },
            Outcome::Early(None) => html! { p { "It was not begun." } },
            Outcome::Early(Some(run)) => html! {
                div.originals { (run.originals()) }
                (run.remarks())
                (run.curves())
            },
            Outcome::Failed(reason) => html! { p { strong { "Why it failed: " } (reason) } },
        }
    }
}
