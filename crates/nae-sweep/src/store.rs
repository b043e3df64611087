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
//!
//! # What is trusted
//!
//! A result counts as finished if it can be read whole: a record as JSON of its own cell; a file of
//! weights by its header, its length and the training it names, and, once by every worker, by its
//! SHA-256. Records say which weights a result was made from, so scores of a model that was trained
//! again, and came out otherwise, are made again too. Everything else counts as not done and is made
//! again. Folders of the run that are missing are made again, the run folder itself is not.
//!
//! A claim ends with its worker: at once on one machine, and on NFS when the server's lease of a dead
//! machine is over (90 s unless set otherwise). No clock is compared, and nothing in a claim is read.

use std::path::{Path, PathBuf};

use nae_files::{FileError, FileLock, read_bytes, remove_leftovers, sha256_hex};
use nae_joint::JointEncoder;
use nae_model::Ensemble;

use crate::cell::CellKind;
use crate::error::SweepError;
use crate::manifest::Manifest;
use crate::records::{Failure, Joined, Outcome, Seal, Trained};
use crate::run_folder::{check_parts, make_parts, mend};
use crate::scratch_directory::ScratchDirectory;

pub use crate::run_folder::{EXPERIMENT, MANIFEST, check_path, set_folder_aside};

/// Most bytes of a manifest: a hundred thousand cells take about 50 MB.
const MANIFEST_LIMIT: u64 = 1 << 30;
/// Most bytes of the record of a failure.
const FAILURE_LIMIT: u64 = 16 << 20;

/// A planned run's folder.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Makes or re-makes the plan of a run: finished cells that are still part of it stay finished.
    ///
    /// # Errors
    /// [`SweepError::Io`] or [`SweepError::File`] if the folder cannot be written,
    /// [`SweepError::RunPath`].
    pub fn create(root: &Path, experiment: &str, manifest: &Manifest) -> Result<Self, SweepError> {
        check_path(root)?;
        nae_files::create_folder(root)?;
        make_parts(root)?;
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
    /// [`SweepError::Damaged`] if the manifest cannot be read, says what cannot be, or has identities or
    /// names that cannot be those of files.
    pub fn manifest(&self) -> Result<Manifest, SweepError> {
        let path = self.root.join(MANIFEST);
        let damaged = |message: String| SweepError::Damaged {
            path: path.clone(),
            message,
        };
        let bytes = read_bytes(&path, MANIFEST_LIMIT)?;
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        // run folders are passed on, and these become paths
        manifest
            .file_names()
            .try_for_each(nae_files::check_stem_name)
            .map_err(|error| damaged(error.to_string()))?;
        manifest.check().map_err(damaged)?;
        manifest.check_values().map_err(damaged)?;
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

    /// File of a cell's record: the scores themselves, or beside the weights.
    pub(crate) fn record_path(&self, kind: CellKind, id: &str) -> PathBuf {
        self.json_path(part(kind), id)
    }

    /// File of a cell's weights.
    pub(crate) fn weights_path(&self, kind: CellKind, id: &str) -> PathBuf {
        self.root.join(part(kind)).join(format!("{id}.safetensors"))
    }

    fn json_path(&self, part: &str, id: &str) -> PathBuf {
        self.root.join(part).join(format!("{id}.json"))
    }

    /// Makes folders that are missing, and checks that all of them take files.
    ///
    /// # Errors
    /// [`SweepError::NotAFolder`], [`SweepError::RunGone`]; [`SweepError::File`] for one that refuses.
    pub fn prepare(&self) -> Result<(), SweepError> {
        mend(&self.root)?;
        check_parts(&self.root)
    }

    /// Why a cell failed, if it did.
    pub fn failure(&self, id: &str) -> Option<Failure> {
        // one that cannot be read is no reason not to try
        let bytes = read_bytes(&self.json_path("failed", id), FAILURE_LIMIT).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Removes the record that a cell failed.
    ///
    /// # Errors
    /// [`SweepError::Io`] if the record cannot be removed.
    pub fn clear_failure(&self, id: &str) -> Result<(), SweepError> {
        let path = self.json_path("failed", id);
        set_folder_aside(&path)?;
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
    /// [`SweepError::File`] if locks cannot be made, [`SweepError::RunGone`].
    pub fn claim(&self, id: &str) -> Result<Option<FileLock>, SweepError> {
        let path = self.root.join("claims").join(format!("{id}.lock"));
        // before it is opened: to open a pipe is to wait for its reader
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => set_folder_aside(&path)?,
            Ok(found) if !found.is_file() => {
                std::fs::remove_file(&path).map_err(SweepError::io("remove", &path))?;
            }
            _ => {}
        }
        match FileLock::take(&path) {
            Err(FileError::NotFound { .. } | FileError::Gone { .. }) => {
                mend(&self.root)?;
                Ok(FileLock::take(&path)?)
            }
            taken => Ok(taken?),
        }
    }

    /// Claims that a worker holds right now.
    ///
    /// # Errors
    /// [`SweepError::File`] if the folder cannot be read.
    pub fn claims_held(&self) -> Result<usize, SweepError> {
        let claims = match nae_files::sorted_entries(&self.root.join("claims")) {
            Err(FileError::NotFound { .. }) => return Ok(0),
            claims => claims?,
        };
        Ok(claims.iter().filter(|path| FileLock::is_held(path)).count())
    }

    /// Removes what killed workers left: locks without a holder, files that were never published.
    /// What cannot be removed costs space only.
    pub fn collect_garbage(&self) {
        let claims = nae_files::sorted_entries(&self.root.join("claims"));
        for path in claims.into_iter().flatten() {
            if std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
                // taken only if it is free, and removed when dropped
                drop(FileLock::take(&path));
            }
        }
        let workers = self.root.join(ScratchDirectory::PARENT);
        drop(remove_leftovers(&workers, ScratchDirectory::PREFIX));
    }

    /// A place for this process's unfinished files, which is removed when it ends, or with the next
    /// [`collect_garbage`](Self::collect_garbage) if it is killed.
    ///
    /// # Errors
    /// [`SweepError::File`] if it cannot be made.
    pub fn scratch_directory(&self) -> Result<ScratchDirectory, SweepError> {
        ScratchDirectory::create_in(&self.root)
    }

    /// Publishes a source's model, or its several, and their training record; the model file comes last
    /// and finishes the cell.
    ///
    /// - `made_from`: checksums of the weights of a universal model's parts
    ///
    /// # Errors
    /// [`SweepError::Audio`] or [`SweepError::Io`] if it cannot be written.
    pub fn finish_training(
        &self,
        scratch: &ScratchDirectory,
        id: &str,
        models: &Ensemble,
        made_from: Option<Vec<String>>,
    ) -> Result<(), SweepError> {
        let (training, bytes) = (models.training(), models.to_bytes()?);
        let trained = Trained {
            loss: training.loss,
            steps: training.steps,
            frames: training.frames,
            seconds: training.seconds,
            tool_version: training.tool_version,
            seal: Seal {
                made_from,
                ..seal(id, &bytes)
            },
        };
        scratch.publish_json(&trained, &self.json_path("models", id))?;
        scratch.publish(&bytes, &self.model_path(id))
    }

    /// Publishes a joint encoder and its training record; its file comes last and finishes the cell.
    ///
    /// - `made_from`: checksums of the models' weights, in the pair's order
    ///
    /// # Errors
    /// [`SweepError::Audio`] or [`SweepError::Io`] if it cannot be written.
    pub fn finish_joining(
        &self,
        scratch: &ScratchDirectory,
        id: &str,
        joint: &JointEncoder,
        made_from: Vec<String>,
    ) -> Result<(), SweepError> {
        let (training, bytes) = (&joint.metadata.training, joint.to_bytes()?);
        let joined = Joined {
            loss: training.loss,
            steps: training.steps,
            seconds: training.seconds,
            tool_version: training.tool_version.clone(),
            seal: Seal {
                made_from: Some(made_from),
                ..seal(id, &bytes)
            },
        };
        scratch.publish_json(&joined, &self.json_path("joints", id))?;
        scratch.publish(&bytes, &self.joint_path(id))
    }

    /// Publishes scores.
    ///
    /// # Errors
    /// [`SweepError::File`] or [`SweepError::Io`] if they cannot be written.
    pub fn finish_separation(
        &self,
        scratch: &ScratchDirectory,
        id: &str,
        outcome: Outcome,
    ) -> Result<(), SweepError> {
        let seal = Seal {
            cell: Some(id.into()),
            ..outcome.seal
        };
        let outcome = Outcome { seal, ..outcome };
        scratch.publish_json(&outcome, &self.json_path("scores", id))
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

/// The folder of a kind of cells.
fn part(kind: CellKind) -> &'static str {
    match kind {
        CellKind::Model => "models",
        CellKind::Joint => "joints",
        CellKind::Scores => "scores",
    }
}

/// The seal of a file of weights.
fn seal(id: &str, bytes: &[u8]) -> Seal {
    Seal {
        cell: Some(id.into()),
        bytes: Some(bytes.len() as u64),
        sha256: Some(sha256_hex(bytes)),
        weights: weights_in(bytes),
        made_from: None,
    }
}

/// SHA-256 of the tensors in a `.safetensors` file.
pub(crate) fn weights_in(bytes: &[u8]) -> Option<String> {
    let (length, rest) = bytes.split_first_chunk()?;
    let header = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    rest.get(header..).map(sha256_hex)
}

#[cfg(test)]
mod tests;
