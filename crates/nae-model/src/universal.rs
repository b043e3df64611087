//! Models that come with nae: a voice of many voices and a noise of many noises, for sources that have no
//! model of their own.
//!
//! Each is a factorisation of a few bases of every recording, made by `scripts/universal/make` as `nae merge`
//! does it. They are for the default `[audio]` settings and compression. `data/NOTICE.md` names the
//! recordings and their licences.

use std::path::Path;

use burn::tensor::Device;
use nae_files::sha256_hex;

use crate::ensemble::Ensemble;
use crate::error::ModelError;

static VOICE: &[u8] = include_bytes!("universal/voice.safetensors");
static NOISE: &[u8] = include_bytes!("universal/noise.safetensors");

/// A model that comes with nae.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Universal {
    /// Ten bases of each of several voices.
    Voice,
    /// Ten bases of each of several noises.
    Noise,
}

impl Universal {
    /// All that there are.
    pub const ALL: [Self; 2] = [Self::Voice, Self::Noise];

    /// Its name, which is that of its source as well.
    pub fn name(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Noise => "noise",
        }
    }

    /// Puts its bases on `device`.
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] or [`ModelError::Tensor`] if the file that comes with nae is damaged.
    pub fn load(self, device: &Device) -> Result<Ensemble, ModelError> {
        let path = match self {
            Self::Voice => "the universal voice that comes with nae",
            Self::Noise => "the universal noise that comes with nae",
        };
        Ensemble::parse(Path::new(path), self.bytes(), device)
    }

    /// SHA-256 of its file, in hexadecimal.
    pub fn sha256(self) -> String {
        sha256_hex(self.bytes())
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Voice => VOICE,
            Self::Noise => NOISE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, AudioConfig, ModelConfig};

    #[test]
    fn models_that_come_with_nae_are_small_factorisations_for_the_default_settings() {
        assert!(VOICE.len() + NOISE.len() < 500_000);
        for universal in Universal::ALL {
            let ensemble = universal.load(&Device::flex()).unwrap();
            let [model] = ensemble.members() else {
                panic!("one model")
            };
            let metadata = &model.metadata;
            assert_eq!(metadata.name, universal.name());
            assert_eq!(metadata.audio, AudioConfig::default());
            let architecture = &metadata.architecture;
            assert!(matches!(architecture, Architecture::Nmf(nmf) if nmf.span == 1));
            let settings = ModelConfig::default();
            assert_eq!(architecture.compression(), settings.compression);
            // what they are made of is known
            let merged = &metadata.training.merged;
            let rank: usize = merged.iter().map(|source| source.rank).sum();
            assert_eq!(rank, architecture.rank());
            assert!(merged.iter().all(|source| source.rank == 10));
            assert!(!metadata.training.clips.is_empty());
            assert!(model.latent_cache.is_none());
        }
    }
}
