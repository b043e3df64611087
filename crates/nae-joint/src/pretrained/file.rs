//! Files of pretrained weights, and the one that comes with nae.
//!
//! One `.safetensors` with tensors `input.…` and `body.…` in 16 bits. Metadata, all strings,
//! structured ones as JSON: `format` (`"nae-start"`), `format_version`, `audio`, `joint` (the
//! settings).

use std::path::Path;
use std::sync::LazyLock;

use burn::module::Module;
use burn::tensor::Device;
use nae_config::Canonical;
use nae_model::AudioConfig;
use nae_model::random::generator;
use nae_model::safetensors_file::SafetensorsFile;
use safetensors::tensor::Dtype;

use super::weights::PretrainedWeights;
use crate::error::JointError;
use crate::network::EncoderNetwork;
use crate::parameters::{CollectParameters, LoadParameters, Tensors, check_count, json, serialize};
use crate::settings::{JointConfig, StartKind};

/// The format's name.
const FORMAT: &str = "nae-start";

/// Newest format version, the one that is written.
const FORMAT_VERSION: u32 = 2;

/// The file that comes with nae.
static DEFAULT: &[u8] = include_bytes!("voices.safetensors");

impl PretrainedWeights {
    /// The file's bytes.
    ///
    /// # Errors
    /// [`JointError::NotFinite`] if a weight is not finite in 16 bits; [`JointError::Model`] if the
    /// weights cannot be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JointError> {
        let mut tensors = Tensors::new();
        let mut collect = CollectParameters::new("input", &mut tensors);
        self.network.input.visit(&mut collect);
        collect.finish()?;
        let mut collect = CollectParameters::new("body", &mut tensors);
        self.network.body.visit(&mut collect);
        collect.finish()?;
        let entries = vec![
            ("audio", json(&Canonical(&self.audio))?),
            ("joint", json(&Canonical(&self.config))?),
        ];
        let format = (FORMAT, FORMAT_VERSION);
        serialize(format, entries, Dtype::F16, &tensors)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes); [`JointError::File`] if the path cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), JointError> {
        Ok(nae_files::write_atomically(path, &self.to_bytes()?)?)
    }

    /// Reads a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// [`JointError::Model`] naming the file.
    pub fn load(path: &Path, device: &Device) -> Result<Self, JointError> {
        Self::read(
            &SafetensorsFile::open(path, FORMAT, FORMAT_VERSION)?,
            device,
        )
    }

    /// The weights that come with nae, if the settings select them and fit their architecture: the
    /// default width, temporal model and `[audio]` settings. Other networks are initialised at
    /// random.
    ///
    /// # Errors
    /// [`JointError::Model`] if the file that comes with nae is damaged.
    pub fn load_default(
        config: &JointConfig,
        audio: &AudioConfig,
        device: &Device,
    ) -> Result<Option<Self>, JointError> {
        match config.start {
            StartKind::Random => Ok(None),
            StartKind::Pretrained => {
                let path = Path::new("the pretrained weights that come with nae");
                let file = SafetensorsFile::parse(path, DEFAULT, FORMAT, FORMAT_VERSION)?;
                let weights = Self::read(&file, device)?;
                let is_compatible = weights.incompatibility(config, audio).is_none();
                Ok(is_compatible.then_some(weights))
            }
        }
    }

    /// SHA-256 of the file that comes with nae, in hex: joint files that start from another differ.
    pub fn default_fingerprint() -> &'static str {
        static HASH: LazyLock<String> = LazyLock::new(|| nae_files::sha256_hex(DEFAULT));
        &HASH
    }

    fn read(file: &SafetensorsFile, device: &Device) -> Result<Self, JointError> {
        let audio: AudioConfig = file.settings("audio")?;
        let config: JointConfig = file.settings("joint")?;
        file.checked(audio.validate())?;
        file.checked(config.validate_stored())?;
        let bins = audio.stft().bins();
        let needed = EncoderNetwork::pretrained_count(&config, bins);
        check_count(file, &["input.", "body."], needed)?;
        let tensors = file.tensors()?;
        let mut rng = generator(0, "blank");
        // its output layer belongs to no model: one activation will do
        let mut network = EncoderNetwork::new(&config, bins, 1, &mut rng, device);
        let mut load = LoadParameters::new("input", file, &tensors, device);
        network.input = network.input.map(&mut load);
        load.finish()?;
        let mut load = LoadParameters::new("body", file, &tensors, device);
        network.body = network.body.map(&mut load);
        load.finish()?;
        Ok(Self {
            audio,
            config,
            network,
        })
    }
}
