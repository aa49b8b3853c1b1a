//! The thread that paints small what is on the desk, and its variants, so that a change is seen within seconds. It also tells how long the
//! real size takes, and why it cannot be painted.

use super::board::{Progress, Sketch};
use super::desk::{Desk, Estimate};
use super::jpeg::jpeg;
use super::studio::Studio;
use crate::cli::paint::{Painter, break_if};
use crate::cli::request::{self, Files, RunRequest};
use crate::files::picture::{Picture, Size, SizeRequest};
use crate::painting::{Effort, Inputs, Iteration, OptimizerKind, Settings, Stylization};
use anyhow::Context;
use rayon::ThreadPool;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The long edge of a sketch, in pixels.
const EDGE: u32 = 192;
/// Seconds that the iterations of a sketch may take.
const BUDGET: f64 = 3.6;
/// The share of its iterations that a sketch takes if nothing like it was measured, to measure it.
const FIRST: f64 = 0.03;
/// How much longer the steps of a sketch may be that takes fewer of them.
const LONGEST_STEPS: f64 = 8.0;
/// A sketch begins when nothing was changed for this long.
const SETTLED: Duration = Duration::from_millis(200);
/// How often it is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(300);

/// What to paint small.
enum Task {
    Sketch(Desk, u64),
    Variant(Desk, u64),
}

struct Sketcher {
    studio: Arc<Studio>,
    painter: Painter,
    threads: ThreadPool,
    /// The pictures on the desk.
    decoded: HashMap<PathBuf, Picture>,
    /// What the last sketch shows.
    shown: Option<(Settings, Files)>,
}

/// Works until the studio ends.
///
/// # Errors
/// If it cannot begin.
pub fn work(studio: Arc<Studio>, painter: Painter) -> anyhow::Result<()> {
    let mut sketcher = Sketcher {
        threads: studio.network.machine.threads(1)?,
        painter,
        studio,
        decoded: HashMap::new(),
        shown: None,
    };
    while let Some(task) = sketcher.next() {
        // A fault in one sketch is no reason to paint none after it.
        let done = catch_unwind(AssertUnwindSafe(|| match &task {
            Task::Sketch(desk, revision) => sketcher.sketch(desk, *revision),
            Task::Variant(desk, id) => sketcher.variant(desk, *id),
        }));
        if done.is_err() {
            sketcher.painter = sketcher.painter.beside();
            sketcher.give_up(&task);
        }
        sketcher.studio.board().sketching = false;
        sketcher.studio.changed();
    }
    Ok(())
}

impl Sketcher {
    /// Waits for something to do; `None` if the studio ends.
    fn next(&self) -> Option<Task> {
        let mut board = self.studio.board();
        loop {
            if board.ending {
                return None;
            }
            let draft = &board.draft;
            let (quiet, revision) = (draft.changed.elapsed(), draft.revision);
            let outdated = board
                .sketch
                .as_ref()
                .is_none_or(|sketch| sketch.revision != revision);
            if outdated && quiet >= SETTLED {
                let task = Task::Sketch(draft.desk.clone(), revision);
                board.sketching = true;
                return Some(task);
            }
            if !outdated
                && let Some(variant) = board
                    .variants
                    .iter_mut()
                    .find(|variant| variant.state == Progress::Waiting)
            {
                variant.state = Progress::Working;
                let task = Task::Variant(variant.desk.clone(), variant.id);
                board.sketching = true;
                return Some(task);
            }
            let time = if outdated {
                SETTLED - quiet
            } else {
                Duration::from_secs(3600)
            };
            board = self.studio.wait(board, time);
        }
    }

    /// Says that something could not be painted because of a fault in the program.
    fn give_up(&mut self, task: &Task) {
        let error = "a fault in the program, which is described in the terminal".to_owned();
        match task {
            Task::Sketch(_, revision) => self.refuse(*revision, error),
            Task::Variant(_, id) => {
                let mut board = self.studio.board();
                if let Some(variant) = board.variants.iter_mut().find(|other| other.id == *id) {
                    (variant.state, variant.error) = (Progress::Failed, Some(error));
                }
            }
        }
    }

    /// Estimates time and memory of the desk, and sketches it.
    fn sketch(&mut self, desk: &Desk, revision: u64) {
        let begin = Instant::now();
        let request = match self.studio.request(desk, PathBuf::new()) {
            Ok(request) => request,
            Err(refusal) => return self.refuse(revision, refusal.error),
        };
        let shows = (small(&request.settings), request.files.clone());
        let same = self.shown.as_ref() == Some(&shows);
        let run = self.inputs(&request).and_then(|inputs| {
            let effort = self.estimate(&request, inputs.clone(), revision)?;
            Ok((inputs, effort))
        });
        let (inputs, again) = match run {
            Ok(run) => run,
            Err(error) => return self.refuse(revision, format!("{error:#}")),
        };
        let begun = {
            let mut board = self.studio.board();
            let before = board.sketch.take();
            let id = match &before {
                Some(sketch) if same && sketch.state == Progress::Done => sketch.id,
                _ => board.new_id(),
            };
            let same = before.as_ref().is_some_and(|sketch| sketch.id == id);
            board.sketch = Some(match before {
                Some(sketch) if same => Sketch { revision, ..sketch },
                _ => Sketch {
                    id,
                    revision,
                    state: Progress::Working,
                    frame: before.map(|sketch| sketch.frame).unwrap_or_default(),
                    share: 0.0,
                    seconds: 0.0,
                    error: None,
                },
            });
            !same
        };
        self.studio.changed();
        if begun {
            self.shown = None;
            let studio = self.studio.clone();
            let show = |jpeg: Option<Vec<u8>>, share: f64| {
                let mut board = studio.board();
                let outdated = board.draft.revision != revision || board.ending;
                if let Some(sketch) = board
                    .sketch
                    .as_mut()
                    .filter(|sketch| sketch.revision == revision)
                {
                    sketch.share = share;
                    jpeg.into_iter().for_each(|jpeg| sketch.frame.show(jpeg));
                }
                drop(board);
                studio.changed();
                !outdated
            };
            let painted = self.paint(&shows.0, inputs, show);
            let mut board = self.studio.board();
            if let Some(sketch) = board
                .sketch
                .as_mut()
                .filter(|sketch| sketch.revision == revision)
            {
                sketch.seconds = begin.elapsed().as_secs_f64();
                sketch.state = if painted.is_ok() {
                    Progress::Done
                } else {
                    Progress::Failed
                };
                sketch.error = painted.as_ref().err().map(|error| format!("{error:#}"));
            }
            if let Ok(true) = painted {
                self.shown = Some(shows);
            }
        }
        // Now that something like it was measured.
        self.learned(&request, &again, revision);
    }

    /// Paints a variant of the desk.
    fn variant(&mut self, desk: &Desk, id: u64) {
        let studio = self.studio.clone();
        let show = |jpeg: Option<Vec<u8>>, _| {
            let mut board = studio.board();
            let ending = board.ending;
            let variant = board.variants.iter_mut().find(|variant| variant.id == id);
            let wanted = variant.is_some();
            if let Some((variant, jpeg)) = variant.zip(jpeg) {
                variant.frame.show(jpeg);
            }
            drop(board);
            studio.changed();
            wanted && !ending
        };
        let request = self.studio.request(desk, PathBuf::new());
        let request = request.map_err(|refusal| anyhow::anyhow!(refusal.error));
        let painted = request.and_then(|request| {
            let inputs = self.inputs(&request)?;
            self.paint(&small(&request.settings), inputs, show)
        });
        let mut board = self.studio.board();
        if let Some(variant) = board.variants.iter_mut().find(|variant| variant.id == id) {
            variant.state = if painted.is_ok() {
                Progress::Done
            } else {
                Progress::Failed
            };
            variant.error = painted.err().map(|error| format!("{error:#}"));
        }
    }

    /// The pictures of a request. They are decoded once, as long as they are on the desk.
    fn inputs(&mut self, request: &RunRequest) -> anyhow::Result<Inputs> {
        let wanted: Vec<PathBuf> = request.inputs().map(Path::to_owned).collect();
        self.decoded.retain(|path, _| wanted.contains(path));
        for path in wanted {
            if let Entry::Vacant(unknown) = self.decoded.entry(path) {
                let picture = request::open(unknown.key(), "stored", |_| ())?;
                unknown.insert(picture);
            }
        }
        request.inputs_from(|path, _| self.decoded.get(path).cloned().context("it was decoded"))
    }

    /// Says what the picture takes, as far as it is known. Returns what that is told from.
    fn estimate(
        &mut self,
        request: &RunRequest,
        inputs: Inputs,
        revision: u64,
    ) -> anyhow::Result<Known> {
        let memory = request
            .memory
            .beside(&self.studio.folder.path().join("painting.png"));
        let stylization = Stylization::new(inputs)
            .settings(request.settings.clone())
            .engine(request.network.machine.engine()?)
            .memory(memory);
        let run = self
            .painter
            .prepare_run(&stylization, &request.network, &self.threads)?;
        let known = Known {
            effort: run.effort(),
            size: run.size(),
            iterations: run.iterations(),
        };
        self.learned(request, &known, revision);
        Ok(known)
    }

    /// Tells time and memory from what was measured so far.
    fn learned(&self, request: &RunRequest, known: &Known, revision: u64) {
        let estimate = Estimate {
            size: known.size.to_string(),
            iterations: known.iterations,
            seconds: (self.studio.speeds()).left(&request.settings, &known.effort, 0),
            bytes: known.effort.bytes,
        };
        let mut board = self.studio.board();
        if board.draft.revision == revision {
            board.draft.estimate = Some(estimate);
        }
    }

    /// Says why what is on the desk cannot be painted.
    fn refuse(&mut self, revision: u64, trouble: String) {
        self.shown = None;
        let mut board = self.studio.board();
        if board.draft.revision == revision {
            board.draft.trouble = Some(trouble);
        }
        let id = board.new_id();
        board.sketch = Some(Sketch {
            id,
            revision,
            state: Progress::Failed,
            frame: Default::default(),
            share: 0.0,
            seconds: 0.0,
            error: None,
        });
    }

    /// Paints with the settings of a sketch. `show` is given pictures and how far it is, and returns whether to go on. Returns whether it
    /// was painted to its end.
    fn paint(
        &mut self,
        settings: &Settings,
        inputs: Inputs,
        show: impl Fn(Option<Vec<u8>>, f64) -> bool + Send + Sync,
    ) -> anyhow::Result<bool> {
        let network = self.studio.network.clone();
        let stylization = Stylization::new(inputs).engine(network.machine.engine()?);
        let begin = Instant::now();
        for attempt in 0..2 {
            let planned = stylization.clone().settings(settings.clone());
            let effort = self
                .painter
                .prepare_run(&planned, &network, &self.threads)?
                .effort();
            let left = self.studio.speeds().left(settings, &effort, 0);
            let budget = BUDGET - begin.elapsed().as_secs_f64();
            let share = left.map_or(FIRST, |left| (budget / left).clamp(FIRST, 1.0));
            let planned = stylization.clone().settings(shortened(settings, share));
            let run = self
                .painter
                .prepare_run(&planned, &network, &self.threads)?;
            let (mut shown, mut go_on) = (Instant::now(), true);
            let studio = &self.studio;
            let watch = |iteration: &Iteration| {
                studio.measure(settings, iteration);
                let late = begin.elapsed().as_secs_f64() > 1.2 * BUDGET;
                if shown.elapsed() >= SHOWN_EVERY {
                    shown = Instant::now();
                    let share = iteration.iteration as f64 / iteration.iterations as f64;
                    go_on = show(Some(jpeg(&iteration.picture(), EDGE)), share);
                }
                break_if(late || !go_on)
            };
            let painted = self.threads.install(|| run.run(watch))?;
            if !go_on {
                return Ok(false);
            }
            let measured_only = attempt == 0 && left.is_none();
            if !show(Some(jpeg(&painted.picture.to_picture(), EDGE)), 1.0) {
                return Ok(false);
            }
            if !measured_only {
                break;
            }
        }
        Ok(true)
    }
}

/// What a run takes, and what it makes.
struct Known {
    effort: Effort,
    size: Size,
    iterations: usize,
}

/// The settings of a sketch.
fn small(settings: &Settings) -> Settings {
    let size = match settings.size {
        SizeRequest::LongEdge(edge) => SizeRequest::LongEdge(edge.min(EDGE)),
        SizeRequest::Exact(size) => {
            let long = size.width.max(size.height);
            let smaller = SizeRequest::LongEdge(long.min(EDGE)).of(size);
            SizeRequest::Exact(smaller)
        }
    };
    Settings {
        size,
        ..settings.clone()
    }
}

/// The same with this share of the iterations. Steps whose length is set are longer, so that they lead as far, and the mean of the pictures
/// is taken over as large a part of them.
fn shortened(settings: &Settings, share: f64) -> Settings {
    let some = |iterations: u32| (f64::from(iterations) * share).ceil() as u32;
    let longer = match settings.optimizer {
        OptimizerKind::Lbfgs => 1.0,
        OptimizerKind::Adam | OptimizerKind::Rmsprop => (1.0 / share).min(LONGEST_STEPS),
    };
    Settings {
        learning_rate: longer * settings.learning_rate,
        average: settings.average.powf(1.0 / share),
        iterations: some(settings.iterations).max(1),
        finer_iterations: some(settings.finer_iterations),
        split_iterations: some(settings.split_iterations),
        ..settings.clone()
    }
}
