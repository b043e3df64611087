//! What a mixture's sources without a model of their own are separated with.

use burn::tensor::Device;
use nae_files::sha256_of_file;
use nae_model::file::FORMAT_VERSION;
use nae_model::safetensors_file::SafetensorsFile;
use nae_model::universal::Universal;
use nae_model::{AudioConfig, Ensemble};
use serde::{Deserialize, Serialize};

use crate::error::SweepError;
use crate::id::Id;
use crate::unknown_model::UNIVERSAL;

/// A source of a mixture that has no model of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithoutModel {
    /// Its place in the mixture, from 0.
    pub place: usize,
    /// What takes the place of its model.
    pub by: StandIn,
}

/// What takes the place of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StandIn {
    /// Bases that are learnt on the mixture.
    Free,
    /// The run's own universal model with this identity.
    Universal(Id),
    /// The sound of others, against which the joint encoder was trained.
    Bank,
    /// A model from elsewhere.
    Model(ModelFile),
}

/// A model from elsewhere, as it was when the run was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// A file, or `universal:voice` or `universal:noise`.
    pub location: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

impl ModelFile {
    /// Reads what a model is, to know it again.
    ///
    /// # Errors
    /// [`SweepError::StandIn`] for one that is not there, is no model, or analyses sound otherwise than
    /// `audio`.
    pub(crate) fn find(location: &str, audio: &AudioConfig) -> Result<Self, SweepError> {
        let refused = |message: String| stand_in(location, message);
        let own = match universal(location)? {
            // they are for the default settings
            Some(_) => AudioConfig::default(),
            None => SafetensorsFile::open(location.as_ref(), "nae", FORMAT_VERSION)
                .and_then(|file| file.json("audio"))
                .map_err(|error| refused(error.to_string()))?,
        };
        if own != *audio {
            return Err(refused(format!(
                "it is for {} Hz and frames of {} samples every {}, and the system's [audio] for {} Hz and {} samples every {}",
                own.sample_rate, own.n_fft, own.hop, audio.sample_rate, audio.n_fft, audio.hop
            )));
        }
        Ok(Self {
            location: location.into(),
            sha256: checksum(location)?,
        })
    }

    /// Reads the model.
    ///
    /// # Errors
    /// [`SweepError::Changed`] for another one than the run was planned with; as [`ModelFile::find`].
    pub(crate) fn load(&self, device: &Device) -> Result<Ensemble, SweepError> {
        if checksum(&self.location)? != self.sha256 {
            return Err(SweepError::Changed {
                path: self.location.clone().into(),
            });
        }
        let loaded = match universal(&self.location)? {
            Some(universal) => universal.load(device),
            None => Ensemble::load(self.location.as_ref(), device),
        };
        loaded.map_err(|error| stand_in(&self.location, error.to_string()))
    }
}

/// The model that comes with nae under this name, or none for a file.
fn universal(location: &str) -> Result<Option<Universal>, SweepError> {
    let Some(name) = location.strip_prefix(UNIVERSAL) else {
        return Ok(None);
    };
    let mut all = Universal::ALL.into_iter();
    match all.find(|universal| universal.name() == name) {
        Some(universal) => Ok(Some(universal)),
        None => Err(stand_in(
            location,
            "no such model comes with nae".to_owned(),
        )),
    }
}

fn checksum(location: &str) -> Result<String, SweepError> {
    match universal(location)? {
        Some(universal) => Ok(universal.sha256()),
        None => {
            sha256_of_file(location.as_ref()).map_err(|error| stand_in(location, error.to_string()))
        }
    }
}

fn stand_in(location: &str, message: String) -> SweepError {
    SweepError::StandIn {
        location: location.escape_debug().to_string(),
        message,
    }
}
