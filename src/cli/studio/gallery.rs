//! What the page can do with paintings of the history: open their settings, paint on, delete them.

use super::history::{Painted, desk_of};
use super::pictures::Kind;
use super::refusal::Refusal;
use super::studio::Studio;
use crate::painting::Init;
use std::io::ErrorKind;
use std::path::PathBuf;

impl Studio {
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
        let desk = desk_of(&self.painted(id)?, &self.pictures)?;
        self.set_desk(desk, None)
    }

    /// Paints on: the same again, at the final size only, beginning with this painting.
    ///
    /// # Errors
    /// If something is missing.
    pub fn again(&self, id: &str) -> Result<u64, Refusal> {
        let painted = self.painted(id)?;
        let desk = desk_of(&painted, &self.pictures)?;
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
        match std::fs::remove_file(&painted.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let error = format!("{}: cannot be deleted: {error}", painted.name);
                return Err(Refusal::invalid(error));
            }
            _ => (),
        }
        let mut board = self.board();
        board.history.retain(|other| other.id != id);
        board.history_changed();
        drop(board);
        self.changed();
        Ok(())
    }
}
