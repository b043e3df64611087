//! Files that appear whole or not at all.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::FileError;
use crate::folder::folder_of;
use crate::leftovers::{PREFIX, UNFINISHED, remove_leftovers_once};
use crate::pending::Registration;
use crate::retry::retrying;

/// Writes `bytes` to `path`, whole or not at all.
///
/// The bytes go to a temporary file in the same folder, are pushed to the disk, and the file is
/// renamed: a reader of `path` sees the old content, the new one, or nothing, never a part. A file
/// that is there already is replaced; a symbolic link is replaced, not followed. The new file gets
/// the permissions of any new file (`0666` less the umask).
///
/// # Errors
///
/// A folder that is missing or refuses, a folder in place of the file, a full disk. Nothing is left
/// behind then. Errors that may pass are waited out ([`retrying`]).
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    // each time to a new temporary file: after a failed flush the system may have dropped what it held
    retrying(path, || {
        let pending = PendingFile::create(path)?;
        pending
            .file()
            .write_all(bytes)
            .map_err(|e| FileError::writing(path, "write to it", e))?;
        pending.commit()
    })
}

/// A temporary file beside its target; dropped without [`PendingFile::commit`] it is removed.
///
/// It is locked until it is dropped. The first one that a process makes in a folder removes those
/// that killed processes left there.
#[derive(Debug)]
pub struct PendingFile {
    // removed before it leaves the register
    temp: NamedTempFile,
    registration: Registration,
    path: PathBuf,
}

impl PendingFile {
    /// Starts the file that will appear at `path`.
    ///
    /// # Errors
    /// A folder that is missing or refuses, or a folder in place of the file.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        if path.file_name().is_none() || path.is_dir() {
            return Err(FileError::IsFolder { path: path.into() });
        }
        let folder = folder_of(path);
        if !folder.is_dir() {
            return Err(FileError::FolderNotFound {
                path: path.into(),
                folder: folder.into(),
            });
        }
        remove_leftovers_once(folder);
        let (temp, registration) =
            Registration::of_new(|| locked_file(folder), |temp| temp.path().into())?;
        Ok(Self {
            temp,
            registration,
            path: path.into(),
        })
    }

    /// The temporary file, open for writing.
    pub fn file(&self) -> &File {
        self.temp.as_file()
    }

    /// Where the file will appear.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Pushes the content to the disk and moves it to its place.
    ///
    /// # Errors
    /// A full disk, or a place that refuses the file; nothing is left behind then.
    pub fn commit(self) -> Result<(), FileError> {
        let Self {
            temp,
            registration,
            path,
        } = self;
        temp.as_file()
            .sync_all()
            .map_err(|e| FileError::writing(&path, "write to it", e))?;
        let persisted = temp.persist(&path);
        drop(registration);
        match persisted {
            Ok(_) => Ok(()),
            Err(e) => Err(FileError::writing(
                &path,
                "move the finished file there",
                e.error,
            )),
        }
    }
}

/// A new temporary file that is not mistaken for a leftover.
fn locked_file(folder: &Path) -> Result<NamedTempFile, FileError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(UNFINISHED);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    loop {
        let temp = builder
            .tempfile_in(folder)
            .map_err(|e| FileError::writing(folder, "create a file in this folder", e))?;
        match temp.as_file().try_lock() {
            // another process removed it between its creation and its locking
            Ok(()) if !temp.path().exists() => {}
            Err(TryLockError::WouldBlock) => {}
            // where the file system has no locks, leftovers are not removed either
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(temp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nae_testing::folders::names;

    #[test]
    fn a_file_is_written_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.bin"]);
    }

    #[test]
    fn a_folder_in_the_way_is_an_error_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        let error = write_atomically(&path, b"x").unwrap_err();
        assert!(matches!(error, FileError::IsFolder { .. }), "{error}");
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(&folder.path().join("no/a.bin"), b"x").unwrap_err();
        assert!(matches!(error, FileError::FolderNotFound { .. }), "{error}");
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn nothing_appears_before_the_commit_and_nothing_stays_without_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        let pending = PendingFile::create(&path).unwrap();
        pending.file().write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(pending);
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_goes_away_meanwhile_is_said_to_have_gone() {
        let folder = tempfile::tempdir().unwrap();
        let stems = folder.path().join("stems");
        std::fs::create_dir(&stems).unwrap();
        let path = stems.join("a.bin");
        for remove in [true, false] {
            let pending = PendingFile::create(&path).unwrap();
            match remove {
                true => std::fs::remove_dir_all(&stems).unwrap(),
                false => std::fs::rename(&stems, folder.path().join("moved")).unwrap(),
            }
            let error = pending.commit().unwrap_err();
            assert!(matches!(error, FileError::Gone { .. }), "{error}");
            std::fs::create_dir(&stems).unwrap();
            assert!(names(&stems).is_empty());
        }
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (plain, ours) = (folder.path().join("plain"), folder.path().join("ours"));
        std::fs::write(&plain, b"x").unwrap();
        write_atomically(&ours, b"x").unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode();
        assert_eq!(mode(&plain), mode(&ours));
    }
}
