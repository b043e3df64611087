//! Everything that decides one system's cells.

use nae_config::{Choice, ConfigError, CrossCheck, Settings};
use nae_joint::JointConfig;
use nae_model::{AudioConfig, ModelConfig};
use nae_separate::SeparateConfig;
use nae_train::{Recipe, TrainConfig};
use serde::{Deserialize, Serialize};

use crate::error::SweepError;

nae_config::settings! {
    /// Durations and levels: the part of `[data]` that a grid may vary.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct MixSpec {
        /// Maximum duration of a speaker's training clips, counted from the start.
        pub train_s: f64 = 25.0, in 0.001..=1e6, unit "seconds", try "25";
        /// Length of a mixture.
        pub mixture_s: f64 = 5.0, in 0.001..=1e6, unit "seconds", try "5";
        /// Level of a mixture's first source over each of the others.
        pub level_db: f64 = 0.0, in -100.0..=100.0, unit "dB", try "0";
    }
}

impl CrossCheck for MixSpec {}

/// Whether the models of a pair are joined, and on what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Join {
    /// Not joined: activations are optimised.
    #[default]
    No,
    /// Joined on the latent caches of the model files; `"memories"` in files.
    Memories,
    /// Joined on their training clips.
    Clips,
}

impl Choice for Join {}

nae_config::settings! {
    /// The settings of one system at one point of its grid.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SystemConfig {
        /// Durations and levels.
        pub data: MixSpec = MixSpec::default();
        /// Whether a joint encoder is trained for separation, and on what.
        pub join: Join = Join::No;
        /// Sample rate and short-time Fourier transform.
        pub audio: AudioConfig = AudioConfig::default();
        /// Architecture.
        pub model: ModelConfig = ModelConfig::default();
        /// Training.
        pub train: TrainConfig = TrainConfig { ensemble: Vec::new(), ..TrainConfig::default() };
        /// Separation.
        pub separate: SeparateConfig = SeparateConfig::default();
        /// Joint encoder.
        pub joint: JointConfig = JointConfig::default();
    }
}

impl CrossCheck for SystemConfig {}

impl SystemConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first key that is out of range.
    pub fn validate(&self) -> Result<(), SweepError> {
        Settings::check(&self.data, "data").map_err(ConfigError::from)?;
        self.recipe().validate()?;
        self.separate.validate()?;
        self.joint.validate()?;
        Ok(())
    }

    /// What training needs.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            audio: self.audio,
            model: self.model.clone(),
            train: self.train.clone(),
        }
    }
}
