//! The run folder: where cells land, whole or not at all.
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
//! | `workers/` | a lock and a folder of unfinished files for every running process |
//! | `slurm/` | batch scripts and their logs |
//! | `results.csv`, `results.parquet` | the collected rows |

use std::path::{Path, PathBuf};

use nae_joint::JointEncoder;
use nae_model::Model;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::error::SweepError;
use crate::manifest::Manifest;
use nae_files::FileLock;

/// Name of the resolved experiment in the run folder.
pub const EXPERIMENT: &str = "experiment.toml";
/// Name of the manifest in the run folder.
pub const MANIFEST: &str = "manifest.json";

/// What is remembered of a training besides its model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Final loss.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Frames trained on.
    pub frames: usize,
    /// Seconds of training.
    pub seconds: f64,
    /// Version of nae.
    pub tool_version: String,
}

/// What is remembered of a joining besides the joint encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// Final loss.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Seconds of joining.
    pub seconds: f64,
    /// Version of nae.
    pub tool_version: String,
}

/// Scores by name; `null` where one does not exist.
pub type ScoreMap = std::collections::BTreeMap<String, Option<f64>>;

/// A separated and scored mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Scores of every source, in the pair's order, under the names of the results' columns.
    pub sources: Vec<ScoreMap>,
    /// Final loss.
    pub loss: f64,
    /// Steps taken.
    pub steps: usize,
    /// Seconds of separation, scoring not counted.
    pub seconds: f64,
    /// Seconds of scoring.
    pub scoring_s: f64,
    /// Version of nae.
    pub tool_version: String,
}

/// Why a cell failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The cell in words.
    pub label: String,
    /// The error in words.
    pub error: String,
}

/// Kinds of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A trained model.
    Model,
    /// A joint encoder.
    Joint,
    /// A separated and scored mixture.
    Scores,
}

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
            std::fs::create_dir_all(&folder).map_err(SweepError::io("make the folder", folder))?;
        }
        let store = Self { root: root.into() };
        let desk = store.desk()?;
        desk.land(experiment.as_bytes(), &root.join(EXPERIMENT))?;
        desk.land_json(manifest, &root.join(MANIFEST))?;
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
    /// [`SweepError::Damaged`] if the manifest cannot be read.
    pub fn manifest(&self) -> Result<Manifest, SweepError> {
        read_json(&self.root.join(MANIFEST))
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
    pub fn is_finished(&self, kind: Kind, id: &str) -> bool {
        match kind {
            Kind::Model => self.model_path(id).is_file(),
            Kind::Joint => self.joint_path(id).is_file(),
            Kind::Scores => self.json_path("scores", id).is_file(),
        }
    }

    /// What is remembered of a finished training.
    ///
    /// # Errors
    /// [`SweepError::Damaged`] if there is none.
    pub fn trained(&self, id: &str) -> Result<Trained, SweepError> {
        read_json(&self.json_path("models", id))
    }

    /// What is remembered of a finished joining.
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

    /// Forgets that a cell failed.
    ///
    /// # Errors
    /// [`SweepError::Io`] if the record cannot be removed.
    pub fn forgive(&self, id: &str) -> Result<(), SweepError> {
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

    /// Removes what dead workers left: locks without a holder, files that never landed.
    ///
    /// # Errors
    /// [`SweepError::Io`] if the folders cannot be read.
    pub fn tidy(&self) -> Result<(), SweepError> {
        for path in nae_files::sorted_entries(&self.root.join("claims"))? {
            // taken only if nobody holds it, and gone when dropped
            FileLock::take(&path)?;
        }
        for lock in nae_files::sorted_entries(&self.root.join("workers"))? {
            if lock.extension().is_some_and(|ending| ending == "lock")
                && let Some(_claim) = FileLock::take(&lock)?
            {
                let folder = lock.with_extension("");
                if folder.exists() {
                    std::fs::remove_dir_all(&folder).map_err(SweepError::io("remove", folder))?;
                }
            }
        }
        Ok(())
    }

    /// A place for this process's unfinished files, which goes away with it, or with the next
    /// [`tidy`](Self::tidy) if it is killed.
    ///
    /// # Errors
    /// [`SweepError::Io`] if it cannot be made.
    pub fn desk(&self) -> Result<Desk, SweepError> {
        let workers = self.root.join("workers");
        loop {
            let lock = tempfile::Builder::new()
                .prefix("worker-")
                .suffix(".lock")
                .tempfile_in(&workers)
                .map_err(SweepError::io("write into", &workers))?;
            lock.as_file()
                .lock()
                .map_err(SweepError::io("lock", lock.path()))?;
            // somebody tidied between making and locking
            if !lock.path().exists() {
                continue;
            }
            let folder = lock.path().with_extension("");
            std::fs::create_dir_all(&folder).map_err(SweepError::io("make the folder", &folder))?;
            return Ok(Desk {
                folder,
                _lock: lock,
            });
        }
    }

    /// Lands a model with what is remembered of it; the model file comes last and finishes the cell.
    ///
    /// # Errors
    /// [`SweepError::Audio`] or [`SweepError::Io`] if it cannot be written.
    pub fn finish_training(&self, desk: &Desk, id: &str, model: &Model) -> Result<(), SweepError> {
        let training = &model.metadata.training;
        let trained = Trained {
            loss: training.loss,
            steps: training.steps,
            frames: training.frames,
            seconds: training.seconds,
            tool_version: training.tool_version.clone(),
        };
        desk.land_json(&trained, &self.json_path("models", id))?;
        desk.land(&model.to_bytes()?, &self.model_path(id))
    }

    /// Lands a joint encoder with what is remembered of it; its file comes last and finishes the cell.
    ///
    /// # Errors
    /// [`SweepError::Audio`] or [`SweepError::Io`] if it cannot be written.
    pub fn finish_joining(
        &self,
        desk: &Desk,
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
        desk.land_json(&joined, &self.json_path("joints", id))?;
        desk.land(&joint.to_bytes()?, &self.joint_path(id))
    }

    /// Lands scores.
    ///
    /// # Errors
    /// [`SweepError::Audio`] or [`SweepError::Io`] if they cannot be written.
    pub fn finish_separation(
        &self,
        desk: &Desk,
        id: &str,
        outcome: &Outcome,
    ) -> Result<(), SweepError> {
        desk.land_json(outcome, &self.json_path("scores", id))
    }

    /// Keeps why a cell failed.
    ///
    /// # Errors
    /// [`SweepError::Audio`] or [`SweepError::Io`] if it cannot be written.
    pub fn fail(&self, desk: &Desk, id: &str, failure: &Failure) -> Result<(), SweepError> {
        desk.land_json(failure, &self.json_path("failed", id))
    }
}

/// A process's unfinished files.
#[derive(Debug)]
pub struct Desk {
    folder: PathBuf,
    _lock: NamedTempFile,
}

impl Desk {
    /// Writes aside, then moves into place.
    ///
    /// # Errors
    /// [`SweepError::Audio`] or [`SweepError::Io`] if it cannot be written.
    pub fn land(&self, bytes: &[u8], path: &Path) -> Result<(), SweepError> {
        let aside = self.folder.join(path.file_name().unwrap_or_default());
        nae_files::write_atomically(&aside, bytes)?;
        std::fs::rename(&aside, path).map_err(SweepError::io("move a finished file to", path))
    }

    /// [`land`](Self::land) of a value as JSON.
    ///
    /// # Errors
    /// As [`land`](Self::land).
    pub fn land_json<T: Serialize>(&self, value: &T, path: &Path) -> Result<(), SweepError> {
        let damaged = |error: serde_json::Error| SweepError::Damaged {
            path: path.into(),
            message: error.to_string(),
        };
        self.land(&serde_json::to_vec(value).map_err(damaged)?, path)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // what stays is found by the next tidy
        let _ = std::fs::remove_dir_all(&self.folder);
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
