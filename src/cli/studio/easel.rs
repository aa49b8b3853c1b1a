//! The thread that paints what waits, one picture after the other.

use super::board::{Job, Run, Stage, Wish};
use super::history::Painted;
use super::jpeg::jpeg;
use super::studio::Studio;
use crate::cli::paint::checkpoints::RunDescription;
use crate::cli::paint::report::Point;
use crate::cli::paint::supervisor::{Supervisor, Unfinished};
use crate::cli::paint::{Ended, Painter, Resumed};
use crate::cli::terminal::say;
use crate::files::checkpoint::{Checkpoint, CheckpointFile, previous};
use crate::painting::{Iteration, State};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The long edge of the pictures that show how a run develops.
const LIVE_EDGE: u32 = 1024;
/// The shortest time between two of them.
const FRAME_EVERY: Duration = Duration::from_millis(250);
/// The share of the run's time that they may take.
const FRAME_SHARE: f64 = 0.02;

/// Works until the studio ends.
pub fn work(studio: &Arc<Studio>, mut painter: Painter) {
    while let Some(job) = next(studio) {
        let mut supervisor = StudioSupervisor::new(studio.clone());
        let resumed = begun(&studio.folder.checkpoint(job.id));
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
        finish(studio, &job, painted);
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

/// The state of a run that was begun before the studio ended, if there is one and its pictures have not changed.
fn begun(path: &Path) -> Option<Resumed> {
    if !path.exists() && !previous(path).exists() {
        return None;
    }
    let (Checkpoint { about, state }, _) = Checkpoint::<State>::open(path).ok()?;
    let description: RunDescription = serde_json::from_str(&about).ok()?;
    let engine = description.engine(|warning| say(format_args!("warning: {warning}")));
    description
        .changed()
        .is_empty()
        .then_some(Resumed { state, engine })
}

/// Writes down how a run has ended.
fn finish(studio: &Studio, job: &Job, painted: anyhow::Result<Ended>) {
    let path = &job.request.files.output;
    let mut board = studio.board();
    let wish = board.run.take().map_or(Wish::Continue, |run| run.wish);
    if board.ending && matches!(painted, Ok(Ended::Early)) && wish != Wish::Stop {
        // It goes on at the next start, before all others.
        board.queue.insert(0, job.clone());
        return;
    }
    match painted {
        Ok(Ended::Finished) | Ok(Ended::Early) if path.is_file() => {
            let painted = Painted::open(path.clone(), &studio.pictures);
            board.history.splice(0..0, painted);
        }
        Ok(_) => (),
        Err(error) => {
            let notice = format!("{}: {error:#}", job.title);
            say(format_args!("{notice}"));
            board.notice = Some(notice);
        }
    }
    if let Err(refusal) = studio.save_queue(&board) {
        board.notice = Some(refusal.error);
    }
    drop(board);
    if let Ok(file) = CheckpointFile::new(&studio.folder.checkpoint(job.id)) {
        file.remove();
    }
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
        let frame = jpeg(&iteration.picture(), LIVE_EDGE);
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
        while !self.ending {
            let sketching = board.sketching;
            self.ending = self.wish == Wish::Pause && board.ending;
            let Some(run) = &mut board.run else { break };
            if self.wish == Wish::Pause {
                self.wish = run.wish;
            }
            let state = match self.wish {
                Wish::Stop | Wish::Discard => return ControlFlow::Break(()),
                Wish::Continue if sketching => run.state,
                Wish::Continue => return ControlFlow::Continue(()),
                Wish::Pause => Stage::Paused,
            };
            if run.state == state {
                board = self.studio.wait(board, Duration::from_secs(3600));
            } else {
                run.state = state;
                self.studio.changed();
            }
        }
        ControlFlow::Break(())
    }

    fn unfinished(&self) -> Unfinished {
        match self.wish {
            Wish::Stop => Unfinished::Write,
            _ => Unfinished::Discard,
        }
    }
}
