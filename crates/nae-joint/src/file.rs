//! The joint file: one `.safetensors` with everything that separation needs.
//!
//! | tensor | |
//! |---|---|
//! | `network.0.input.weight` … | weights of the first network, by their path in it |
//! | `source.0.decoder.0.weight` …, `.bias` | copy of the first source's decoder |
//! | `known.0.0.encoder.0.weight` … (trained against a bank) | copy of the first known source's first model |
//!
//! Metadata, all strings, structured ones as JSON: `format` (`"nae-joint"`), `format_version`,
//! `sources` (name, fingerprint, architecture and material of each), `audio`, `joint` (the settings),
//! `training`; trained against a bank, `known` (architecture and gain of every model of the known
//! sources).

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use nae_config::Canonical;
use nae_model::Extent;
use nae_model::network_file::{check_network, read_network};
use nae_model::random::generator;
use nae_model::safetensors_file::SafetensorsFile;
use safetensors::tensor::Dtype;

use crate::encoder::{JointEncoder, JointMetadata, JointSource};
use crate::error::JointError;
use crate::known_models;
use crate::network::EncoderNetwork;
use crate::parameters::{CollectParameters, LoadParameters, Tensors, check_count, json, serialize};
use crate::sources::check_names;

/// The first format version that is still written. A file is written in the first version that can
/// hold its models' architectures: one more than the version of the model files that can.
const FIRST_VERSION: u32 = 2;

/// The version that brought training against a bank. (A model file of version 4 would need a joint file of
/// version 6.)
const BANK_VERSION: u32 = 5;

/// Newest format version that can be read.
pub const FORMAT_VERSION: u32 = BANK_VERSION;

/// The newest version for models' architectures is below that for banks.
const _: () = assert!(FIRST_VERSION - 1 + nae_model::file::FORMAT_VERSION < BANK_VERSION);

/// The format's name.
const FORMAT: &str = "nae-joint";

/// Where the file says what the models of the known sources are.
const KNOWN: &str = "known";

impl JointEncoder {
    /// The file's bytes.
    ///
    /// # Errors
    /// [`JointError::NotFinite`] if a weight is not finite; [`JointError::Model`] if the weights
    /// cannot be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JointError> {
        let mut tensors = Tensors::new();
        for (i, network) in self.networks.iter().enumerate() {
            let mut collect = CollectParameters::new(&format!("network.{i}"), &mut tensors);
            network.visit(&mut collect);
            collect.finish()?;
        }
        for (i, decoder) in self.decoders.iter().enumerate() {
            let named = decoder.values()?.into_iter();
            tensors.extend(named.map(|(name, values)| (format!("{}{name}", prefix(i)), values)));
        }
        let metadata = &self.metadata;
        let known = known_models::collect(&self.known_models, &mut tensors)?;
        let mut entries = vec![
            ("sources", json(&metadata.sources)?),
            ("audio", json(&Canonical(&metadata.audio))?),
            ("joint", json(&Canonical(&metadata.config))?),
            ("training", json(&metadata.training)?),
        ];
        if !known.is_empty() {
            entries.push((KNOWN, json(&known)?));
        }
        let versions = metadata.sources.iter();
        let versions = versions.map(|source| source.model.format_version());
        let version = match self.rest() {
            None => FIRST_VERSION - 1 + versions.fold(1, u32::max),
            Some(_) => BANK_VERSION,
        };
        let format = (FORMAT, version);
        serialize(format, entries, Dtype::F32, &tensors)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes); [`JointError::File`] if the path cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), JointError> {
        Ok(nae_files::write_atomically(path, &self.to_bytes()?)?)
    }

    /// Reads a joint file and puts its weights on `device`.
    ///
    /// # Errors
    /// [`JointError::Model`] naming the file, [`JointError::File`] for a name that cannot be a file's.
    pub fn load(path: &Path, device: &Device) -> Result<Self, JointError> {
        let file = SafetensorsFile::open(path, FORMAT, FORMAT_VERSION)?;
        let metadata = JointMetadata {
            sources: file.json("sources")?,
            audio: file.settings("audio")?,
            config: file.settings("joint")?,
            training: file.json("training")?,
        };
        file.checked(metadata.audio.validate())?;
        file.checked(metadata.config.validate_stored())?;
        // names in untrusted files decide where stems are written
        check_names(metadata.sources.iter().map(|source| source.name.as_str()))
            .map_err(|error| file.format_error(error.to_string()))?;
        let bins = metadata.audio.stft().bins();
        let (config, sources) = (&metadata.config, &metadata.sources);
        let mut rank = 0;
        for (index, source) in sources.iter().enumerate() {
            file.checked(source.model.validate())?;
            rank += source.model.rank();
            check_network(
                &file,
                &prefix(index),
                (&source.model, Extent::Decoder),
                bins,
            )?;
        }
        let known = match file.has(KNOWN) {
            true => file.json(KNOWN)?,
            false => Vec::new(),
        };
        known_models::check(&known, &file, sources, bins)?;
        for i in 0..config.ensemble_size {
            let needed = EncoderNetwork::parameter_count(config, bins, rank);
            check_count(&file, &[&format!("network.{i}.")], needed)?;
        }
        // from here on nothing takes more memory than the file has numbers for
        let tensors = file.tensors()?;
        let decoder = |(index, source): (usize, &JointSource)| {
            let decoder = (&source.model, Extent::Decoder);
            read_network(&file, &tensors, &prefix(index), decoder, bins, device)
        };
        let decoders = sources.iter().enumerate().map(decoder);
        let decoders = decoders.collect::<Result<Vec<_>, _>>()?;
        let mut networks = Vec::with_capacity(config.ensemble_size);
        for i in 0..config.ensemble_size {
            let mut rng = generator(0, "blank");
            let blank = EncoderNetwork::new(config, bins, rank, &mut rng, device);
            let mut load = LoadParameters::new(&format!("network.{i}"), &file, &tensors, device);
            networks.push(blank.map(&mut load));
            load.finish()?;
        }
        let audio = metadata.audio;
        let known_models = known_models::read(known, (&file, &tensors), sources, audio, device)?;
        Ok(Self {
            metadata,
            networks,
            decoders,
            known_models,
        })
    }
}

/// What stands before the names of a source's tensors.
fn prefix(source: usize) -> String {
    format!("source.{source}.")
}
