//! What the page can ask for. Each request changes the board; two threads, the sketcher and the easel, do the work.

use super::board::{Board, Job, Progress, Run, Variant, Wish};
use super::desk::Desk;
use super::folder::Folder;
use super::history::{self, Painted};
use super::pictures::{Kind, PictureId, Pictures};
use super::refusal::Refusal;
use super::speed::Speeds;
use super::variants;
use crate::cli::args::{
    CheckpointOptions, Interval, MemoryArgs, NetworkOptions, OutputOptions, ReportOptions,
    TalkOptions,
};
use crate::cli::request::{Files, RunRequest};
use crate::cli::terminal::say;
use crate::painting::{Init, Inputs, Iteration, Settings, Stylization};
use axum::http::StatusCode;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// How often a checkpoint is written.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
/// The most pictures that wait.
const MAX_QUEUE: usize = 1000;

/// The names under which the studio saves what it needs to go on.
const DESK: &str = "desk";
const QUEUE: &str = "queue";
const SPEEDS: &str = "speeds";

/// The studio: what all threads share.
pub struct Studio {
    pub folder: Folder,
    pub pictures: Pictures,
    pub network: NetworkOptions,
    memory: MemoryArgs,
    speeds: Mutex<Speeds>,
    /// Turns to send a picture.
    pub uploads: Semaphore,
    board: Mutex<Board>,
    /// Wakes the threads that do the work.
    wake: Condvar,
    /// Counts the changes. Who shows the board waits for it.
    changes: watch::Sender<u64>,
}

impl Studio {
    /// The studio of this folder, as it was left.
    pub fn open(folder: Folder, network: NetworkOptions, memory: MemoryArgs) -> Self {
        let desk: Option<Desk> = folder.load(DESK);
        let queue: Vec<Job> = folder.load(QUEUE).unwrap_or_default();
        let mut needed: BTreeSet<PictureId> = history::needed(&folder).into_iter().collect();
        needed.extend(desk.iter().flat_map(Desk::pictures));
        let of_jobs = queue.iter().flat_map(|job| job.request.inputs());
        needed.extend(
            of_jobs.filter_map(|path| path.file_stem()?.to_str()?.parse::<PictureId>().ok()),
        );
        let pictures = Pictures::open(folder.pictures(), &needed);
        let desk = desk
            .filter(|desk| desk.check(&pictures).is_ok())
            .unwrap_or_default();
        let history = history::all(&folder, &pictures);
        let speeds = folder.load(SPEEDS).unwrap_or_default();
        Self {
            board: Mutex::new(Board::new(desk, queue, history)),
            folder,
            pictures,
            network,
            memory,
            speeds: Mutex::new(speeds),
            uploads: Semaphore::new(2),
            wake: Condvar::new(),
            changes: watch::Sender::new(0),
        }
    }

    /// The board. Whoever changes it calls [`changed`](Self::changed) afterwards.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().expect("nothing panics while it is held")
    }

    /// Waits until somebody changes the board, or some time has passed.
    pub fn wait<'a>(&self, board: MutexGuard<'a, Board>, time: Duration) -> MutexGuard<'a, Board> {
        let waited = self.wake.wait_timeout(board, time);
        waited.expect("nothing panics while it is held").0
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
        self.warn(self.folder.save(SPEEDS, &*self.speeds()));
    }

    /// How fast this machine paints.
    pub fn speeds(&self) -> MutexGuard<'_, Speeds> {
        self.speeds.lock().expect("nothing panics while it is held")
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
            self.warn(self.folder.save(DESK, &draft.desk));
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

    fn request_of(&self, settings: Settings, files: Files) -> RunRequest {
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

    /// Puts the desk in the queue. Returns the number of the job.
    ///
    /// # Errors
    /// If it cannot be painted.
    pub fn paint(&self) -> Result<u64, Refusal> {
        let desk = self.board().draft.desk.clone();
        let request = self.request(&desk, PathBuf::new())?;
        self.enqueue(request, desk.photo)
    }

    /// Puts a request in the queue, and gives it a file to paint into.
    fn enqueue(&self, mut request: RunRequest, photo: Option<PictureId>) -> Result<u64, Refusal> {
        let inputs: Inputs = request
            .placeholders()
            .map_err(|error| Refusal::invalid(format!("{error:#}")))?;
        let checked = Stylization::new(inputs)
            .settings(request.settings.clone())
            .check();
        checked.map_err(|error| Refusal::invalid(error.to_string()))?;
        let title = self.title(&request.files);
        let mut board = self.board();
        if board.queue.len() >= MAX_QUEUE {
            return Err(Refusal::invalid(format!(
                "{MAX_QUEUE} pictures wait already: remove some"
            )));
        }
        let id = board.new_id();
        let taken = |path: &std::path::Path| {
            board
                .jobs()
                .iter()
                .any(|job| job.request.files.output == path)
        };
        request.files.output = self.folder.new_painting(&title, taken);
        request.checkpoints = CheckpointOptions {
            checkpoint: Some(self.folder.checkpoint(id)),
            checkpoint_every: Interval::Time(CHECKPOINT_EVERY),
        };
        board.queue.push(Job {
            id,
            title,
            photo,
            request,
        });
        self.save_queue(&board)?;
        drop(board);
        self.changed();
        Ok(id)
    }

    /// `cat in starry_night`: of the names of the pictures, the letters and digits.
    fn title(&self, files: &Files) -> String {
        let short = |path: &PathBuf| {
            let info = self
                .pictures
                .stored_at(path)
                .and_then(|id| self.pictures.get(id));
            let name = info.map_or_else(|| "picture".to_owned(), |info| info.name);
            let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
            let plain = |letter: char| {
                if letter.is_alphanumeric() || "-_".contains(letter) {
                    letter
                } else {
                    ' '
                }
            };
            let words: String = stem.chars().map(plain).take(40).collect();
            let words: Vec<_> = words.split_whitespace().collect();
            if words.is_empty() {
                "picture".to_owned()
            } else {
                words.join(" ")
            }
        };
        let styles: Vec<_> = files.style.iter().take(2).map(short).collect();
        let photo = files
            .content
            .as_ref()
            .map_or_else(|| "picture".to_owned(), short);
        format!("{photo} in {}", styles.join(" and "))
    }

    /// Saves what waits and what is being painted.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save_queue(&self, board: &Board) -> Result<(), Refusal> {
        let saved = self.folder.save(QUEUE, &board.jobs());
        saved.map_err(Refusal::internal)
    }

    /// Changes the order of what waits. Jobs that are not named come last.
    ///
    /// # Errors
    /// If it cannot be saved.
    pub fn order(&self, order: &[u64]) -> Result<(), Refusal> {
        let mut board = self.board();
        let place = |job: &Job| {
            order
                .iter()
                .position(|id| *id == job.id)
                .unwrap_or(order.len())
        };
        board.queue.sort_by_key(place);
        self.save_queue(&board)?;
        drop(board);
        self.changed();
        Ok(())
    }

    /// Removes a job that waits.
    ///
    /// # Errors
    /// If it does not wait any more.
    pub fn dequeue(&self, id: u64) -> Result<(), Refusal> {
        let mut board = self.board();
        let at = board.queue.iter().position(|job| job.id == id);
        board
            .queue
            .remove(at.ok_or_else(|| Refusal::missing("this picture"))?);
        self.save_queue(&board)?;
        drop(board);
        self.changed();
        Ok(())
    }

    /// Says what is to become of the run.
    ///
    /// # Errors
    /// If it is over.
    pub fn wish(&self, id: u64, wish: Wish) -> Result<(), Refusal> {
        let mut board = self.board();
        let run = board.run.as_mut().filter(|run| run.job.id == id);
        let run: &mut Run = run.ok_or_else(|| Refusal::missing("this run"))?;
        // Whoever has ended it cannot go on.
        if !matches!(run.wish, Wish::Stop | Wish::Discard) {
            run.wish = wish;
        }
        drop(board);
        self.changed();
        Ok(())
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
            .map(|(label, changes)| Variant {
                id: board.new_id(),
                label,
                changes,
                state: Progress::Waiting,
                frame: Default::default(),
                error: None,
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
        let mut board = self.board();
        let variant = board.variants.iter().find(|variant| variant.id == id);
        let changes = variant
            .ok_or_else(|| Refusal::missing("this variant"))?
            .changes
            .clone();
        board.variants.clear();
        let mut desk = board.draft.desk.clone();
        drop(board);
        desk.settings.extend(changes);
        self.set_desk(desk, None)
    }

    /// Forgets the variants.
    pub fn clear_variants(&self) {
        self.board().variants.clear();
        self.changed();
    }

    /// A painting of the history.
    ///
    /// # Errors
    /// If there is none with this name.
    pub fn painted(&self, id: &str) -> Result<Painted, Refusal> {
        let board = self.board();
        let painted = board.history.iter().find(|painted| painted.id == id);
        painted
            .cloned()
            .ok_or_else(|| Refusal::missing("this painting"))
    }

    /// Puts on the desk what a painting was made from.
    ///
    /// # Errors
    /// If something is missing.
    pub fn reopen(&self, id: &str) -> Result<(), Refusal> {
        let desk = history::desk_of(&self.painted(id)?, &self.pictures)?;
        self.set_desk(desk, None)
    }

    /// Paints on: the same again, at the final size only, beginning with this painting.
    ///
    /// # Errors
    /// If something is missing.
    pub fn again(&self, id: &str) -> Result<u64, Refusal> {
        let painted = self.painted(id)?;
        let desk = history::desk_of(&painted, &self.pictures)?;
        let (mut settings, files) = desk.request(&self.pictures, PathBuf::new())?;
        let bytes = std::fs::read(&painted.path).map_err(|_| Refusal::missing("this painting"))?;
        let start = self.pictures.add(&bytes, &painted.name, Kind::Picture)?;
        settings.init = Init::File(self.pictures.path(start.id)?);
        settings.scales = "1".parse().expect("one size");
        self.enqueue(self.request_of(settings, files), desk.photo)
    }

    /// Deletes a painting.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn delete(&self, id: &str) -> Result<(), Refusal> {
        let painted = self.painted(id)?;
        std::fs::remove_file(&painted.path).map_err(|error| {
            Refusal::invalid(format!("{}: cannot be deleted: {error}", painted.name))
        })?;
        self.board().history.retain(|other| other.id != id);
        self.changed();
        Ok(())
    }

    /// Prints what went wrong, where that is no reason to refuse anything.
    pub fn warn(&self, result: anyhow::Result<()>) {
        if let Err(error) = result {
            say(format_args!("warning: {error:#}"));
        }
    }
}
