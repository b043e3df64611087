//! Where results are written before they are published.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use nae_files::{FileError, ScratchFolder};
use serde::Serialize;

use crate::error::SweepError;
use crate::run_folder::{mend, move_into_place};

/// A worker's unfinished files, in a folder of their own beside the results.
#[derive(Debug)]
pub struct ScratchDirectory {
    run: PathBuf,
    folder: RwLock<ScratchFolder>,
}

impl ScratchDirectory {
    /// How the names of workers' folders begin.
    pub(crate) const PREFIX: &str = "worker-";
    /// The folder of the run that they are in.
    pub(crate) const PARENT: &str = "workers";

    /// Makes one for a run. It is removed when its process ends, or later if that was killed.
    ///
    /// # Errors
    /// [`SweepError::File`] if it cannot be made.
    pub(crate) fn create_in(run: &Path) -> Result<Self, SweepError> {
        Ok(Self {
            run: run.into(),
            folder: RwLock::new(new_folder(run)?),
        })
    }

    /// Writes a result aside, then moves it into place, whole. Folders of the run that were removed
    /// meanwhile are made again, but not the run itself.
    ///
    /// # Errors
    /// [`SweepError::File`] or [`SweepError::Io`] if it cannot be written, [`SweepError::RunGone`].
    pub fn publish(&self, bytes: &[u8], path: &Path) -> Result<(), SweepError> {
        match self.publish_once(bytes, path) {
            Err(error) if is_missing(&error) => {
                mend(&self.run)?;
                let mut folder = self.folder.write().unwrap_or_else(PoisonError::into_inner);
                if !folder.path().is_dir() {
                    *folder = new_folder(&self.run)?;
                }
                drop(folder);
                self.publish_once(bytes, path)
            }
            outcome => outcome,
        }
    }

    fn publish_once(&self, bytes: &[u8], path: &Path) -> Result<(), SweepError> {
        let folder = self.folder.read().unwrap_or_else(PoisonError::into_inner);
        let aside = folder.path().join(path.file_name().unwrap_or_default());
        nae_files::write_atomically(&aside, bytes)?;
        move_into_place(&aside, path)
    }

    /// [Publishes](Self::publish) a value as JSON.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn publish_json<T: Serialize>(&self, value: &T, path: &Path) -> Result<(), SweepError> {
        let damaged = |error: serde_json::Error| SweepError::Damaged {
            path: path.into(),
            message: error.to_string(),
        };
        self.publish(&serde_json::to_vec(value).map_err(damaged)?, path)
    }
}

fn new_folder(run: &Path) -> Result<ScratchFolder, SweepError> {
    let parent = run.join(ScratchDirectory::PARENT);
    Ok(ScratchFolder::create_in(&parent, ScratchDirectory::PREFIX)?)
}

fn is_missing(error: &SweepError) -> bool {
    use FileError::{FolderNotFound, Gone, NotFound};
    matches!(
        error,
        SweepError::File(NotFound { .. } | FolderNotFound { .. } | Gone { .. })
    )
}
