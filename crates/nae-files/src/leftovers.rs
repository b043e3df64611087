//! Temporary files of killed runs.
//!
//! Every temporary file is locked while its process runs, and the system releases the lock when
//! that ends, in whatever way. So a temporary file that can be locked is not in use.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::FileError;
use crate::lock::FileLock;

/// How names of temporary files begin.
pub(crate) const PREFIX: &str = ".nae-";
/// How names of unfinished files end.
pub(crate) const UNFINISHED: &str = ".part";
/// How names of the lock files beside scratch folders end.
pub(crate) const LOCK: &str = ".lock";

/// Removes unfinished files and scratch folders in `folder` that no living process works on.
///
/// - `prefix`: how their names begin
///
/// # Errors
/// [`FileError`] if the folder cannot be read, or for the first that cannot be removed; the others
/// are removed all the same.
pub fn remove_leftovers(folder: &Path, prefix: &str) -> Result<(), FileError> {
    let unreadable = |error| FileError::io(folder, "look into this folder", error);
    let mut end = Ok(());
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(prefix));
        // a link or a pipe is none, whatever it is called
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            end = end.and(remove_leftover(&entry.path()));
        }
    }
    end
}

fn remove_leftover(path: &Path) -> Result<(), FileError> {
    let name = path.to_string_lossy();
    if name.ends_with(UNFINISHED) {
        // the locked file is the leftover itself, and it goes when the lock is dropped
        FileLock::take(path)?;
    } else if name.ends_with(LOCK)
        && let Some(_lock) = FileLock::take(path)?
    {
        remove_folder(&path.with_extension(""))?;
    }
    Ok(())
}

fn remove_folder(path: &Path) -> Result<(), FileError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::io(path, "remove this folder", error))
        }
        _ => Ok(()),
    }
}

/// Removes leftovers before this process writes into `folder` for the first time.
pub(crate) fn remove_leftovers_once(folder: &Path) {
    static CLEANED: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let mut cleaned = CLEANED.lock().unwrap_or_else(PoisonError::into_inner);
    let folders = cleaned.get_or_insert_default();
    if folders.insert(folder.into()) {
        // what cannot be removed costs space only; the writing that follows has its own errors
        let _ = remove_leftovers(folder, PREFIX);
    }
}
