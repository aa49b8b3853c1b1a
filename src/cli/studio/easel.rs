//! The thread that paints what waits, one picture after the other.

use super::board::{Job, Run, Stage, Wish};
use super::history::Painted;
use super::jpeg::jpeg;
use super::studio::Studio;
use crate::cli::paint::checkpoints::RunDescription;
use crate::cli::paint::report::Point;
use crate::cli::paint::supervisor::{Supervisor, Unfinished};
use crate::cli::paint::{Ended, Painter, Resumed, break_if};
use crate::cli::terminal::say;
use crate::files::checkpoint::{Checkpoint, previous};
use crate::files::picture::{Picture, Size};
use crate::painting::{Iteration, State};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The long edge of the pictures that show how a run develops.
const LIVE_EDGE: u32 = 1024;
/// The most pixels of a painting that is shown with its final colors, as it will be.
const FINISHED_PIXELS: u64 = 4_000_000;
/// The most pixels of a size that is shown at all.
const MOST_PIXELS: u64 = 16_000_000;
/// The shortest time between two of them.
const FRAME_EVERY: Duration = Duration::from_millis(500);
/// The share of the run's time that they may take.
const FRAME_SHARE: f64 = 0.01;

/// Works until the studio ends.
pub fn work(studio: &Arc<Studio>, mut painter: Painter) {
    while let Some(job) = next(studio) {
        let mut supervisor = StudioSupervisor::new(studio.clone());
        let resumed = begun(studio, &job);
        // A fault in one picture is no reason to end the studio, and all that waits.
        let painted = catch_unwind(AssertUnwindSafe(|| {
            painter.paint_under(&job.request, resumed, &mut supervisor)
        }));
        let painted = painted.unwrap_or_else(|_| {
            painter = painter.beside();
            Err(anyhow::anyhow!(
                "a fault in the program, which is described in the terminal"
            ))
        });
        finish(studio, &job, painted, supervisor.wish);
    }
}

/// Waits for a job, and takes it out of the queue; `None` if the studio ends.
fn next(studio: &Studio) -> Option<Job> {
    let mut board = studio.board();
    loop {
        if board.ending {
            return None;
        }
        if !board.queue.is_empty() {
            let job = board.queue.remove(0);
            board.run = Some(Run::new(job.clone()));
            drop(board);
            studio.changed();
            return Some(job);
        }
        board = studio.wait(board, Duration::from_secs(3600));
    }
}

/// The state of a run that was begun before the studio ended, if there is one. A checkpoint that does not help is removed: then the picture
/// is begun anew.
fn begun(studio: &Studio, job: &Job) -> Option<Resumed> {
    let path = studio.folder.checkpoint(job.id);
    if !path.exists() && !previous(&path).exists() {
        return None;
    }
    let opened = Checkpoint::<State>::open(&path).map_err(|error| error.to_string());
    let resumed = opened.and_then(|(Checkpoint { about, state }, _)| {
        let same = |description: &RunDescription| {
            let json = serde_json::to_value(&description.request).ok();
            json == serde_json::to_value(&job.request).ok() && description.changed().is_empty()
        };
        let description = serde_json::from_str(&about).ok().filter(same);
        let description = description.ok_or("its pictures, weights or settings have changed")?;
        let engine = description.engine(|warning| say(format_args!("warning: {warning}")));
        Ok(Resumed { state, engine })
    });
    if let Err(trouble) = &resumed {
        say(format_args!(
            "warning: {}: {trouble}; it is begun anew",
            job.title
        ));
        studio.folder.remove_checkpoint(job.id);
    }
    resumed.ok()
}

/// Writes down how a run has ended: as the page wished, if it `wished` anything.
fn finish(studio: &Studio, job: &Job, painted: anyhow::Result<Ended>, wished: Wish) {
    let path = &job.request.files.output;
    let early = matches!(painted, Ok(Ended::Early));
    if wished == Wish::Discard {
        let _ = std::fs::remove_file(path); // the wish may come in the last iteration
    }
    let new = Painted::open(path.clone(), &studio.pictures);
    let notice = painted.err().map(|error| {
        let kept = studio.folder.keep_checkpoint(job.id, &error);
        let notice = format!("{}: {error:#}{kept}", job.title);
        say(format_args!("{notice}"));
        notice
    });
    let mut board = studio.board();
    board.run = None;
    if early && board.ending && matches!(wished, Wish::Continue | Wish::Pause) {
        // It goes on at the next start, before all others.
        board.queue.insert(0, job.clone());
        return;
    }
    if let Some(new) = new {
        board.history.retain(|other| other.id != new.id);
        board.history.insert(0, new);
        board.history_changed();
    }
    board.notice = notice.or(board.notice.take());
    if let Err(refusal) = studio.save_queue(&board.jobs()) {
        board.notice = Some(refusal.error);
    }
    drop(board);
    studio.folder.remove_checkpoint(job.id);
    studio.save_speeds();
    studio.changed();
}

/// Shows the page how the run goes, and does what the page wishes.
struct StudioSupervisor {
    studio: Arc<Studio>,
    wish: Wish,
    ending: bool,
    /// When the next picture may be shown.
    next_frame: Instant,
}

impl StudioSupervisor {
    fn new(studio: Arc<Studio>) -> Self {
        Self {
            studio,
            wish: Wish::Continue,
            ending: false,
            next_frame: Instant::now(),
        }
    }

    /// The picture as it is now, if somebody looks and one is due. Its time is measured, so that all of them take only a small share of the
    /// run's.
    fn frame(&mut self, iteration: &Iteration) -> Option<Vec<u8>> {
        let begin = Instant::now();
        if begin < self.next_frame || !self.studio.is_watched() {
            return None;
        }
        let pixels = |size: Size| u64::from(size.width) * u64::from(size.height);
        if pixels(iteration.size()) > MOST_PIXELS {
            return None;
        }
        // Enlarged to its final size, a picture may take more memory than the run was planned for.
        let picture = if pixels(iteration.final_size()) > FINISHED_PIXELS {
            Picture::from_array(&iteration.array())
        } else {
            iteration.picture()
        };
        let frame = jpeg(&picture, LIVE_EDGE);
        let pause = begin.elapsed().div_f64(FRAME_SHARE).max(FRAME_EVERY);
        self.next_frame = Instant::now() + pause;
        Some(frame)
    }

    /// How long the rest takes, in seconds.
    fn left(&self, run: &Run, iteration: &Iteration) -> Option<f64> {
        let settings = &run.job.request.settings;
        self.studio.measure(settings, iteration);
        (self.studio.speeds()).left(settings, &iteration.effort(), iteration.iteration)
    }
}

impl Supervisor for StudioSupervisor {
    fn observe(&mut self, iteration: &Iteration) -> bool {
        let frame = self.frame(iteration);
        let mut board = self.studio.board();
        self.ending = board.ending;
        let Some(run) = &mut board.run else {
            return false;
        };
        run.state = Stage::Painting;
        (run.iteration, run.iterations) = (iteration.iteration, iteration.iterations);
        run.size = iteration.size().to_string();
        run.final_size = iteration.final_size().to_string();
        run.elapsed = iteration.elapsed.as_secs_f64();
        run.left = self.left(run, iteration);
        let (number, losses) = (iteration.iteration, iteration.losses);
        let point = Point {
            iteration: number,
            losses,
        };
        run.losses.add(point, iteration.size(), iteration.elapsed);
        frame.into_iter().for_each(|frame| run.frame.show(frame));
        self.wish = run.wish;
        if iteration.iteration == iteration.iterations {
            run.state = Stage::Writing;
        }
        drop(board);
        self.studio.changed();
        // Whatever happens while it is paused, nothing is lost.
        self.ending || self.wish == Wish::Pause
    }

    /// Acts only on what `observe` has seen: then a checkpoint of this iteration is written.
    fn proceed(&mut self) -> ControlFlow<()> {
        let mut board = self.studio.board();
        loop {
            let (ending, sketching) = (board.ending, board.sketching);
            let Some(run) = &mut board.run else {
                return ControlFlow::Break(());
            };
            if self.wish == Wish::Pause {
                self.wish = run.wish;
                self.ending |= ending;
            }
            let ends = self.ending || matches!(self.wish, Wish::Stop | Wish::Discard);
            // If the studio ends now, the next iteration has a checkpoint.
            let waits = self.wish == Wish::Pause || sketching && !ending;
            if ends || !waits {
                if !ends && run.state == Stage::Paused {
                    run.state = Stage::Painting;
                    self.studio.changed();
                }
                return break_if(ends);
            }
            let state = match self.wish {
                Wish::Pause => Stage::Paused,
                _ => Stage::Painting,
            };
            if run.state == state {
                board = self.studio.wait(board, Duration::from_secs(3600));
            } else {
                run.state = state;
                self.studio.changed();
            }
        }
    }

    fn unfinished(&self) -> Unfinished {
        match self.wish {
            Wish::Stop => Unfinished::Write,
            _ => Unfinished::Discard,
        }
    }
}
