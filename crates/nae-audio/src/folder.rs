//! Sound files in folders.

use std::path::{Path, PathBuf};

use crate::AudioError;

/// File name endings that a folder is searched for.
pub const ENDINGS: [&str; 10] = [
    "wav", "flac", "mp3", "ogg", "oga", "m4a", "mp4", "aac", "aif", "aiff",
];

/// Every sound file in a folder and its subfolders, in the order of their names.
///
/// # Errors
/// [`AudioError`] if a folder is missing or refuses.
pub fn sound_files(folder: &Path) -> Result<Vec<PathBuf>, AudioError> {
    let mut files = Vec::new();
    for path in sorted_entries(folder)? {
        if path.is_dir() {
            files.extend(sound_files(&path)?);
        } else if is_sound(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

/// What is in a folder, in the order of the names.
///
/// # Errors
/// [`AudioError`] if the folder is missing or refuses.
pub fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, AudioError> {
    let unreadable = |error| AudioError::io(folder, "look into this folder", error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Whether a file's name ends as a sound's does.
pub fn is_sound(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ENDINGS.contains(&ending.to_string_lossy().to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_are_found_in_subfolders_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("b");
        std::fs::create_dir(&inside).unwrap();
        for path in ["c.WAV", "a.flac", "b/x.ogg", "b/notes.txt", "d"] {
            std::fs::write(folder.path().join(path), b"").unwrap();
        }
        let found = sound_files(folder.path()).unwrap();
        let expected = ["a.flac", "b/x.ogg", "c.WAV"].map(|path| folder.path().join(path));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = sound_files(Path::new("no/such/folder")).unwrap_err();
        assert!(error.to_string().contains("no/such/folder"), "{error}");
    }
}
