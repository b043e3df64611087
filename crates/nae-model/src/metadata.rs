//! What a model file says about itself.

use std::path::Path;

use nae_files::{FileError, sha256_of_file};
use serde::{Deserialize, Serialize};

use crate::audio::AudioConfig;
use crate::error::ModelError;
use crate::kinds::Architecture;

/// One training clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipRecord {
    /// File name without its folder.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Length in seconds.
    pub duration_s: f64,
}

impl ClipRecord {
    /// That of a file of `duration_s` seconds, which is read for its checksum.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be read.
    pub fn of_file(path: &Path, duration_s: f64) -> Result<Self, FileError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: name.into_owned(),
            sha256: sha256_of_file(path)?,
            duration_s,
        })
    }
}

/// How a model came to be.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// The clips, in the order they were read.
    pub clips: Vec<ClipRecord>,
    /// Length of all clips in seconds.
    pub duration_s: f64,
    /// Frames trained on (silent ones left out).
    pub frames: usize,
    /// Loss that the kept window was evaluated by.
    pub loss: f64,
    /// Steps taken, refining included.
    pub steps: usize,
    /// Seed of all random draws.
    pub seed: u64,
    /// Seconds of optimisation.
    pub seconds: f64,
    /// Whether training was stopped by hand before its end.
    pub interrupted: bool,
    /// Version of nae.
    pub tool_version: String,
    /// Hidden units that respond to the training sound; `None` for kinds without, and in files of
    /// earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<HiddenUnits>,
    /// Names of the known sources beside which it was learnt on a mixture, none where nothing was known;
    /// `None` for a model of clips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Vec<String>>,
    /// Models whose bases stand side by side in this one, in their order; empty for all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<MergedSource>,
    /// What training went on from, the model itself first, then what that had gone on from; empty for a
    /// model that was trained from random weights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<ParentRecord>,
}

/// A model that gave bases to a merged one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedSource {
    /// Its source's name.
    pub name: String,
    /// Number of its bases.
    pub rank: usize,
}

/// A model that training went on from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParentRecord {
    /// Name of its source.
    pub name: String,
    /// Its [identity](crate::Model::fingerprint).
    pub fingerprint: String,
    /// What it was trained on.
    pub clips: Vec<ClipRecord>,
    /// Length of those clips in seconds.
    pub duration_s: f64,
    /// Steps that it took, those of its own parents left out.
    pub steps: usize,
    /// Models whose bases it had side by side, if it was a merged one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<MergedSource>,
}

/// Hidden units of an autoencoder, those of the bottleneck included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HiddenUnits {
    /// Number of units of all hidden layers.
    pub all: usize,
    /// Those whose output does not change with the training sound.
    pub dead: usize,
}

/// Everything a model file says besides its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// The source's name; its stem is called so.
    pub name: String,
    /// Sample rate and short-time Fourier transform.
    pub audio: AudioConfig,
    /// Architecture.
    pub architecture: Architecture,
    /// Factor that brought the training sound to unit standard deviation.
    pub gain: f64,
    /// How the model came to be.
    pub training: TrainingSummary,
}

impl Metadata {
    /// Whether both models analyse sound the same way.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] naming both sides.
    pub fn agrees_with(&self, other: &Self) -> Result<(), ModelError> {
        if self.audio == other.audio {
            return Ok(());
        }
        Err(ModelError::Mismatch {
            // from a file: what the terminal must not see
            left: self.name.escape_debug().to_string(),
            left_audio: self.audio.to_string(),
            right: other.name.escape_debug().to_string(),
            right_audio: other.audio.to_string(),
        })
    }
}
