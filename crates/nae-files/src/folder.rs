//! Contents of folders.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::retry::retrying;

/// The contents of a folder, in the order of the names. Names that begin with a dot are left out:
/// they belong to the system or to programs, like `._00.wav` beside every file that a Mac has
/// copied.
///
/// # Errors
/// [`FileError`] if the folder is missing or refuses.
pub fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    retrying(folder, || entries_once(folder))
}

fn entries_once(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let unreadable = |error| FileError::io(folder, "look into this folder", error);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Folders that a walk has visited, by their real paths, so that links cannot make it endless.
#[derive(Clone, Debug, Default)]
pub struct Visited(HashSet<PathBuf>);

impl Visited {
    /// Whether the folder is visited for the first time.
    ///
    /// # Errors
    /// [`FileError`] if it is missing or refuses.
    pub fn is_new(&mut self, folder: &Path) -> Result<bool, FileError> {
        let real = folder
            .canonicalize()
            .map_err(|error| FileError::io(folder, "look into this folder", error))?;
        Ok(self.0.insert(real))
    }
}

/// Every selected file in a folder and its subfolders, in the order of the names.
///
/// Names that begin with a dot are left out, and a folder with several links to it is visited once.
///
/// - `is_wanted`: by its path
///
/// # Errors
/// [`FileError`] if a folder is missing or refuses.
pub fn files_below(
    folder: &Path,
    is_wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    walk(folder, is_wanted, &mut Visited::default(), &mut files)?;
    Ok(files)
}

fn walk(
    folder: &Path,
    is_wanted: &dyn Fn(&Path) -> bool,
    visited: &mut Visited,
    files: &mut Vec<PathBuf>,
) -> Result<(), FileError> {
    if !visited.is_new(folder)? {
        return Ok(());
    }
    for path in sorted_entries(folder)? {
        if path.is_dir() {
            walk(&path, is_wanted, visited, files)?;
        } else if is_wanted(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// The folder of a file: of a mere name the one the command runs in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Creates a folder with its parents; one that is there already is fine.
///
/// # Errors
/// [`FileError::NoNewFolder`].
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    std::fs::create_dir_all(path).map_err(|error| FileError::NoNewFolder {
        path: path.into(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_subfolders_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        create_folder(&folder.path().join("b/c")).unwrap();
        for path in ["c.txt", "a.txt", "b/x.txt", "b/c/y.txt", "b/notes", "d"] {
            std::fs::write(folder.path().join(path), b"").unwrap();
        }
        let is_text = |path: &Path| path.extension().is_some_and(|ending| ending == "txt");
        let found = files_below(folder.path(), &is_text).unwrap();
        let expected = ["a.txt", "b/c/y.txt", "b/x.txt", "c.txt"];
        assert_eq!(found, expected.map(|path| folder.path().join(path)));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_with_links_to_itself_is_walked_once() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        create_folder(&folder.path().join("a/deep")).unwrap();
        for path in ["x", "a/y", "a/deep/z"] {
            std::fs::write(folder.path().join(path), b"").unwrap();
        }
        for (from, to) in [
            ("left", "."),
            ("right", "."),
            ("a/up", ".."),
            ("b", "a"),
            ("a/deep/top", "../.."),
        ] {
            symlink(to, folder.path().join(from)).unwrap();
        }
        let found = files_below(folder.path(), &|_| true).unwrap();
        let expected = ["a/deep/z", "a/y", "x"];
        assert_eq!(found, expected.map(|path| folder.path().join(path)));
        // a link as the starting point is followed
        let found = files_below(&folder.path().join("b"), &|_| true).unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn names_that_begin_with_a_dot_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let hidden = folder.path().join(".cache");
        create_folder(&hidden).unwrap();
        for path in ["00.wav", "._00.wav", ".deleted.wav", ".cache/01.wav"] {
            std::fs::write(folder.path().join(path), b"").unwrap();
        }
        let found = files_below(folder.path(), &|_| true).unwrap();
        assert_eq!(found, [folder.path().join("00.wav")]);
        // one that is asked for by its name is walked
        let found = files_below(&hidden, &|_| true).unwrap();
        assert_eq!(found, [hidden.join("01.wav")]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = sorted_entries(Path::new("no/such/folder")).unwrap_err();
        assert!(error.to_string().contains("no/such/folder"), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_be_created_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let error = create_folder(&file.join("below")).unwrap_err();
        assert!(matches!(error, FileError::NoNewFolder { .. }), "{error}");
        assert!(error.to_string().contains("below"), "{error}");
        create_folder(folder.path()).unwrap();
    }
}
