//! The queue: what is to be painted, in which order, and what is to become of the one that is being painted.

use super::board::{Board, Job, Run, Wish};
use super::pictures::PictureId;
use super::refusal::Refusal;
use super::studio::{QUEUE, Studio};
use crate::cli::args::{CheckpointOptions, Interval};
use crate::cli::request::{Files, RunRequest};
use crate::painting::{Inputs, Stylization};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a checkpoint is written.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);
/// The most pictures that wait.
const MAX_QUEUE: usize = 1000;
/// The longest title, in bytes: with its number and its ending it must be a name of a file.
const MAX_TITLE: usize = 150;

/// A path as systems compare it that do not tell large letters from small ones.
fn folded(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

impl Studio {
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
    pub fn enqueue(
        &self,
        mut request: RunRequest,
        photo: Option<PictureId>,
    ) -> Result<u64, Refusal> {
        let inputs: Inputs = request
            .placeholders()
            .map_err(|error| Refusal::invalid(format!("{error:#}")))?;
        let checked = Stylization::new(inputs)
            .settings(request.settings.clone())
            .check();
        checked.map_err(|error| Refusal::invalid(error.to_string()))?;
        let title = self.title(&request.files);
        self.change_queue(|board, queue| {
            if queue.len() >= MAX_QUEUE {
                let trouble = format!("{MAX_QUEUE} pictures wait already: remove some");
                return Err(Refusal::invalid(trouble));
            }
            let id = board.new_id();
            let taken: BTreeSet<_> = (board.jobs().iter())
                .map(|job| folded(&job.request.files.output))
                .collect();
            let is_taken = |path: &Path| taken.contains(&folded(path));
            request.files.output = self.folder.new_painting(&title, is_taken);
            request.checkpoints = CheckpointOptions {
                checkpoint: Some(self.folder.checkpoint(id)),
                checkpoint_every: Interval::Time(CHECKPOINT_EVERY),
            };
            queue.push(Job {
                id,
                title,
                photo,
                request,
            });
            Ok(id)
        })
    }

    /// Changes what waits: on the disk first, then for everybody.
    fn change_queue<T>(
        &self,
        change: impl FnOnce(&mut Board, &mut Vec<Job>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut board = self.board();
        let mut queue = board.queue.clone();
        let value = change(&mut board, &mut queue)?;
        let running = board.run.iter().map(|run| &run.job);
        self.save_queue(&running.chain(&queue).collect::<Vec<_>>())?;
        board.queue = queue;
        drop(board);
        self.changed();
        Ok(value)
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
        let photo = files.content.as_ref().map(short).unwrap_or_default();
        let mut title = format!("{photo} in {}", styles.join(" and "));
        title.truncate(title.floor_char_boundary(MAX_TITLE));
        title.trim_end().to_owned()
    }

    /// Saves these jobs: those that wait, and the one that is being painted.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn save_queue(&self, jobs: &[&Job]) -> Result<(), Refusal> {
        self.folder.save(QUEUE, &jobs).map_err(Refusal::internal)
    }

    /// Changes the order of what waits. Jobs that are not named come last.
    ///
    /// # Errors
    /// If it cannot be saved.
    pub fn order(&self, order: &[u64]) -> Result<(), Refusal> {
        let place = |job: &Job| {
            order
                .iter()
                .position(|id| *id == job.id)
                .unwrap_or(order.len())
        };
        self.change_queue(|_, queue| {
            queue.sort_by_key(place);
            Ok(())
        })
    }

    /// Removes a job that waits.
    ///
    /// # Errors
    /// If it does not wait any more.
    pub fn dequeue(&self, id: u64) -> Result<(), Refusal> {
        self.change_queue(|_, queue| {
            let at = queue.iter().position(|job| job.id == id);
            queue.remove(at.ok_or_else(|| Refusal::missing("this picture"))?);
            Ok(())
        })
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
}
