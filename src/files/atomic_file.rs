//! Atomic file writes: the complete file appears, or nothing changes.

use std::fs::File;
use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use tempfile::NamedTempFile;
use thiserror::Error;

/// The longest file name that common file systems accept, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// A path where a file can be created. Checked before there is anything to write.
#[derive(Debug)]
pub(crate) struct AtomicFile(PathBuf);

/// Why a file cannot be written. The message does not contain the path of the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AtomicFileError {
    /// The path names a folder.
    #[error("this is a folder; name a file")]
    Folder,
    /// The file name has more than 255 bytes.
    #[error("the file name is too long")]
    NameTooLong,
    /// The path names a device, a pipe or a socket. The rename would replace it with a file.
    #[error("this is not an ordinary file, and would be replaced by one; name another file")]
    NotOrdinary,
    /// The folder of the file does not exist.
    #[error("there is no folder {}", .0.display())]
    NoFolder(PathBuf),
    /// The system refuses to create a file in the folder.
    #[error("cannot create a file in {}: {}", folder.display(), crate::files::os_reason(reason))]
    CannotCreate {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// The system refuses to write the content or to rename the finished file.
    #[error("cannot be written: {}", crate::files::os_reason(.0))]
    CannotWrite(io::Error),
}

impl AtomicFile {
    /// Checks that the folder exists and that a file can be created in it. Leaves nothing behind.
    ///
    /// # Errors
    /// If `path` names something other than a file, or [`check`](Self::check) fails.
    pub fn new(path: &Path) -> Result<Self, AtomicFileError> {
        let text = path.as_os_str().to_string_lossy();
        if path.is_dir() || text.ends_with(['/', MAIN_SEPARATOR]) || text.ends_with("/.") {
            return Err(AtomicFileError::Folder);
        }
        if (path.file_name()).is_some_and(|name| name.len() > MAX_NAME_BYTES) {
            return Err(AtomicFileError::NameTooLong);
        }
        if path.exists() && !path.is_file() {
            return Err(AtomicFileError::NotOrdinary);
        }
        let file = Self(path.to_owned());
        file.check()?;
        Ok(file)
    }

    /// Checks that a file can be created next to the path. Leaves nothing behind.
    ///
    /// # Errors
    /// If there is no folder, or no file can be created in it.
    pub fn check(&self) -> Result<(), AtomicFileError> {
        self.create_temporary().map(drop)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a temporary file in the same folder, then renames it. A failure leaves the older file unchanged.
    ///
    /// # Errors
    /// If the temporary file cannot be created, written or renamed.
    pub fn write(
        &self,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), AtomicFileError> {
        let temporary = self.create_temporary()?;
        self.fill_and_rename(temporary, write)
            .map_err(AtomicFileError::CannotWrite)
    }

    fn fill_and_rename(
        &self,
        mut temporary: NamedTempFile,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        write(temporary.as_file_mut())?;
        let target = self.target();
        // The new file gets the permissions of the file that it replaces.
        if let Ok(replaced) = std::fs::metadata(&target) {
            (temporary.as_file()).set_permissions(replaced.permissions())?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(target)?;
        Ok(())
    }

    /// The file to replace. If the path is a symbolic link, that is the file it points to, and the link remains.
    fn target(&self) -> PathBuf {
        let folder = self.0.parent().unwrap_or(Path::new(""));
        match std::fs::read_link(&self.0) {
            Ok(target) => std::fs::canonicalize(&self.0).unwrap_or_else(|_| folder.join(target)),
            Err(_) => self.0.clone(),
        }
    }

    /// An empty file in the folder of the target. It is deleted when dropped, unless it was renamed.
    fn create_temporary(&self) -> Result<NamedTempFile, AtomicFileError> {
        let target = self.target();
        let folder = match target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(AtomicFileError::NoFolder(folder.to_owned()));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".impasto-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The usual mode of a new file. The user's umask is applied to it.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        builder
            .tempfile_in(folder)
            .map_err(|reason| AtomicFileError::CannotCreate {
                folder: folder.to_owned(),
                reason,
            })
    }
}
