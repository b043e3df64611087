//! Where results are written before they are published.

use std::path::Path;

use nae_files::ScratchFolder;
use serde::Serialize;

use crate::error::SweepError;

/// A worker's unfinished files, in a folder of their own beside the results.
#[derive(Debug)]
pub struct ScratchDirectory(ScratchFolder);

impl ScratchDirectory {
    /// How the names of workers' folders begin.
    pub(crate) const PREFIX: &str = "worker-";

    /// Makes one in `parent`. It is removed when its process ends, or later if that was killed.
    ///
    /// # Errors
    /// [`SweepError::File`] if it cannot be made.
    pub(crate) fn create_in(parent: &Path) -> Result<Self, SweepError> {
        Ok(Self(ScratchFolder::create_in(parent, Self::PREFIX)?))
    }

    /// Writes a result aside, then moves it into place, whole.
    ///
    /// # Errors
    /// [`SweepError::File`] or [`SweepError::Io`] if it cannot be written.
    pub fn publish(&self, bytes: &[u8], path: &Path) -> Result<(), SweepError> {
        let aside = self.0.path().join(path.file_name().unwrap_or_default());
        nae_files::write_atomically(&aside, bytes)?;
        std::fs::rename(&aside, path).map_err(SweepError::io("move a finished file to", path))
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
