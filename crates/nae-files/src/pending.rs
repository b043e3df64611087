//! The register of unfinished files and folders.
//!
//! Temporary files are removed with the value that owns them; a process that is about to be ended
//! by a signal drops nothing, so this register lists what is left to remove.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// What a registered path holds, and how it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// A temporary file or folder: with all that is in it.
    Temporary,
    /// A folder for outputs: only if nothing was written into it.
    OutputFolder,
}

type Register = BTreeMap<PathBuf, Unfinished>;

static PENDING: Mutex<Register> = Mutex::new(Register::new());

/// How long a process that ends waits for a file that is being created.
const PATIENCE: Duration = Duration::from_secs(1);

fn pending() -> MutexGuard<'static, Register> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a path in the register until it is dropped.
#[derive(Debug)]
pub(crate) struct Registration(PathBuf);

impl Registration {
    pub fn new(path: &Path, unfinished: Unfinished) -> Self {
        pending().insert(path.into(), unfinished);
        Self(path.into())
    }

    /// Creates something temporary and registers it before a process that ends can miss it.
    ///
    /// - `path`: where it lies
    pub fn of_new<T, E>(
        create: impl FnOnce() -> Result<T, E>,
        path: impl FnOnce(&T) -> PathBuf,
    ) -> Result<(T, Self), E> {
        let mut pending = pending();
        let created = create()?;
        let path = path(&created);
        pending.insert(path.clone(), Unfinished::Temporary);
        Ok((created, Self(path)))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        pending().remove(&self.0);
    }
}

/// Removes every unfinished file and folder of this process, and the folders made for outputs that
/// are still empty.
///
/// What is being written fails after this, and its error says so. Files in place stay. Nothing is
/// reported.
pub fn remove_pending() {
    remove(&pending());
}

/// Ends the process at once, for a signal handler: what is unfinished is [removed](remove_pending),
/// and nothing new is begun meanwhile.
pub fn remove_pending_and_exit(status: i32) -> ! {
    let started = Instant::now();
    let register = loop {
        match PENDING.try_lock() {
            Ok(register) => break Some(register),
            Err(TryLockError::Poisoned(poisoned)) => break Some(poisoned.into_inner()),
            // a disk that does not answer must not keep the process alive
            Err(TryLockError::WouldBlock) if started.elapsed() > PATIENCE => break None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    if let Some(register) = &register {
        remove(register);
    }
    // still locked, so that other threads begin no further file
    std::process::exit(status)
}

fn remove(register: &Register) {
    // a folder sorts before what is in it
    for (path, unfinished) in register.iter().rev() {
        let removed = match unfinished {
            Unfinished::OutputFolder => std::fs::remove_dir(path),
            Unfinished::Temporary if path.is_dir() => std::fs::remove_dir_all(path),
            Unfinished::Temporary => std::fs::remove_file(path),
        };
        // removed or moved to its place meanwhile, or a folder with outputs in it
        drop(removed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_registered_as_long_as_its_registration_lives() {
        let path = Path::new("registered/and/gone");
        let registration = Registration::new(path, Unfinished::Temporary);
        assert!(pending().contains_key(path));
        drop(registration);
        assert!(!pending().contains_key(path));
    }
}
