//! The run folder: where results are published, whole or not at all.
//!
//! | path | holds |
//! |---|---|
//! | `experiment.toml` | the experiment, fully resolved |
//! | `manifest.json` | every cell ([`Manifest`]) |
//! | `models/ID.safetensors`, `models/ID.json` | a trained model; steps, loss and seconds of its training |
//! | `joints/ID.safetensors`, `joints/ID.json` | the joint encoder of a pair's models; steps, loss and seconds of joining |
//! | `scores/ID.json` | a separated and scored mixture ([`Outcome`]) |
//! | `failed/ID.json` | why a cell failed ([`Failure`]) |
//! | `claims/` | locks on cells in work |
//! | `workers/` | a lock and a folder of unfinished files for every running worker |
//! | `slurm/` | batch scripts and their logs |
//! | `results.csv`, `results.parquet` | the collected rows |

use std::path::{Path, PathBuf};

use nae_files::{FileLock, remove_leftovers};
use nae_joint::JointEncoder;
use nae_model::Model;
use serde::de::DeserializeOwned;

use crate::cell::CellKind;
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::records::{Failure, Joined, Outcome, Trained};
use crate::scratch_directory::ScratchDirectory;

/// Name of the resolved experiment in the run folder.
pub const EXPERIMENT: &str = "experiment.toml";
/// Name of the manifest in the run folder.
pub const MANIFEST: &str = "manifest.json";

/// A planned run's folder.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Makes or re-makes the plan of a run: finished cells that are still part of it stay finished.
    ///
    /// # Errors
    /// [`SweepError::Io`] or [`SweepError::Audio`] if the folder cannot be written.
    pub fn create(root: &Path, experiment: &str, manifest: &Manifest) -> Result<Self, SweepError> {
        for part in ["models", "joints", "scores", "failed", "claims", "workers"] {
            let folder = root.join(part);
            nae_files::create_folder(&folder)?;
        }
        let store = Self { root: root.into() };
        let scratch = store.scratch_directory()?;
        scratch.publish(experiment.as_bytes(), &root.join(EXPERIMENT))?;
        scratch.publish_json(manifest, &root.join(MANIFEST))?;
        Ok(store)
    }

    /// Opens a planned run.
    ///
    /// # Errors
    /// [`SweepError::NotARun`] for any other folder.
    pub fn open(root: &Path) -> Result<Self, SweepError> {
        if !root.join(MANIFEST).is_file() {
            return Err(SweepError::NotARun {
                path: root.into(),
                file: MANIFEST,
            });
        }
        Ok(Self { root: root.into() })
    }

    /// The run folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The run's cells.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if the manifest cannot be read, [`SweepError::File`] for identities and
    /// names in it that cannot be those of files.
    pub fn manifest(&self) -> Result<Manifest, SweepError> {
        let manifest: Manifest = read_json(&self.root.join(MANIFEST))?;
        // run folders are passed on, and these become paths
        manifest
            .file_names()
            .try_for_each(nae_files::check_stem_name)?;
        Ok(manifest)
    }

    /// File of a model.
    pub fn model_path(&self, id: &str) -> PathBuf {
        self.root.join("models").join(format!("{id}.safetensors"))
    }

    /// File of a joint encoder.
    pub fn joint_path(&self, id: &str) -> PathBuf {
        self.root.join("joints").join(format!("{id}.safetensors"))
    }

    fn json_path(&self, part: &str, id: &str) -> PathBuf {
        self.root.join(part).join(format!("{id}.json"))
    }

    /// Whether a cell is finished.
    pub fn is_finished(&self, kind: CellKind, id: &str) -> bool {
        match kind {
            CellKind::Model => self.model_path(id).is_file(),
            CellKind::Joint => self.joint_path(id).is_file(),
            CellKind::Scores => self.json_path("scores", id).is_file(),
        }
    }

    /// Record of a finished training.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if there is none.
    pub fn trained(&self, id: &str) -> Result<Trained, SweepError> {
        read_json(&self.json_path("models", id))
    }

    /// Record of a finished joining.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if there is none.
    pub fn joined(&self, id: &str) -> Result<Joined, SweepError> {
        read_json(&self.json_path("joints", id))
    }

    /// A finished separation.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if there is none.
    pub fn outcome(&self, id: &str) -> Result<Outcome, SweepError> {
        read_json(&self.json_path("scores", id))
    }

    /// Why a cell failed, if it did.
    pub fn failure(&self, id: &str) -> Option<Failure> {
        read_json(&self.json_path("failed", id)).ok()
    }

    /// Removes the record that a cell failed.
    ///
    /// # Errors
    /// [`SweepError::Io`] if the record cannot be removed.
    pub fn clear_failure(&self, id: &str) -> Result<(), SweepError> {
        let path = self.json_path("failed", id);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(SweepError::io("remove", path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Claims a cell, or `None` while another worker has it.
    ///
    /// # Errors
    /// [`SweepError::Io`] if locks cannot be made.
    pub fn claim(&self, id: &str) -> Result<Option<FileLock>, SweepError> {
        let path = self.root.join("claims").join(format!("{id}.lock"));
        Ok(FileLock::take(&path)?)
    }

    /// Removes what killed workers left: locks without a holder, files that were never published.
    ///
    /// # Errors
    /// [`SweepError::Io`] if the folders cannot be read.
    pub fn collect_garbage(&self) -> Result<(), SweepError> {
        for path in nae_files::sorted_entries(&self.root.join("claims"))? {
            // taken only if it is free, and removed when dropped
            FileLock::take(&path)?;
        }
        let workers = self.root.join("workers");
        Ok(remove_leftovers(&workers, ScratchDirectory::PREFIX)?)
    }

    /// A place for this process's unfinished files, which is removed when it ends, or with the next
    /// [`collect_garbage`](Self::collect_garbage) if it is killed.
    ///
    /// # Errors
    /// [`SweepError::File`] if it cannot be made.
    pub fn scratch_directory(&self) -> Result<ScratchDirectory, SweepError> {
        ScratchDirectory::create_in(&self.root.join("workers"))
    }

    /// Publishes a model and its training record; the model file comes last and finishes the cell.
    ///
    /// # Errors
    /// [`SweepError::Audio`] or [`SweepError::Io`] if it cannot be written.
    pub fn finish_training(
        &self,
        scratch: &ScratchDirectory,
        id: &str,
        model: &Model,
    ) -> Result<(), SweepError> {
        let training = &model.metadata.training;
        let trained = Trained {
            loss: training.loss,
            steps: training.steps,
            frames: training.frames,
            seconds: training.seconds,
            tool_version: training.tool_version.clone(),
        };
        scratch.publish_json(&trained, &self.json_path("models", id))?;
        scratch.publish(&model.to_bytes()?, &self.model_path(id))
    }

    /// Publishes a joint encoder and its training record; its file comes last and finishes the cell.
    ///
    /// # Errors
    /// [`SweepError::Audio`] or [`SweepError::Io`] if it cannot be written.
    pub fn finish_joining(
        &self,
        scratch: &ScratchDirectory,
        id: &str,
        joint: &JointEncoder,
    ) -> Result<(), SweepError> {
        let training = &joint.metadata.training;
        let joined = Joined {
            loss: training.loss,
            steps: training.steps,
            seconds: training.seconds,
            tool_version: training.tool_version.clone(),
        };
        scratch.publish_json(&joined, &self.json_path("joints", id))?;
        scratch.publish(&joint.to_bytes()?, &self.joint_path(id))
    }

    /// Publishes scores.
    ///
    /// # Errors
    /// [`SweepError::File`] or [`SweepError::Io`] if they cannot be written.
    pub fn finish_separation(
        &self,
        scratch: &ScratchDirectory,
        id: &str,
        outcome: &Outcome,
    ) -> Result<(), SweepError> {
        scratch.publish_json(outcome, &self.json_path("scores", id))
    }

    /// Records why a cell failed.
    ///
    /// # Errors
    /// [`SweepError::File`] or [`SweepError::Io`] if it cannot be written.
    pub fn fail(
        &self,
        scratch: &ScratchDirectory,
        id: &str,
        failure: &Failure,
    ) -> Result<(), SweepError> {
        scratch.publish_json(failure, &self.json_path("failed", id))
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, SweepError> {
    let damaged = |message: String| SweepError::Damaged {
        path: path.into(),
        message,
    };
    let bytes = std::fs::read(path).map_err(|error| damaged(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests;
