//! The joint file: one `.safetensors` with everything that separation needs.
//!
//! | tensor | |
//! |---|---|
//! | `network.0.input.weight` … | weights of the first network, by their path in it |
//! | `source.0.decoder.0.weight` …, `.bias` | copy of the first source's decoder |
//!
//! Metadata, all strings, structured ones as JSON: `format` (`"nae-joint"`), `format_version`,
//! `sources` (name, fingerprint, architecture and material of each), `audio`, `joint` (the settings),
//! `training`.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use nae_model::ModelError;
use nae_model::config::Bias;
use nae_model::dense::Dense;
use nae_model::random::generator;
use nae_model::stored::Stored;
use safetensors::tensor::{Dtype, SafeTensors};

use crate::decoders::decoder_layer;
use crate::encoder::{JointEncoder, JointMetadata, JointSource};
use crate::error::JointError;
use crate::network::EncoderNetwork;
use crate::parameters::{CollectParameters, LoadParameters, Tensors, json, serialize, stored};
use crate::sources::check_names;

/// Newest format version, the one that is written.
pub const FORMAT_VERSION: u32 = 2;

/// The format's name.
const FORMAT: &str = "nae-joint";

impl JointEncoder {
    /// The file's bytes.
    ///
    /// # Errors
    /// [`JointError::Model`] if the weights cannot be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JointError> {
        let mut tensors = Tensors::new();
        for (i, network) in self.networks.iter().enumerate() {
            let mut collect = CollectParameters::new(&format!("network.{i}"), &mut tensors);
            network.visit(&mut collect);
            collect.finish()?;
        }
        for (i, layers) in self.decoders.iter().enumerate() {
            for (j, layer) in layers.iter().enumerate() {
                let mut add = |name: &str, tensor: Tensor<3>| -> Result<(), ModelError> {
                    tensors.insert(format!("source.{i}.decoder.{j}.{name}"), stored(tensor)?);
                    Ok(())
                };
                add("weight", layer.weight.val())?;
                if let Some(bias) = &layer.bias {
                    add("bias", bias.val())?;
                }
            }
        }
        let metadata = &self.metadata;
        let entries = [
            ("sources", json(&metadata.sources)?),
            ("audio", json(&metadata.audio)?),
            ("joint", json(&metadata.config)?),
            ("training", json(&metadata.training)?),
        ];
        let format = (FORMAT, FORMAT_VERSION);
        Ok(serialize(format, entries, Dtype::F32, &tensors)?)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`JointError::Audio`] if the path cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), JointError> {
        Ok(nae_files::write_atomically(path, &self.to_bytes()?)?)
    }

    /// Reads a joint file and puts its weights on `device`.
    ///
    /// # Errors
    /// [`JointError::Model`] naming the file.
    pub fn load(path: &Path, device: &Device) -> Result<Self, JointError> {
        let file = Stored::open(path, FORMAT, FORMAT_VERSION)?;
        let metadata = JointMetadata {
            sources: file.json("sources")?,
            audio: file.json("audio")?,
            config: file.json("joint")?,
            training: file.json("training")?,
        };
        metadata.audio.validate().map_err(JointError::from)?;
        metadata.config.validate()?;
        check_names(metadata.sources.iter().map(|source| source.name.as_str()))?;
        let tensors = file.tensors()?;
        let bins = metadata.audio.stft().bins();
        let mut decoders = Vec::with_capacity(metadata.sources.len());
        let mut rank = 0;
        for (index, source) in metadata.sources.iter().enumerate() {
            source.model.validate()?;
            rank += source.model.rank;
            decoders.push(load_decoder(&file, &tensors, index, source, bins, device)?);
        }
        let config = &metadata.config;
        let mut networks = Vec::with_capacity(config.ensemble_size);
        for i in 0..config.ensemble_size {
            let mut rng = generator(0, "blank");
            let blank = EncoderNetwork::new(config, bins, rank, &mut rng, device);
            let mut load = LoadParameters::new(&format!("network.{i}"), &file, &tensors, device);
            networks.push(blank.map(&mut load));
            load.finish()?;
        }
        Ok(Self {
            metadata,
            networks,
            decoders,
        })
    }
}

/// The decoder layers of source number `index`.
fn load_decoder(
    file: &Stored,
    tensors: &SafeTensors<'_>,
    index: usize,
    source: &JointSource,
    bins: usize,
    device: &Device,
) -> Result<Vec<Dense>, JointError> {
    let model = &source.model;
    let sizes = &model.sizes(bins)[model.encoder_layers()..];
    let mut layers = Vec::new();
    for (j, size) in sizes.windows(2).enumerate() {
        let name = |tensor: &str| format!("source.{index}.decoder.{j}.{tensor}");
        let shape = [size[1], size[0]];
        let weight = file.matrix(tensors, name("weight"), shape, device)?;
        let bias = match model.bias {
            Bias::None => None,
            Bias::All => Some(file.matrix(tensors, name("bias"), [size[1], 1], device)?),
        };
        layers.push(decoder_layer(model, j, weight, bias));
    }
    Ok(layers)
}
