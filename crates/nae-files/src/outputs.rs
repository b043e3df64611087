//! The outputs of one run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::FileError;
use crate::folder::folder_of;
use crate::identity::FileIdentity;
use crate::output_folder::OutputFolder;
use crate::reservation::Reservation;

/// The files that a run will write, checked before its work: each can be written, is reserved for
/// this run, and is neither one of its inputs nor another of its outputs, however their paths are
/// spelled or linked. To be kept until all are written; folders created for them are removed if
/// they stay empty.
#[derive(Debug)]
pub struct Outputs {
    // the lock files leave the folders before these are looked at
    reservations: Vec<Reservation>,
    folders: Vec<OutputFolder>,
    inputs: HashMap<FileIdentity, PathBuf>,
}

impl Outputs {
    /// No output yet.
    ///
    /// - `inputs`: all files that the run reads
    pub fn new(inputs: impl IntoIterator<Item = PathBuf>) -> Self {
        let inputs = inputs.into_iter();
        Self {
            reservations: Vec::new(),
            folders: Vec::new(),
            inputs: inputs.map(|path| (FileIdentity::of(&path), path)).collect(),
        }
    }

    /// Adds a folder for outputs, created with its parents.
    ///
    /// # Errors
    /// [`FileError::NoNewFolder`].
    pub fn create_folder(&mut self, path: &Path) -> Result<(), FileError> {
        self.folders.push(OutputFolder::create(path)?);
        Ok(())
    }

    /// Adds a file in a folder that exists.
    ///
    /// # Errors
    /// [`FileError::OutputIsInput`], [`FileError::OutputTwice`]; as [`Reservation::new`].
    pub fn add(&mut self, path: &Path) -> Result<(), FileError> {
        let identity = FileIdentity::of(path);
        if let Some(input) = self.inputs.get(&identity) {
            return Err(FileError::OutputIsInput {
                path: path.into(),
                input: input.clone(),
            });
        }
        let mut others = self.reservations.iter().map(Reservation::path);
        if let Some(other) = others.find(|other| FileIdentity::of(other) == identity) {
            return Err(FileError::OutputTwice {
                path: path.into(),
                other: other.into(),
            });
        }
        self.reservations.push(Reservation::new(path)?);
        Ok(())
    }

    /// Adds a file whose folder is created with its parents.
    ///
    /// # Errors
    /// As [`create_folder`](Self::create_folder) and [`add`](Self::add).
    pub fn add_with_folder(&mut self, path: &Path) -> Result<(), FileError> {
        self.create_folder(folder_of(path))?;
        self.add(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_no_input_and_no_other_output() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("clip.wav"), b"precious").unwrap();
        std::fs::create_dir(path("x")).unwrap();
        std::fs::hard_link(path("clip.wav"), path("x/hard")).unwrap();
        let mut outputs = Outputs::new([path("clip.wav")]);
        for name in ["clip.wav", "x/../clip.wav", "x/hard"] {
            let error = outputs.add(&path(name)).unwrap_err();
            assert!(matches!(error, FileError::OutputIsInput { .. }), "{error}");
        }
        outputs.add_with_folder(&path("new/model")).unwrap();
        for name in ["new/model", "x/../new/model"] {
            let error = outputs.add(&path(name)).unwrap_err();
            assert!(matches!(error, FileError::OutputTwice { .. }), "{error}");
        }
        outputs.add(&path("new/log")).unwrap();
        drop(outputs);
        assert!(!path("new").exists());
        assert_eq!(std::fs::read(path("clip.wav")).unwrap(), b"precious");
    }
}
