//! Files that will be written at the end of some work.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::FileError;
use crate::folder::folder_of;
use crate::hash::sha256_hex;
use crate::leftovers::{LOCK, PREFIX};
use crate::lock::FileLock;
use crate::write::PendingFile;

/// Bytes that a place must take to be worth the work.
const TRIAL: [u8; 4096] = [0; 4096];

/// Attempts to lock: a process that removes leftovers may hold a lock briefly.
const ATTEMPTS: usize = 4;

/// A place for a file, reserved by a lock file beside it against other runs. The lock file is
/// removed with this; that of a killed process holds nothing, and is removed as a leftover.
#[derive(Debug)]
pub struct Reservation {
    path: PathBuf,
    // none where the file system has no locks
    _lock: Option<FileLock>,
}

impl Reservation {
    /// Checks that a file can be written at `path` ([`check_writable`]) and reserves it.
    ///
    /// # Errors
    /// As [`check_writable`]; [`FileError::InUse`] while another run holds it.
    pub fn new(path: &Path) -> Result<Self, FileError> {
        check_writable(path)?;
        let lock_path = lock_path(path);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(Duration::from_millis(25));
            }
            let lock = match FileLock::take(&lock_path) {
                Ok(None) => continue,
                Ok(lock) => lock,
                Err(_) => None,
            };
            return Ok(Self {
                path: path.into(),
                _lock: lock,
            });
        }
        Err(FileError::InUse { path: path.into() })
    }

    /// Where the file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The lock file of an output: beside it, and one for every spelling of its path.
fn lock_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let hash = sha256_hex(name.as_encoded_bytes());
    folder_of(path).join(format!("{PREFIX}{}{LOCK}", &hash[..16]))
}

/// Checks that a file can be written at `path`, by writing a small one beside it.
///
/// # Errors
/// [`FileError`] for a folder, a path that ends in a slash, something other than a regular file in
/// its place, a name that the file system does not take, a folder that is missing or refuses, or a
/// full disk.
pub fn check_writable(path: &Path) -> Result<(), FileError> {
    let text = path.as_os_str().as_encoded_bytes();
    if text.ends_with(b"/")
        || text.ends_with(b"/.")
        || text.ends_with(std::path::MAIN_SEPARATOR_STR.as_bytes())
    {
        return Err(FileError::EndsInSlash { path: path.into() });
    }
    let pending = PendingFile::create(path)?;
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(FileError::IsFolder { path: path.into() });
        }
        Ok(metadata) if !metadata.is_file() => {
            return Err(FileError::NotReplaceable { path: path.into() });
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(FileError::io(path, "write it", error)),
    }
    let mut file = pending.file();
    file.write_all(&TRIAL)
        .and_then(|()| file.sync_all())
        .map_err(|error| FileError::io(path, "write to it", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_empty(folder: &Path) -> bool {
        std::fs::read_dir(folder).unwrap().next().is_none()
    }

    #[test]
    fn a_second_run_is_refused_until_the_first_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let first = Reservation::new(&path).unwrap();
        std::fs::create_dir(folder.path().join("x")).unwrap();
        for same in ["model", "x/../model"] {
            let error = Reservation::new(&folder.path().join(same)).unwrap_err();
            assert!(matches!(error, FileError::InUse { .. }), "{error}");
        }
        Reservation::new(&folder.path().join("other")).unwrap();
        drop(first);
        drop(Reservation::new(&path).unwrap());
        std::fs::remove_dir(folder.path().join("x")).unwrap();
        assert!(is_empty(folder.path()));
    }

    #[test]
    fn a_reservation_of_a_killed_run_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        std::fs::write(lock_path(&path), b"").unwrap();
        drop(Reservation::new(&path).unwrap());
        assert!(is_empty(folder.path()));
    }

    #[test]
    fn places_that_take_no_file_are_refused_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("folder")).unwrap();
        let too_long = "n".repeat(300);
        for path in [
            "folder", "folder/", "new/", "new/.", "no/model", ".", "..", &too_long,
        ] {
            let error = Reservation::new(&folder.path().join(path)).unwrap_err();
            assert!(error.to_string().contains(path), "{error}");
        }
        std::fs::remove_dir(folder.path().join("folder")).unwrap();
        assert!(is_empty(folder.path()));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_replaced() {
        // without permission to write there it is refused as well, for another reason
        let error = check_writable(Path::new("/dev/null")).unwrap_err();
        let refused = matches!(
            error,
            FileError::NotReplaceable { .. } | FileError::NoPermission { .. }
        );
        assert!(refused, "{error}");
    }
}
