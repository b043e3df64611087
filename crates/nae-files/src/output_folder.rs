//! Folders made for outputs.

use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::folder::{create_folder, folder_of};
use crate::pending::{Registration, Unfinished};

/// A folder for outputs. Dropped, it and those of its parents that were created with it are removed
/// again if nothing was written into them.
#[derive(Debug)]
pub struct OutputFolder {
    /// The deepest first.
    created: Vec<(PathBuf, Registration)>,
}

impl OutputFolder {
    /// Creates the folder with its parents; one that is there already stays in any case.
    ///
    /// # Errors
    /// [`FileError::NoNewFolder`].
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let mut missing = Vec::new();
        let mut folder = path;
        while !folder.as_os_str().is_empty() && !folder.exists() {
            missing.push(folder.to_path_buf());
            folder = folder_of(folder);
        }
        // before they are made: a signal may come between
        let register = |path: PathBuf| {
            let registration = Registration::new(&path, Unfinished::OutputFolder);
            (path, registration)
        };
        let output = Self {
            created: missing.into_iter().map(register).collect(),
        };
        create_folder(path)?;
        Ok(output)
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        for (path, _) in &self.created {
            // one with outputs in it is not empty, and stays
            let _ = std::fs::remove_dir(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_it_created_and_only_if_empty_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there");
        std::fs::create_dir(&there).unwrap();
        drop(OutputFolder::create(&there.join("a/b")).unwrap());
        assert!(there.exists() && !there.join("a").exists());

        let output = OutputFolder::create(&there.join("a/b")).unwrap();
        std::fs::write(there.join("a/stem"), b"").unwrap();
        drop(output);
        assert!(there.join("a/stem").exists() && !there.join("a/b").exists());

        drop(OutputFolder::create(&there).unwrap());
        assert!(there.exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_leaves_no_parents() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        OutputFolder::create(&file.join("x")).unwrap_err();
        let long = folder.path().join("new").join("n".repeat(300));
        OutputFolder::create(&long).unwrap_err();
        assert!(!folder.path().join("new").exists());
    }
}
