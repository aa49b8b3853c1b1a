//! The state of the studio, which every tab shows: the desk, what is painted now, what waits, and what was painted.

use super::desk::{Desk, DeskView, Estimate};
use super::history::Painted;
use super::pictures::{PictureId, Pictures};
use crate::cli::paint::report::Curve;
use crate::cli::request::RunRequest;
use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The most points of the loss curves that the page shows.
const CURVE_POINTS: usize = 300;

/// A JPEG that the page shows, and how many came before it.
#[derive(Clone, Default)]
pub struct Frame {
    pub number: u64,
    pub jpeg: Bytes,
}

impl Frame {
    /// Replaces it by the next one.
    pub fn show(&mut self, jpeg: Vec<u8>) {
        self.number += 1;
        self.jpeg = jpeg.into();
    }
}

/// How far something is that is painted small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    Waiting,
    Working,
    Done,
    Failed,
}

impl Progress {
    /// How far it is when this has come of it.
    pub fn after<T, E>(result: &Result<T, E>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(_) => Self::Failed,
        }
    }
}

/// What is on the desk, painted small.
pub struct Sketch {
    pub id: u64,
    /// Of the desk.
    pub revision: u64,
    pub state: Progress,
    pub frame: Frame,
    /// From 0 to 1.
    pub share: f64,
    pub seconds: f64,
    pub error: Option<String>,
}

/// The desk with some other settings, painted small.
pub struct Variant {
    pub id: u64,
    pub label: &'static str,
    pub desk: Desk,
    pub state: Progress,
    pub frame: Frame,
    pub error: Option<String>,
}

/// A picture to paint.
#[derive(Clone, Serialize, Deserialize)]
pub struct Job {
    pub id: u64,
    pub title: String,
    pub photo: Option<PictureId>,
    pub request: RunRequest,
}

/// What is to become of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Continue,
    Pause,
    /// End it, and keep the picture as it is.
    Stop,
    /// End it, and keep nothing.
    Discard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Preparing,
    Painting,
    Paused,
    Writing,
}

/// The picture that is being painted.
pub struct Run {
    pub job: Job,
    pub state: Stage,
    pub wish: Wish,
    pub iteration: usize,
    pub iterations: usize,
    pub size: String,
    pub final_size: String,
    pub elapsed: f64,
    pub left: Option<f64>,
    pub frame: Frame,
    pub losses: Curve,
}

impl Run {
    pub fn new(job: Job) -> Self {
        Self {
            job,
            state: Stage::Preparing,
            wish: Wish::Continue,
            iteration: 0,
            iterations: 0,
            size: String::new(),
            final_size: String::new(),
            elapsed: 0.0,
            left: None,
            frame: Frame::default(),
            losses: Curve::new(CURVE_POINTS, Duration::ZERO),
        }
    }
}

/// What the page has set up, and what is known of it.
pub struct Draft {
    pub desk: Desk,
    pub revision: u64,
    /// When it was changed last.
    pub changed: Instant,
    pub estimate: Option<Estimate>,
    pub trouble: Option<String>,
}

/// The state of the studio.
pub struct Board {
    pub draft: Draft,
    pub sketch: Option<Sketch>,
    pub variants: Vec<Variant>,
    pub run: Option<Run>,
    /// What waits, the next first.
    pub queue: Vec<Job>,
    pub history: Vec<Painted>,
    /// Counts its changes.
    pub history_version: u64,
    pub notice: Option<String>,
    /// Whether something is being painted small. Then the run waits.
    pub sketching: bool,
    /// Whether the studio ends.
    pub ending: bool,
    pub next_id: u64,
}

impl Board {
    /// With this on the desk, these jobs and these paintings.
    pub fn new(desk: Desk, queue: Vec<Job>, history: Vec<Painted>) -> Self {
        let next_id = queue.iter().map(|job| job.id + 1).max().unwrap_or(1);
        Self {
            draft: Draft {
                desk,
                revision: 1,
                changed: Instant::now(),
                estimate: None,
                trouble: None,
            },
            sketch: None,
            variants: Vec::new(),
            run: None,
            queue,
            history,
            history_version: 1,
            notice: None,
            sketching: false,
            ending: false,
            next_id,
        }
    }

    /// Says that the history has changed.
    pub fn history_changed(&mut self) {
        self.history_version += 1;
    }

    /// A number that nothing else has.
    pub fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Begins the sketch of a revision of the desk, unless the one that is there shows the `same`. Returns whether it begins.
    pub fn begin_sketch(&mut self, revision: u64, same: bool) -> bool {
        let before = self.sketch.take();
        let done = |sketch: &Sketch| same && sketch.state == Progress::Done;
        let begins = !before.as_ref().is_some_and(done);
        self.sketch = match before {
            Some(sketch) if !begins => Some(Sketch { revision, ..sketch }),
            before => Some(Sketch {
                id: self.new_id(),
                revision,
                state: Progress::Working,
                frame: before.map(|sketch| sketch.frame).unwrap_or_default(),
                share: 0.0,
                seconds: 0.0,
                error: None,
            }),
        };
        begins
    }

    /// The sketch, if it is of this revision of the desk.
    pub fn sketch_of(&mut self, revision: u64) -> Option<&mut Sketch> {
        self.sketch
            .as_mut()
            .filter(|sketch| sketch.revision == revision)
    }

    /// The variant with this number.
    pub fn variant(&mut self, id: u64) -> Option<&mut Variant> {
        self.variants.iter_mut().find(|variant| variant.id == id)
    }

    /// All jobs, the one that is being painted first.
    pub fn jobs(&self) -> Vec<&Job> {
        let running = self.run.iter().map(|run| &run.job);
        running.chain(&self.queue).collect()
    }

    /// The desk as the page sees it.
    pub fn desk_view(&self, pictures: &Pictures) -> DeskView {
        let draft = &self.draft;
        DeskView {
            estimate: draft.estimate.clone(),
            trouble: draft.trouble.clone(),
            ..DeskView::new(&draft.desk, draft.revision, pictures)
        }
    }

    /// All of it, as JSON; the history, which may be long, only if it is not `known`.
    pub fn view(&self, pictures: &Pictures, folder: &str, known: bool) -> Value {
        json!({
            "program": concat!("impasto ", env!("CARGO_PKG_VERSION")),
            "folder": folder,
            "desk": self.desk_view(pictures),
            "sketch": self.sketch.as_ref().map(|sketch| json!({
                "id": sketch.id,
                "revision": sketch.revision,
                "state": sketch.state,
                "frame": sketch.frame.number,
                "progress": sketch.share,
                "seconds": sketch.seconds,
                "error": sketch.error,
            })),
            "variants": self.variants.iter().map(|variant| json!({
                "id": variant.id,
                "label": variant.label,
                "state": variant.state,
                "frame": variant.frame.number,
                "error": variant.error,
            })).collect::<Vec<_>>(),
            "run": self.run.as_ref().map(|run| json!({
                "id": run.job.id,
                "title": run.job.title,
                "state": run.state,
                "iteration": run.iteration,
                "iterations": run.iterations,
                "size": run.size,
                "finalSize": run.final_size,
                "elapsed": run.elapsed,
                "left": run.left,
                "frame": run.frame.number,
                "photo": run.job.photo,
            })),
            "queue": self.queue.iter().map(|job| json!({
                "id": job.id,
                "title": job.title,
                "size": job.request.settings.size.to_string(),
            })).collect::<Vec<_>>(),
            "history": (!known).then_some(&self.history),
            "notice": self.notice,
        })
    }
}
