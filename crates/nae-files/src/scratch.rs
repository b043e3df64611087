//! Temporary folders.

use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::FileError;
use crate::folder::create_folder;
use crate::leftovers::{LOCK, PREFIX, remove_leftovers_once};
use crate::pending::Registration;

/// A temporary folder that is removed, with all that is in it, when it is dropped.
///
/// A lock file beside it shows other processes that its own is running: that of a killed one is
/// removed with the next that is made in the same place, or by
/// [`remove_leftovers`](crate::remove_leftovers).
#[derive(Debug)]
pub struct ScratchFolder {
    path: PathBuf,
    // locked until it is removed, after the folder
    _lock: NamedTempFile,
    _registrations: [Registration; 2],
}

impl ScratchFolder {
    /// Makes one in `parent`, so that what is in it can be renamed to any place beside it.
    ///
    /// - `prefix`: how its name begins
    ///
    /// # Errors
    /// [`FileError`] if `parent` is missing or refuses, or its file system has no locks.
    pub fn create_in(parent: &Path, prefix: &str) -> Result<Self, FileError> {
        loop {
            let create = || {
                tempfile::Builder::new()
                    .prefix(prefix)
                    .suffix(LOCK)
                    .tempfile_in(parent)
                    .map_err(|error| {
                        FileError::writing(parent, "create a file in this folder", error)
                    })
            };
            let (lock, of_lock) = Registration::of_new(create, |lock| lock.path().into())?;
            lock.as_file()
                .lock()
                .map_err(|error| FileError::io(lock.path(), "lock it", error))?;
            // another process removed it between its creation and its locking
            if !lock.path().exists() {
                continue;
            }
            let path = lock.path().with_extension("");
            let (_, of_folder) = Registration::of_new(|| create_folder(&path), |()| path.clone())?;
            return Ok(Self {
                path,
                _registrations: [of_folder, of_lock],
                _lock: lock,
            });
        }
    }

    /// Makes a hidden one beside outputs, where what killed runs left is removed first.
    ///
    /// # Errors
    /// As [`create_in`](Self::create_in).
    pub fn create_hidden_in(parent: &Path) -> Result<Self, FileError> {
        remove_leftovers_once(parent);
        Self::create_in(parent, PREFIX)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // what stays is found by the next who cleans up
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_away_with_what_is_in_it() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = ScratchFolder::create_in(parent.path(), "work-").unwrap();
        std::fs::write(scratch.path().join("half"), b"half").unwrap();
        assert!(scratch.path().starts_with(parent.path()));
        drop(scratch);
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
