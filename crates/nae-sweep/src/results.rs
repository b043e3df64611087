//! Reading results. They are checked on the way: whatever cannot be used is no error, but something
//! to make again.

use std::path::Path;

use nae_files::retry::retrying_if;
use nae_files::{FileError, read_bytes, sha256_hex};
use nae_joint::JoiningSummary;
use nae_model::ModelError;
use nae_model::ensemble::training_of;
use nae_model::safetensors_file::SafetensorsFile;
use serde::de::DeserializeOwned;

use crate::cell::CellKind;
use crate::records::{Joined, Outcome, Seal, Trained, Unreadable};
use crate::store::{Store, weights_in};

/// Most bytes of a record; scores of six sources take about 30 kB.
const RECORD_LIMIT: u64 = 16 << 20;

/// Most bytes of a file of weights.
const WEIGHTS_LIMIT: u64 = 4 << 30;

/// What the run folder holds of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<T> {
    /// A whole result.
    Whole(T),
    /// Nothing.
    Missing,
    /// Something else.
    Unreadable(Unreadable),
}

impl<T> Found<T> {
    /// The result, if it is whole.
    pub fn whole(self) -> Option<T> {
        match self {
            Self::Whole(result) => Some(result),
            Self::Missing | Self::Unreadable(_) => None,
        }
    }
}

/// How closely a file of weights is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Its header, its length and its training: a few reads, however large it is.
    Header,
    /// All of its bytes against their checksum.
    Content,
}

/// A record with what its files must agree with.
pub(crate) trait Record: DeserializeOwned {
    const KIND: CellKind;
    fn seal(&self) -> &Seal;
}

impl Record for Trained {
    const KIND: CellKind = CellKind::Model;
    fn seal(&self) -> &Seal {
        &self.seal
    }
}

impl Record for Joined {
    const KIND: CellKind = CellKind::Joint;
    fn seal(&self) -> &Seal {
        &self.seal
    }
}

impl Record for Outcome {
    const KIND: CellKind = CellKind::Scores;
    fn seal(&self) -> &Seal {
        &self.seal
    }
}

impl Store {
    /// Record of a finished training.
    pub fn trained(&self, id: &str) -> Found<Trained> {
        self.record(id)
    }

    /// Record of a finished joining.
    pub fn joined(&self, id: &str) -> Found<Joined> {
        self.record(id)
    }

    /// A finished separation.
    pub fn outcome(&self, id: &str) -> Found<Outcome> {
        self.record(id)
    }

    /// Whether a cell is finished: its record can be read and is its own, and its file of weights, if
    /// it has one, is whole by its header and length.
    pub fn is_finished(&self, kind: CellKind, id: &str) -> bool {
        let depth = Depth::Header;
        let weights = match kind {
            CellKind::Model => {
                let record = self.trained(id).whole();
                record.map(|record| self.weights_of_training(id, &record, depth))
            }
            CellKind::Joint => {
                let record = self.joined(id).whole();
                record.map(|record| self.weights_of_joining(id, &record, depth))
            }
            CellKind::Scores => self.outcome(id).whole().map(|_| Found::Whole(())),
        };
        weights.is_some_and(|weights| weights.whole().is_some())
    }

    fn record<T: Record>(&self, id: &str) -> Found<T> {
        let path = self.record_path(T::KIND, id);
        let unreadable = |reason: String| unreadable(T::KIND, &path, reason);
        let bytes = match read_bytes(&path, RECORD_LIMIT) {
            Ok(bytes) => bytes,
            Err(error) => return not_read(T::KIND, &path, &error),
        };
        if bytes.is_empty() {
            return unreadable("is empty".into());
        }
        let record: T = match serde_json::from_slice(&bytes) {
            Ok(record) => record,
            Err(error) => return unreadable(format!("is damaged ({error})")),
        };
        match &record.seal().cell {
            Some(cell) if cell != id => unreadable(format!(
                "is the result of another cell ({})",
                cell.chars().take(12).collect::<String>().escape_debug()
            )),
            _ => Found::Whole(record),
        }
    }

    /// Whether the model of a training's record is whole.
    pub(crate) fn weights_of_training(
        &self,
        id: &str,
        record: &Trained,
        depth: Depth,
    ) -> Found<()> {
        let agrees = |file: &SafetensorsFile| {
            let training = training_of(file)?;
            let ours = (record.loss, record.steps, record.seconds);
            Ok(ours == (training.loss, training.steps, training.seconds))
        };
        let format = ("nae", nae_model::file::FORMAT_VERSION);
        self.weights(CellKind::Model, id, (&record.seal, depth), format, &agrees)
    }

    /// Whether the joint encoder of a joining's record is whole.
    pub(crate) fn weights_of_joining(&self, id: &str, record: &Joined, depth: Depth) -> Found<()> {
        let agrees = |file: &SafetensorsFile| {
            let training: JoiningSummary = file.json("training")?;
            let ours = (record.loss, record.steps, record.seconds);
            Ok(ours == (training.loss, training.steps, training.seconds))
        };
        let format = ("nae-joint", nae_joint::file::FORMAT_VERSION);
        self.weights(CellKind::Joint, id, (&record.seal, depth), format, &agrees)
    }

    fn weights(
        &self,
        kind: CellKind,
        id: &str,
        (seal, depth): (&Seal, Depth),
        (format, version): (&str, u32),
        agrees: &dyn Fn(&SafetensorsFile) -> Result<bool, ModelError>,
    ) -> Found<()> {
        let path = self.weights_path(kind, id);
        let unreadable = |reason: &str| unreadable(kind, &path, reason.into());
        let is_passing = |error: &ModelError| match error {
            ModelError::File(FileError::Io { error, .. }) => nae_files::is_transient(error),
            _ => false,
        };
        let opened = retrying_if(&path, is_passing, || {
            let file = SafetensorsFile::open(&path, format, version)?;
            let agrees = agrees(&file)?;
            Ok((file, agrees))
        });
        match opened {
            Err(ModelError::File(error)) => return not_read(kind, &path, &error),
            Err(error) => return unreadable(&reason(&path, &error.to_string())),
            Ok((_, false)) => {
                return unreadable("is of another training than the record beside it");
            }
            Ok((file, true)) if depth == Depth::Content && seal.sha256.is_none() => {
                if let Err(error) = file.tensors() {
                    return unreadable(&reason(&path, &error.to_string()));
                }
            }
            Ok(_) => {}
        }
        if let (Depth::Content, Some(sha256)) = (depth, &seal.sha256) {
            match read_bytes(&path, WEIGHTS_LIMIT) {
                Err(error) => return not_read(kind, &path, &error),
                Ok(bytes) if sha256_hex(&bytes) != *sha256 => {
                    return unreadable(
                        "is damaged (its checksum is not that of the record beside it)",
                    );
                }
                Ok(_) => {}
            }
        }
        let length = std::fs::metadata(&path).map(|metadata| metadata.len());
        match (length, seal.bytes) {
            (Ok(length), Some(bytes)) if length != bytes => {
                unreadable(&format!("has {length} bytes instead of {bytes}"))
            }
            _ => Found::Whole(()),
        }
    }

    /// Checksum of the weights in a cell's file: from its record, or from the file itself where the
    /// record is of an earlier version.
    pub(crate) fn weights_checksum(&self, kind: CellKind, id: &str) -> Option<String> {
        let seal = match kind {
            CellKind::Model => self.trained(id).whole().map(|record| record.seal),
            CellKind::Joint => self.joined(id).whole().map(|record| record.seal),
            CellKind::Scores => None,
        };
        let from_file = || {
            let bytes = read_bytes(&self.weights_path(kind, id), WEIGHTS_LIMIT).ok()?;
            weights_in(&bytes)
        };
        seal?.weights.or_else(from_file)
    }
}

pub(crate) fn unreadable<T>(kind: CellKind, path: &Path, reason: String) -> Found<T> {
    let path = path.into();
    Found::Unreadable(Unreadable { kind, path, reason })
}

/// A file that cannot be read is missing only if nothing lies there.
fn not_read<T>(kind: CellKind, path: &Path, error: &FileError) -> Found<T> {
    match error {
        FileError::NotFound { .. } if std::fs::symlink_metadata(path).is_err() => Found::Missing,
        FileError::NotFound { .. } => {
            unreadable(kind, path, "is a symbolic link to nothing".into())
        }
        FileError::IsFolder { .. } => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let reason =
                format!("is a folder (it is kept as {name}.aside when a file takes its place)");
            unreadable(kind, path, reason)
        }
        error => unreadable(kind, path, reason(path, &error.to_string())),
    }
}

/// An error's words without the path that they begin with.
fn reason(path: &Path, words: &str) -> String {
    let start = format!("{}: ", path.display());
    words.strip_prefix(&start).unwrap_or(words).to_owned()
}
