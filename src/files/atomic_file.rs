//! Places for files that are written: all of one, or nothing.

use std::fs::File;
use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use tempfile::NamedTempFile;

/// The longest name that file systems take, in bytes.
const LONGEST_NAME: usize = 255;

/// A place for a file, known to be writable before there is anything to write.
#[derive(Debug)]
pub(crate) struct AtomicFile(PathBuf);

impl AtomicFile {
    /// Checks that the folder exists and that a file can be made in it. Leaves nothing behind.
    ///
    /// # Errors
    /// What is wrong with the place.
    pub fn new(path: &Path) -> Result<Self, String> {
        let name = path.as_os_str().to_string_lossy();
        if path.is_dir() || name.ends_with(['/', MAIN_SEPARATOR]) || name.ends_with("/.") {
            return Err("this is a folder; name a file".to_owned());
        }
        if (path.file_name()).is_some_and(|name| name.len() > LONGEST_NAME) {
            return Err("the file name is too long".to_owned());
        }
        if path.exists() && !path.is_file() {
            return Err(
                "this is no ordinary file, and would be replaced by one; name another".to_owned(),
            );
        }
        let place = Self(path.to_owned());
        place.check().map(|()| place)
    }

    /// Checks that a file can be made there. Leaves nothing behind.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), String> {
        self.temporary().map(drop)
    }

    /// Where the file goes.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a temporary file beside the place, then renames it, so that there is never half a file.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn write(&self, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), String> {
        let mut file = self.temporary()?;
        write(file.as_file_mut())
            .and_then(|()| match std::fs::metadata(self.target()) {
                // Who may read the older file may read the new one.
                Ok(older) => file.as_file().set_permissions(older.permissions()),
                Err(_) => Ok(()),
            })
            .and_then(|()| file.as_file().sync_all())
            .and_then(|()| file.persist(self.target()).map_err(|e| e.error))
            .map_err(|e| format!("cannot be written: {}", crate::os_reason(&e)))?;
        Ok(())
    }

    /// The file itself: a link stays a link, and what it points to is replaced, or made.
    fn target(&self) -> PathBuf {
        let folder = self.0.parent().unwrap_or(Path::new(""));
        match std::fs::read_link(&self.0) {
            Ok(target) => std::fs::canonicalize(&self.0).unwrap_or_else(|_| folder.join(target)),
            Err(_) => self.0.clone(),
        }
    }

    /// An empty file in the folder of the place, which disappears unless it is renamed.
    fn temporary(&self) -> Result<NamedTempFile, String> {
        let target = self.target();
        let folder = match target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(format!("there is no folder {}", folder.display()));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".impasto-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file, less what the user's umask takes away.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        builder.tempfile_in(folder).map_err(|e| {
            let reason = crate::os_reason(&e);
            format!("no file can be made in {}: {reason}", folder.display())
        })
    }
}
