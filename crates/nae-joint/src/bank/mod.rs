//! Banks of sounds, against which a joint encoder of known sources is trained.
//!
//! Every training mixture has the known sources and one or two sounds of the bank, so that the network
//! learns to tell the known sources from whatever else there is. All that is not known is one more
//! source, the *rest*, whose decoder is not a model of any sound: see [`rest_model`].

mod model_sound;
mod rest;
mod synthesis;

use serde::{Deserialize, Serialize};

pub use model_sound::{ModelSound, model_sounds};
pub use rest::rest_model;

/// What a sound of a bank comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BankOrigin {
    /// A sound file.
    Clip,
    /// A model's latent cache; `"memory"` in files.
    #[serde(rename = "memory")]
    LatentCache,
    /// A model's bases, with random activations.
    Bases,
}

/// What a joint file keeps of one sound of a bank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BankRecord {
    /// Name of the file without its folder, or of the model's source.
    pub name: String,
    /// Where the sound comes from.
    pub origin: BankOrigin,
    /// SHA-256 of the sound file, or the model's fingerprint.
    pub sha256: String,
    /// Length in seconds.
    pub duration_s: f64,
}

/// One sound of a bank.
#[derive(Clone, Debug)]
pub struct BankSound {
    /// What it is.
    pub record: BankRecord,
    /// Mono samples at the models' rate, of one or more clips.
    pub clips: Vec<Vec<f32>>,
}

/// Sounds that stand for everything that has no model.
#[derive(Clone, Debug)]
pub struct Bank {
    /// Name of the source that they stand for, and of its stem.
    pub name: String,
    /// At least one.
    pub sounds: Vec<BankSound>,
}
