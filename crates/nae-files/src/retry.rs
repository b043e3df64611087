//! Errors of network file systems that pass.
//!
//! A file on NFS that another machine has just replaced gives ESTALE until it is opened again; a busy
//! or restarting server gives EIO, EAGAIN or a timeout. Whatever fails like this is tried again as a
//! whole, from the opening on, a few times.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::error::FileError;

/// Pauses before each further attempt: about a second and a half in all.
pub const PAUSES: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_millis(1250),
];

/// Whether an error of the operating system may be gone the next time.
pub fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, StaleNetworkFileHandle, TimedOut, WouldBlock};
    // EIO, which has no kind of its own
    const INPUT_OUTPUT: i32 = 5;
    matches!(
        error.kind(),
        Interrupted | StaleNetworkFileHandle | TimedOut | WouldBlock
    ) || cfg!(unix) && error.raw_os_error() == Some(INPUT_OUTPUT)
}

/// Does something with a file, again after a pause while it fails in a way that may pass
/// ([`is_transient`]), at most four times.
///
/// - `path`: of the file
/// - `attempt`: must be complete in itself: it opens what it reads, and leaves nothing half done
///
/// # Errors
/// That of the last attempt.
pub fn retrying<T>(
    path: &Path,
    attempt: impl FnMut() -> Result<T, FileError>,
) -> Result<T, FileError> {
    let is_passing =
        |error: &FileError| matches!(error, FileError::Io { error, .. } if is_transient(error));
    retrying_if(path, is_passing, attempt)
}

/// The same for other types of errors.
///
/// - `is_passing`: whether an error is that of a file that may pass
///
/// # Errors
/// That of the last attempt.
pub fn retrying_if<T, E: From<FileError>>(
    path: &Path,
    is_passing: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let outcome = faults::next(path).map_err(E::from).and_then(|()| attempt());
        match (outcome, pauses.next()) {
            (Err(error), Some(pause)) if is_passing(&error) => std::thread::sleep(pause),
            (outcome, _) => return outcome,
        }
    }
}

/// Errors made up for tests, in place of the operating system's.
#[doc(hidden)]
pub mod faults {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, PoisonError};

    use crate::error::FileError;

    /// What fails: below which folder, what its name holds, how often still, and how.
    struct Fault {
        below: PathBuf,
        name: String,
        left: usize,
        code: i32,
    }

    static ANY: AtomicBool = AtomicBool::new(false);
    static FAULTS: Mutex<Vec<Fault>> = Mutex::new(Vec::new());

    /// Lets the next accesses to some files fail.
    ///
    /// - `below`: a folder of the test's own
    /// - `name`: part of the files' paths below it
    /// - `times`: accesses that fail
    /// - `code`: of the operating system, such as 116 for ESTALE on Linux
    pub fn inject(below: &Path, name: &str, times: usize, code: i32) {
        let fault = Fault {
            below: below.into(),
            name: name.into(),
            left: times,
            code,
        };
        let mut faults = FAULTS.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push(fault);
        ANY.store(true, Ordering::SeqCst);
    }

    /// Injected errors that have not come yet, below a folder; they are taken back.
    pub fn take_back(below: &Path) -> usize {
        let mut faults = FAULTS.lock().unwrap_or_else(PoisonError::into_inner);
        let left = faults.iter().filter(|fault| fault.below == below);
        let left = left.map(|fault| fault.left).sum();
        faults.retain(|fault| fault.below != below);
        left
    }

    /// The error of this access, if one is due.
    pub(super) fn next(path: &Path) -> Result<(), FileError> {
        if !ANY.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut faults = FAULTS.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |fault: &&mut Fault| {
            let rest = path.strip_prefix(&fault.below);
            fault.left > 0 && rest.is_ok_and(|rest| rest.to_string_lossy().contains(&fault.name))
        };
        let Some(fault) = faults.iter_mut().find(is_due) else {
            return Ok(());
        };
        fault.left -= 1;
        let error = io::Error::from_raw_os_error(fault.code);
        Err(FileError::io(path, "reach it", error))
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    const EIO: i32 = 5;
    const EAGAIN: i32 = 11;
    const ENOSPC: i32 = 28;
    const ESTALE: i32 = 116;

    /// Reads, writes and lists a file while accesses to it fail; what is left of the faults.
    fn attempts(times: usize, code: i32) -> (Result<(), FileError>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, b"{}").unwrap();
        faults::inject(folder.path(), "a.json", times, code);
        let read = crate::read_bytes(&path, 10).map(drop);
        (read, faults::take_back(folder.path()))
    }

    #[test]
    fn what_passes_is_tried_again_and_what_stays_ends() {
        for code in [ESTALE, EIO, EAGAIN] {
            let (read, left) = attempts(PAUSES.len(), code);
            assert!(read.is_ok() && left == 0, "{code}: {read:?}");
        }
        let (read, left) = attempts(100, ESTALE);
        assert!(read.unwrap_err().to_string().contains("a.json"));
        assert_eq!(left, 100 - 1 - PAUSES.len(), "bounded");
    }

    #[test]
    fn a_full_disk_is_not_tried_again() {
        let (read, left) = attempts(5, ENOSPC);
        assert!(read.unwrap_err().to_string().contains("No space left"));
        assert_eq!(left, 4);
    }

    #[test]
    fn writing_listing_and_locking_are_tried_again_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.lock");
        for (name, times) in [("b.lock", 2), ("", 1)] {
            faults::inject(folder.path(), name, times, ESTALE);
        }
        crate::write_atomically(&path, b"whole").unwrap();
        assert_eq!(crate::sorted_entries(folder.path()).unwrap().len(), 1);
        faults::inject(folder.path(), "b.lock", 2, ESTALE);
        assert!(crate::FileLock::take(&path).unwrap().is_some());
        assert_eq!(faults::take_back(folder.path()), 0);
    }
}
