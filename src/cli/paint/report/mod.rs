//! `--report`: a page about a run, with its pictures, settings, losses and times, in one file that can be sent to somebody.
//!
//! A [`RunReport`] collects what the page shows, as an observer of the run. `page` writes the page of one run out of `parts`, which the
//! page of a batch has too. What a page says is escaped by the macro `html!`: names of files come from users.

mod chart;
mod curve;
mod names;
mod numbers;
mod page;
pub mod parts;
mod pictures;
mod settings;
mod thumbnail;

pub use curve::{Curve, Point};
pub use names::{file_name, without_folders};
pub use numbers::{number, power_of_ten, time};
pub use page::run_page;
pub use thumbnail::Thumbnail;

use super::processes::Resumed;
use crate::cli::args::engine_name;
use crate::cli::request::RunRequest;
use crate::engine::EngineKind;
use crate::files::atomic_file::{AtomicFile, AtomicFileError};
use crate::files::picture::Size;
use crate::files::weights::{Loaded, Source};
use crate::painting::{Inputs, Iteration, Painting, Run, Settings};
use anyhow::{anyhow, ensure};
use pictures::Original;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// How much of a run is kept for a page.
#[derive(Clone, Copy)]
pub struct Detail {
    /// The longest edge of the painted picture in the page, in pixels.
    pub painted: u32,
    /// That of each picture it was made from.
    pub original: u32,
    /// The most points of a curve.
    points: usize,
}

impl Detail {
    /// For a page about one run.
    pub const PAGE: Self = Self {
        painted: 1200,
        original: 480,
        points: 2000,
    };

    /// For a page about this many runs. The more there are, the smaller are their pictures: a run takes about 150, 50 or 20 kB of the page.
    pub fn of_many(runs: usize) -> Self {
        let (painted, original) = match runs {
            ..60 => (480, 160),
            60..500 => (240, 96),
            _ => (120, 48),
        };
        Self {
            painted,
            original,
            points: 120,
        }
    }
}

/// What is known of a run before it is prepared.
pub struct Originals {
    detail: Detail,
    pictures: Vec<Original>,
    /// What is said about the weights.
    network: String,
}

impl Originals {
    /// Those of a run with these pictures and weights.
    pub fn new(
        detail: Detail,
        request: &RunRequest,
        inputs: &Inputs,
        weights: (&Source, &Loaded),
    ) -> Self {
        let (source, loaded) = weights;
        let from = match source {
            Source::BuiltIn(_) => "built in".to_owned(),
            Source::File(file) => file_name(file),
        };
        let architecture = loaded.weights.architecture().name;
        Self {
            detail,
            pictures: pictures::originals(request, inputs, detail.original),
            network: format!("{architecture}, {from}, {}", loaded.convention),
        }
    }
}

/// What a page shows of a run.
pub struct RunReport {
    detail: Detail,
    /// The name of the painted picture's file.
    pub name: String,
    originals: Vec<Original>,
    settings: Settings,
    network: String,
    engine: String,
    threads: usize,
    processes: usize,
    pub size: Size,
    /// The number of all iterations.
    iterations: usize,
    /// How many of them were done before the run was resumed.
    done_before: usize,
    curve: Curve,
    painted: Option<Painted>,
}

/// The end of a run.
struct Painted {
    thumbnail: Thumbnail,
    iterations: usize,
}

/// What computes a run.
pub struct Machine {
    pub engine: EngineKind,
    pub threads: usize,
    pub processes: usize,
}

impl RunReport {
    /// Of a run that can begin, or continue.
    pub fn new(
        originals: Originals,
        request: &RunRequest,
        run: &Run,
        machine: &Machine,
        resumed: Option<&Resumed>,
    ) -> Self {
        let detail = originals.detail;
        let done = resumed.map(|resumed| (resumed.state.iterations(), resumed.state.elapsed()));
        let (done_before, elapsed) = done.unwrap_or_default();
        Self {
            detail,
            name: file_name(&request.files.output),
            originals: originals.pictures,
            settings: request.settings.clone(),
            network: originals.network,
            engine: engine_name(machine.engine),
            threads: machine.threads,
            processes: machine.processes,
            size: run.size(),
            iterations: run.iterations(),
            done_before,
            curve: Curve::new(detail.points, elapsed),
            painted: None,
        }
    }

    /// Adds an iteration.
    pub fn observe(&mut self, iteration: &Iteration) {
        let point = Point {
            iteration: iteration.iteration,
            losses: iteration.losses,
        };
        (self.curve).add(point, iteration.size(), iteration.elapsed);
    }

    /// Adds the painted picture.
    pub fn finish(&mut self, painting: &Painting) {
        self.painted = Some(Painted {
            thumbnail: Thumbnail::of_painted(&painting.picture, self.detail.painted),
            iterations: painting.iterations,
        });
    }

    /// Whether it has a painted picture.
    pub fn is_finished(&self) -> bool {
        self.painted.is_some()
    }

    /// How many iterations were made, of all.
    pub fn iterations(&self) -> (usize, usize) {
        let seen = self.curve.ends().map(|(_, last)| last.iteration);
        let painted = self.painted.as_ref().map(|painted| painted.iterations);
        let made = painted.or(seen).unwrap_or(self.done_before);
        (made, self.iterations)
    }

    /// The time of all iterations, also of those before the run was resumed.
    pub fn elapsed(&self) -> Duration {
        self.curve.elapsed()
    }
}

/// A path where a page can be written. Checked before there is anything to write.
pub struct ReportFile(AtomicFile);

impl ReportFile {
    /// Checks the ending, and that a file can be created in the folder. Leaves nothing behind.
    ///
    /// # Errors
    /// If the page cannot be written there.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let ending = ending.unwrap_or_default().to_ascii_lowercase();
        ensure!(
            ["html", "htm"].contains(&ending.as_str()),
            "{shown}: --report writes a page; name a file that ends in .html"
        );
        let file = AtomicFile::new(path).map_err(|error| anyhow!("{shown}: --report: {error}"))?;
        Ok(Self(file))
    }

    /// Writes the page: the whole of it, or nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, page: &str) -> Result<(), AtomicFileError> {
        self.0.write(|file| file.write_all(page.as_bytes()))
    }
}
