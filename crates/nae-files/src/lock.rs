//! Lock files, whose locks the system releases when a process ends, in whatever way.
//!
//! On one machine a killed process's lock is free at once. On NFS it is free at once too while the
//! process's machine runs, and when that has died once the server's lease is over (90 s unless set
//! otherwise). Nothing depends on the content of a lock file, its age or any clock.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::pending::Registration;
use crate::retry::retrying;

/// An exclusive lock on a path; the lock file is removed with it, also when a signal ends the
/// process at once.
#[derive(Debug)]
pub struct FileLock {
    path: PathBuf,
    // `None` only while this is dropped
    registration: Option<Registration>,
    // locked until dropped, after the file was removed
    _file: File,
}

impl FileLock {
    /// Takes the lock, or `None` while another process or thread holds it. A process that ended
    /// holds none.
    ///
    /// # Errors
    /// [`FileError`] if the lock file cannot be made, or the file system has no locks.
    pub fn take(path: &Path) -> Result<Option<Self>, FileError> {
        retrying(path, || Self::take_once(path))
    }

    /// Whether a process or thread holds the lock at a path, as far as can be told: what cannot be
    /// opened may be held, anything but a file is not. Nothing is made, and the lock is left alone.
    pub fn is_held(path: &Path) -> bool {
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => {
                match File::open(path).map(|file| file.try_lock_shared()) {
                    Ok(Ok(())) => false,
                    Ok(Err(_)) => true,
                    Err(error) => error.kind() != std::io::ErrorKind::NotFound,
                }
            }
            _ => false,
        }
    }

    fn take_once(path: &Path) -> Result<Option<Self>, FileError> {
        // registered only once it is held: the lock file of another process must stay
        let held = Registration::of_new(|| lock_file(path), |_| path.into());
        match held {
            Ok((file, registration)) => Ok(Some(Self {
                path: path.into(),
                registration: Some(registration),
                _file: file,
            })),
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // before the file: another thread may take the lock as soon as that is gone
        drop(self.registration.take());
        // left behind it would only cost the next one a look at it
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The locked file at a path. The error is `None` while another process or thread holds it.
fn lock_file(path: &Path) -> Result<File, Option<FileError>> {
    loop {
        let (file, is_new) =
            open(path).map_err(|error| FileError::writing(path, "make this lock file", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(None),
            Err(TryLockError::Error(error)) => {
                // a file system without locks must not fill up with lock files
                if is_new {
                    let _ = std::fs::remove_file(path);
                }
                return Err(Some(FileError::io(path, "lock it", error)));
            }
        }
        // the holder before may have removed the file between opening and locking: the lock
        // would then be on a file that no other process can find
        if is_at(&file, path) {
            return Ok(file);
        }
    }
}

/// Opens or creates a lock file, and tells whether it is new.
fn open(path: &Path) -> std::io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.write(true).truncate(false);
    match options.create_new(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let file = options.create_new(false).create(true).open(path)?;
            Ok((file, false))
        }
        opened => Ok((opened?, true)),
    }
}

/// Whether the open file is the one that lies at the path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_lock_is_exclusive_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let first = FileLock::take(&path).unwrap();
        assert!(first.is_some());
        assert!(FileLock::take(&path).unwrap().is_none());
        assert!(FileLock::is_held(&path));
        drop(first);
        assert!(!FileLock::is_held(&path));
        assert!(!path.exists());
        assert!(FileLock::take(&path).unwrap().is_some());
    }

    #[test]
    fn a_lock_file_without_a_holder_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        std::fs::write(&path, b"not a word of this matters").unwrap();
        assert!(!FileLock::is_held(&path) && path.exists());
        assert!(FileLock::take(&path).unwrap().is_some());
    }

    #[test]
    fn many_who_come_and_go_never_hold_it_together() {
        const THREADS: usize = 8;
        const ROUNDS: usize = 300;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lock");
        let (holders, held) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        if let Some(lock) = FileLock::take(&path).unwrap() {
                            assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                            std::thread::yield_now();
                            holders.fetch_sub(1, Ordering::SeqCst);
                            held.fetch_add(1, Ordering::SeqCst);
                            drop(lock);
                        }
                    }
                });
            }
        });
        assert!(held.load(Ordering::SeqCst) > 0);
    }
}
