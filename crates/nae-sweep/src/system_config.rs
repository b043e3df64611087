//! Everything that decides one system's cells.

use nae_config::{Choice, ConfigError, CrossCheck, Range, Settings};
use nae_joint::JointConfig;
use nae_model::config::BasisNorm;
use nae_model::{AudioConfig, ModelConfig, ModelKind};
use nae_separate::SeparateConfig;
use nae_train::{Recipe, TrainConfig};
use serde::{Deserialize, Serialize};

use crate::error::SweepError;
use crate::repeat::Repeat;
use crate::unknown_model::UnknownModel;
use crate::unknown_sources::UnknownSources;

nae_config::settings! {
    /// Durations and levels: the part of `[data]` that a grid may vary.
    #[derive(Clone, Debug, PartialEq)]
    pub struct MixSpec {
        /// Maximum duration of a speaker's training clips, counted from the start.
        pub train_s: f64 = 25.0, in 0.001..=1e6, unit "seconds", try "25";
        /// Length of a mixture.
        pub mixture_s: f64 = 5.0, in 0.001..=1e6, unit "seconds", try "5";
        /// Level of a mixture's first source over each of the others.
        pub level_db: f64 = 0.0, in -100.0..=100.0, unit "dB", try "0";
        /// A level for every source of a mixture, in its order, added to `level_db`; none: all 0.
        pub levels_db: Vec<f64> = Vec::new(), in -100.0..=100.0, unit "dB", try "[0, 0, -5] for a third source 5 dB below two others", was Vec::<f64>::new();
        /// Whether test sound that is shorter than a mixture is repeated to its length.
        pub repeat: Repeat as "loop" = Repeat::No, was Repeat::No;
        /// Shortest mixture: where the sources' test sound is shorter than `mixture_s`, a mixture is as long
        /// as the shortest of them. 0: mixtures are `mixture_s` long.
        pub min_mixture_s: f64 = 0.0, in Range::from(0.001..=1e6).or_zero(), unit "seconds", try "0", was 0.0;
        /// Which sources of a mixture have no model: `"noises"`, `"speakers"`, names, places from 1 on.
        pub unknown: UnknownSources = UnknownSources::default(), was UnknownSources::default();
    }
}

impl CrossCheck for MixSpec {}

/// Sound shorter than this is not repeated to the length of a mixture: it would be a tone.
const LEAST_LOOP_S: f64 = 0.1;

/// A source with too little test sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TooShort {
    /// Its place in the mixture, from 0.
    pub place: usize,
    /// Seconds that it needs.
    pub needed_s: f64,
    /// The setting that asks for them.
    pub key: &'static str,
}

impl MixSpec {
    /// Seconds of a mixture of sources with so many seconds of test sound.
    ///
    /// # Errors
    /// The source that has least, if that is too little.
    pub(crate) fn length_s(&self, durations_s: &[f64]) -> Result<f64, TooShort> {
        let in_order = durations_s.iter().copied().enumerate();
        let Some((place, shortest_s)) = in_order.min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return Ok(self.mixture_s);
        };
        let (needed_s, key) = match self.repeat {
            Repeat::Yes => (LEAST_LOOP_S.min(self.mixture_s), "data.loop"),
            Repeat::No if self.min_mixture_s > 0.0 => {
                (self.min_mixture_s.min(self.mixture_s), "data.min_mixture_s")
            }
            Repeat::No => (self.mixture_s, "data.mixture_s"),
        };
        match self.repeat {
            _ if shortest_s < needed_s => Err(TooShort {
                place,
                needed_s,
                key,
            }),
            Repeat::Yes => Ok(self.mixture_s),
            Repeat::No => Ok(self.mixture_s.min(shortest_s)),
        }
    }

    /// The level of a mixture's source, in dB.
    pub(crate) fn level_of(&self, place: usize) -> f64 {
        let own = self.levels_db.get(place).copied().unwrap_or(0.0);
        match place {
            0 => self.level_db + own,
            _ => own,
        }
    }
}

/// Bases of each source in a universal model.
pub(crate) const BASES_EACH: usize = 10;

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
        /// What stands in for sources of `data.unknown`.
        pub unknown: UnknownModel = UnknownModel::Free, was UnknownModel::Free;
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

    /// The settings of the models that universal ones are made of: factorisations of a few bases.
    pub(crate) fn of_universal_parts(&self) -> Self {
        Self {
            model: ModelConfig {
                kind: ModelKind::Nmf,
                rank: BASES_EACH,
                basis_norm: BasisNorm::L2,
                compression: self.model.compression,
                ..ModelConfig::default()
            },
            train: TrainConfig {
                ensemble: Vec::new(),
                ..self.train.clone()
            },
            ..self.clone()
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_is_as_long_as_its_sources_and_settings_allow() {
        let mix = MixSpec::default();
        assert_eq!(mix.length_s(&[20.0, 5.0]), Ok(5.0));
        let short = mix.length_s(&[20.0, 2.2]).unwrap_err();
        assert_eq!(
            (short.place, short.needed_s, short.key),
            (1, 5.0, "data.mixture_s")
        );
        let shorter = MixSpec {
            min_mixture_s: 1.0,
            ..mix.clone()
        };
        assert_eq!(shorter.length_s(&[20.0, 2.2]), Ok(2.2));
        assert_eq!(shorter.length_s(&[20.0, 7.0]), Ok(5.0));
        let short = shorter.length_s(&[20.0, 0.98]).unwrap_err();
        assert_eq!((short.needed_s, short.key), (1.0, "data.min_mixture_s"));
        let repeated = MixSpec {
            repeat: Repeat::Yes,
            ..mix
        };
        assert_eq!(repeated.length_s(&[20.0, 0.98]), Ok(5.0));
        let short = repeated.length_s(&[20.0, 0.01]).unwrap_err();
        assert_eq!((short.needed_s, short.key), (0.1, "data.loop"));
    }

    #[test]
    fn levels_of_all_sources_are_added_to_that_of_the_first() {
        let mix = MixSpec {
            level_db: 3.0,
            levels_db: vec![0.0, 0.0, -5.0],
            ..MixSpec::default()
        };
        assert_eq!(
            [0, 1, 2, 3].map(|place| mix.level_of(place)),
            [3.0, 0.0, -5.0, 0.0]
        );
    }
}
