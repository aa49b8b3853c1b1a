//! The thread that paints small what is on the desk, and its variants, so that a change is seen within seconds. It also tells how long the
//! real size takes, and why it cannot be painted.

use super::board::Progress;
use super::desk::{Desk, Estimate};
use super::small::{SmallPainter, small};
use super::studio::Studio;
use crate::cli::paint::Painter;
use crate::cli::request::{self, Files, RunRequest};
use crate::files::picture::{Picture, Size};
use crate::painting::{Effort, Inputs, Settings, Stylization};
use anyhow::Context;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A sketch begins when nothing was changed for this long.
const SETTLED: Duration = Duration::from_millis(200);
/// What to paint small.
enum Task {
    Sketch(Desk, u64),
    Variant(Desk, u64),
}

struct Sketcher {
    studio: Arc<Studio>,
    small: SmallPainter,
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
    let small = SmallPainter {
        threads: studio.network.machine.threads(1)?,
        painter,
        studio: studio.clone(),
    };
    let mut sketcher = Sketcher {
        studio,
        small,
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
            sketcher.small.painter = sketcher.small.painter.beside();
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
                if let Some(variant) = board.variant(*id) {
                    (variant.state, variant.error) = (Progress::Failed, Some(error));
                }
            }
        }
    }

    /// Estimates time and memory of the desk, and sketches it.
    fn sketch(&mut self, desk: &Desk, revision: u64) {
        let request = match self.studio.request(desk, PathBuf::new()) {
            Ok(request) => request,
            Err(refusal) => return self.refuse(revision, refusal.error),
        };
        let prepared = self.inputs(&request).and_then(|inputs| {
            let known = self.estimate(&request, inputs.clone(), revision)?;
            Ok((inputs, known))
        });
        let (inputs, known) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.refuse(revision, format!("{error:#}")),
        };
        let shows = (small(&request.settings), request.files.clone());
        let same = self.shown.as_ref() == Some(&shows);
        let begun = self.studio.board().begin_sketch(revision, same);
        self.studio.changed();
        if begun {
            self.shown = None;
            if self.paint_sketch(&shows.0, inputs, revision) {
                self.shown = Some(shows);
            }
        }
        // Now that something like it was measured.
        self.learned(&request, &known, revision);
    }

    /// Paints the sketch of this revision of the desk. Returns whether it was painted to its end.
    fn paint_sketch(&mut self, settings: &Settings, inputs: Inputs, revision: u64) -> bool {
        let begin = Instant::now();
        let studio = self.studio.clone();
        let show = |jpeg, share| {
            let mut board = studio.board();
            let wanted = board.draft.revision == revision && !board.ending;
            if let Some(sketch) = board.sketch_of(revision) {
                sketch.share = share;
                sketch.frame.show(jpeg);
            }
            drop(board);
            studio.changed();
            wanted
        };
        let painted = self.small.paint(settings, inputs, show);
        let mut board = self.studio.board();
        if let Some(sketch) = board.sketch_of(revision) {
            sketch.seconds = begin.elapsed().as_secs_f64();
            sketch.state = Progress::after(&painted);
            sketch.error = painted.as_ref().err().map(|error| format!("{error:#}"));
        }
        painted.unwrap_or(false)
    }

    /// Paints a variant of the desk.
    fn variant(&mut self, desk: &Desk, id: u64) {
        let studio = self.studio.clone();
        let show = |jpeg, _| {
            let mut board = studio.board();
            let wanted = board.variant(id).is_some() && !board.ending;
            if let Some(variant) = board.variant(id) {
                variant.frame.show(jpeg);
            }
            drop(board);
            studio.changed();
            wanted
        };
        let request = self.studio.request(desk, PathBuf::new());
        let request = request.map_err(|refusal| anyhow::anyhow!(refusal.error));
        let painted = request.and_then(|request| {
            let inputs = self.inputs(&request)?;
            self.small.paint(&small(&request.settings), inputs, show)
        });
        let mut board = self.studio.board();
        if let Some(variant) = board.variant(id) {
            variant.state = Progress::after(&painted);
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
        let SmallPainter {
            painter, threads, ..
        } = &mut self.small;
        let run = painter.prepare_run(&stylization, &request.network, threads)?;
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
        board.begin_sketch(revision, false);
        if let Some(sketch) = &mut board.sketch {
            (sketch.state, sketch.frame) = (Progress::Failed, Default::default());
        }
    }
}

/// What a run takes, and what it makes.
struct Known {
    effort: Effort,
    size: Size,
    iterations: usize,
}
