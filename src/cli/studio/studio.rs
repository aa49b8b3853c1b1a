//! What the page can ask for. Each request changes the board; two threads, the sketcher and the easel, do the work.

use super::board::{Board, Job, Progress, Variant};
use super::desk::Desk;
use super::folder::Folder;
use super::pictures::Pictures;
use super::refusal::Refusal;
use super::speed::Speeds;
use super::{history, variants};
use crate::cli::args::{
    CheckpointOptions, MemoryArgs, NetworkOptions, OutputOptions, ReportOptions, TalkOptions,
};
use crate::cli::request::{Files, RunRequest};
use crate::cli::terminal::say;
use crate::painting::{Iteration, Settings};
use axum::http::StatusCode;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// The names under which the studio saves what it needs to go on.
const DESK: &str = "desk";
pub const QUEUE: &str = "queue";
const SPEEDS: &str = "speeds";

/// The studio: what all threads share.
pub struct Studio {
    pub folder: Folder,
    pub pictures: Pictures,
    pub network: NetworkOptions,
    memory: MemoryArgs,
    speeds: Mutex<Speeds>,
    /// Turns to send a picture.
    pub uploads: Arc<Semaphore>,
    board: Mutex<Board>,
    /// Wakes the threads that do the work.
    wake: Condvar,
    /// Counts the changes. Who shows the board waits for it.
    changes: watch::Sender<u64>,
}

impl Studio {
    /// The studio of this folder, as it was left.
    pub fn open(folder: Folder, network: NetworkOptions, memory: MemoryArgs) -> Self {
        let read = (
            folder.load(DESK),
            waiting(&folder),
            Pictures::open(folder.pictures()),
        );
        // Where something cannot be read, nobody knows what is needed.
        let all_read = read.0.is_ok() && read.1.is_ok() && read.2.is_ok();
        let desk: Desk = or_warning(read.0).flatten().unwrap_or_default();
        let queue = or_warning(read.1).unwrap_or_default();
        let none = || Pictures::of(folder.pictures(), BTreeMap::new());
        let pictures = or_warning(read.2).unwrap_or_else(none);
        if all_read {
            let of_jobs = queue
                .iter()
                .flat_map(|job| pictures.of_request(&job.request));
            let of_paintings = history::needed(&folder, &pictures);
            let needed = desk.pictures().chain(of_jobs).chain(of_paintings);
            pictures.forget_all_but(&needed.collect());
            folder.keep_checkpoints_of(&queue.iter().map(|job| job.id).collect::<Vec<_>>());
        }
        let desk = Some(desk).filter(|desk| desk.check(&pictures).is_ok());
        let desk = desk.unwrap_or_default();
        let history = history::all(&folder, &pictures);
        let thumbs = (history.iter()).map(|painted| folder.thumb(&painted.id, painted.time));
        folder.keep_thumbs(&thumbs.collect());
        let speeds = or_warning(folder.load(SPEEDS))
            .flatten()
            .unwrap_or_default();
        Self {
            board: Mutex::new(Board::new(desk, queue, history)),
            folder,
            pictures,
            network,
            memory,
            speeds: Mutex::new(speeds),
            uploads: Arc::new(Semaphore::new(2)),
            wake: Condvar::new(),
            changes: watch::Sender::new(0),
        }
    }

    /// The board. Whoever changes it calls [`changed`](Self::changed) afterwards.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody changes the board, or some time has passed.
    pub fn wait<'a>(&self, board: MutexGuard<'a, Board>, time: Duration) -> MutexGuard<'a, Board> {
        let waited = self.wake.wait_timeout(board, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Tells everybody that the board has changed.
    pub fn changed(&self) {
        self.wake.notify_all();
        self.changes.send_modify(|count| *count += 1);
    }

    /// Hears of changes.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether somebody looks.
    pub fn is_watched(&self) -> bool {
        self.changes.receiver_count() > 0
    }

    /// Ends the work: the run writes a checkpoint, from which it continues at the next start.
    pub fn end(&self) {
        self.board().ending = true;
        self.changed();
        self.save_speeds();
    }

    /// Saves how fast this machine paints.
    pub fn save_speeds(&self) {
        or_warning(self.folder.save(SPEEDS, &*self.speeds()));
    }

    /// How fast this machine paints.
    pub fn speeds(&self) -> MutexGuard<'_, Speeds> {
        self.speeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns how long an iteration takes.
    pub fn measure(&self, settings: &Settings, iteration: &Iteration) {
        let (pixels, _) = iteration.effort().stages[iteration.stage()];
        self.speeds()
            .learn(settings, pixels, iteration.took.as_secs_f64());
    }

    /// Puts `desk` on the desk. `seen` is the revision that the page knows, if it matters.
    ///
    /// # Errors
    /// If it is wrong, or another tab was faster.
    pub fn set_desk(&self, desk: Desk, seen: Option<u64>) -> Result<(), Refusal> {
        desk.check(&self.pictures)?;
        let mut board = self.board();
        if seen.is_some_and(|seen| seen != board.draft.revision) {
            let error = "the desk has changed in another tab meanwhile";
            return Err(Refusal {
                desk: serde_json::to_value(board.desk_view(&self.pictures)).ok(),
                ..Refusal::new(StatusCode::CONFLICT, error)
            });
        }
        if desk != board.draft.desk {
            let draft = &mut board.draft;
            draft.desk = desk;
            draft.revision += 1;
            draft.changed = Instant::now();
            // They are of what was there before. The sketcher finds out.
            (draft.estimate, draft.trouble) = (None, None);
            or_warning(self.folder.save(DESK, &draft.desk));
            // They are of what was there before.
            board.variants.clear();
        }
        drop(board);
        self.changed();
        Ok(())
    }

    /// What is asked for when a desk is painted into this file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn request(&self, desk: &Desk, output: PathBuf) -> Result<RunRequest, Refusal> {
        let (settings, files) = desk.request(&self.pictures, output)?;
        Ok(self.request_of(settings, files))
    }

    /// What is asked for when these files are painted with these settings.
    pub fn request_of(&self, settings: Settings, files: Files) -> RunRequest {
        let quiet = TalkOptions {
            quiet: true,
            verbose: false,
        };
        RunRequest {
            files,
            settings,
            output: OutputOptions::default(),
            settings_from: None,
            save_settings: None,
            network: self.network.clone(),
            memory: self.memory.clone(),
            reports: ReportOptions::from(quiet),
            checkpoints: CheckpointOptions::default(),
        }
    }

    /// Has four variants of the desk painted small.
    ///
    /// # Errors
    /// If the desk cannot be painted.
    pub fn vary(&self) -> Result<(), Refusal> {
        let mut board = self.board();
        let desk = board.draft.desk.clone();
        self.request(&desk, PathBuf::new())?;
        let settings = desk.effective()?;
        board.variants = variants::of(&settings)
            .into_iter()
            .map(|(label, changes)| {
                let mut desk = desk.clone();
                desk.settings.extend(changes);
                Variant {
                    id: board.new_id(),
                    label,
                    desk,
                    state: Progress::Waiting,
                    frame: Default::default(),
                    error: None,
                }
            })
            .collect();
        drop(board);
        self.changed();
        Ok(())
    }

    /// Gives the desk the settings of a variant.
    ///
    /// # Errors
    /// If it is not there any more.
    pub fn take(&self, id: u64) -> Result<(), Refusal> {
        let board = self.board();
        let variant = board.variants.iter().find(|variant| variant.id == id);
        let desk = variant.map(|variant| variant.desk.clone());
        drop(board);
        self.set_desk(desk.ok_or_else(|| Refusal::missing("this variant"))?, None)
    }

    /// Forgets the variants.
    pub fn clear_variants(&self) {
        self.board().variants.clear();
        self.changed();
    }
}

/// The jobs of the studio that ended, without those whose paintings are there: only the list of them was not saved any more.
fn waiting(folder: &Folder) -> anyhow::Result<Vec<Job>> {
    let mut jobs: Vec<Job> = folder.load(QUEUE)?.unwrap_or_default();
    jobs.retain(|job| !job.request.files.output.exists());
    Ok(jobs)
}

/// A result, or `None` after a warning, where a failure is no reason to refuse anything.
fn or_warning<T>(result: anyhow::Result<T>) -> Option<T> {
    result
        .map_err(|error| say(format_args!("warning: {error:#}")))
        .ok()
}
