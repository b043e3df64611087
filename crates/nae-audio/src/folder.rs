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
/// [`AudioError::File`] if a folder is missing or refuses.
pub fn sound_files(folder: &Path) -> Result<Vec<PathBuf>, AudioError> {
    Ok(nae_files::files_below(folder, &is_sound)?)
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
