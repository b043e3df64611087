//! The run folder's parts: made, made again where they are missing, and cleared of what is in the way.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nae_files::{check_writable, retrying};

use crate::error::SweepError;

/// Name of the resolved experiment in the run folder.
pub const EXPERIMENT: &str = "experiment.toml";
/// Name of the manifest in the run folder.
pub const MANIFEST: &str = "manifest.json";

/// Its folders.
const PARTS: [&str; 6] = ["models", "joints", "scores", "failed", "claims", "workers"];

/// Checks that a run folder's path can stand in messages, scripts and logs.
///
/// # Errors
/// [`SweepError::RunPath`] for control characters.
pub fn check_path(run: &Path) -> Result<(), SweepError> {
    let text = run.to_string_lossy();
    match text.contains(char::is_control) {
        true => Err(SweepError::RunPath {
            path: text.escape_debug().to_string(),
        }),
        false => Ok(()),
    }
}

/// Makes the folders of a run that are missing.
///
/// # Errors
/// [`SweepError::RunGone`] without a manifest: a folder that was removed is not made again;
/// [`SweepError::NotAFolder`] for something else in their place.
pub(crate) fn mend(run: &Path) -> Result<(), SweepError> {
    match run.join(MANIFEST).exists() {
        true => make_parts(run),
        false => Err(SweepError::RunGone {
            path: run.into(),
            file: MANIFEST,
        }),
    }
}

/// Makes all folders of a run; those that are there stay.
///
/// # Errors
/// As [`mend`].
pub(crate) fn make_parts(run: &Path) -> Result<(), SweepError> {
    for part in PARTS {
        let folder = run.join(part);
        match std::fs::create_dir(&folder) {
            Ok(()) => {}
            Err(_) if folder.is_dir() => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(SweepError::NotAFolder { path: folder });
            }
            Err(error) => return Err(SweepError::io("create the folder", folder)(error)),
        }
    }
    Ok(())
}

/// Checks, before any work, that every part takes files.
///
/// # Errors
/// [`SweepError::File`] if one refuses, or the disk is full.
pub(crate) fn check_parts(run: &Path) -> Result<(), SweepError> {
    for part in PARTS {
        check_writable(&run.join(part).join("probe"))?;
    }
    Ok(())
}

/// Moves a file to its place. What lies there is replaced; a folder in its place is kept beside it,
/// since nobody knows what is in it.
///
/// # Errors
/// [`SweepError::File`] if it cannot be moved.
pub(crate) fn move_into_place(from: &Path, to: &Path) -> Result<(), SweepError> {
    set_folder_aside(to)?;
    let moved = retrying(to, || {
        std::fs::rename(from, to)
            .map_err(|error| nae_files::FileError::io(to, "move the finished file there", error))
    });
    Ok(moved?)
}

/// Renames a folder that lies where a file belongs: `NAME.aside`, or `NAME.aside-2` and so on.
///
/// # Errors
/// [`SweepError::Io`] if it cannot be renamed.
pub fn set_folder_aside(path: &Path) -> Result<(), SweepError> {
    let is_folder = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|m| m.is_dir());
    if !is_folder(path) {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let place = |number: usize| -> PathBuf {
        let number = if number > 1 {
            format!("-{number}")
        } else {
            String::new()
        };
        path.with_file_name(format!("{name}.aside{number}"))
    };
    let free = (1..)
        .map(place)
        .find(|to| std::fs::symlink_metadata(to).is_err());
    let to = free.unwrap_or_else(|| place(1));
    match std::fs::rename(path, to) {
        // another worker did it
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(SweepError::io("rename the folder", path)(error))
        }
        _ => Ok(()),
    }
}
