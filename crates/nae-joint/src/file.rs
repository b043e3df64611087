//! The joint file: one `.safetensors` with everything that separation needs.
//!
//! | tensor | |
//! |---|---|
//! | `network.0.input.weight` … | weights of the first network, by their place in it |
//! | `source.0.decoder.0.weight` …, `.bias` | copy of the first source's decoder |
//!
//! Metadata, all strings, structured ones as JSON: `format` (`"nae-joint"`), `format_version`,
//! `sources` (name, fingerprint, architecture and material of each), `audio`, `joint` (the settings),
//! `training`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData, f16};
use nae_model::ModelError;
use nae_model::config::Bias;
use nae_model::random::generator;
use nae_model::spectra::read;
use nae_model::stored::Stored;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::Serialize;

use crate::decoders::layer;
use crate::error::JointError;
use crate::joint::{Joint, JointCard, JointSource};
use crate::network::Network;

/// Newest format version, the one that is written.
pub const FORMAT_VERSION: u32 = 2;

/// The format's name.
const FORMAT: &str = "nae-joint";

/// A tensor's shape and values, by name.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

impl Joint {
    /// The file's bytes.
    ///
    /// # Errors
    /// [`JointError::Model`] if the weights cannot be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JointError> {
        let mut tensors = Tensors::new();
        for (i, network) in self.networks.iter().enumerate() {
            let mut save = Save::new(&format!("network.{i}"), &mut tensors);
            network.visit(&mut save);
            save.finish()?;
        }
        for (i, layers) in self.decoders.iter().enumerate() {
            for (j, layer) in layers.iter().enumerate() {
                let mut add = |part: &str, tensor: Tensor<3>| -> Result<(), ModelError> {
                    tensors.insert(format!("source.{i}.decoder.{j}.{part}"), stored(tensor)?);
                    Ok(())
                };
                add("weight", layer.weight.val())?;
                if let Some(bias) = &layer.bias {
                    add("bias", bias.val())?;
                }
            }
        }
        let card = &self.card;
        let metadata = [
            ("sources", json(&card.sources)?),
            ("audio", json(&card.audio)?),
            ("joint", json(&card.config)?),
            ("training", json(&card.training)?),
        ];
        Ok(serialized(FORMAT, metadata, Dtype::F32, &tensors)?)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`JointError::Audio`] if the path cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), JointError> {
        Ok(nae_audio::write_atomically(path, &self.to_bytes()?)?)
    }

    /// Reads a joint file and puts its weights on `device`.
    ///
    /// # Errors
    /// [`JointError::Model`] naming the file.
    pub fn load(path: &Path, device: &Device) -> Result<Self, JointError> {
        let file = Stored::open(path, FORMAT, FORMAT_VERSION)?;
        let card = JointCard {
            sources: file.json("sources")?,
            audio: file.json("audio")?,
            config: file.json("joint")?,
            training: file.json("training")?,
        };
        card.audio.validate().map_err(JointError::from)?;
        card.config.validate()?;
        crate::check_names(card.sources.iter().map(|source| source.name.as_str()))?;
        let tensors = file.tensors()?;
        let bins = card.audio.stft().bins();
        let mut decoders = Vec::with_capacity(card.sources.len());
        let mut rank = 0;
        for (i, source) in card.sources.iter().enumerate() {
            let JointSource { model, .. } = source;
            model.validate()?;
            rank += model.rank;
            let sizes = &model.sizes(bins)[model.encoder_layers()..];
            let mut layers = Vec::new();
            for (j, size) in sizes.windows(2).enumerate() {
                let name = |part: &str| format!("source.{i}.decoder.{j}.{part}");
                let shape = [size[1], size[0]];
                let weight = file.matrix(&tensors, name("weight"), shape, device)?;
                let bias = match model.bias {
                    Bias::None => None,
                    Bias::All => Some(file.matrix(&tensors, name("bias"), [size[1], 1], device)?),
                };
                layers.push(layer(model, j, weight, bias));
            }
            decoders.push(layers);
        }
        let mut networks = Vec::with_capacity(card.config.ensemble_size);
        for i in 0..card.config.ensemble_size {
            let blank = Network::new(&card.config, bins, rank, &mut generator(0, "blank"), device);
            let mut load = Load::new(&format!("network.{i}"), &file, &tensors, device);
            networks.push(blank.map(&mut load));
            load.finish()?;
        }
        Ok(Self {
            card,
            networks,
            decoders,
        })
    }
}

/// A tensor's shape in the file: a dense layer is one model's, and its dimension for several is not
/// written.
fn written(shape: &[usize]) -> &[usize] {
    match shape {
        [1, layer @ ..] if layer.len() == 2 => layer,
        _ => shape,
    }
}

/// A tensor's shape and bytes.
fn stored<const D: usize>(tensor: Tensor<D>) -> Result<(Vec<usize>, Vec<f32>), ModelError> {
    let shape = written(&tensor.dims()).to_vec();
    Ok((shape, read(tensor)?))
}

/// An entry of the metadata.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, ModelError> {
    serde_json::to_string(value).map_err(unwritable)
}

/// A file's bytes.
///
/// - `dtype`: [`Dtype::F16`] or [`Dtype::F32`], of all tensors
pub(crate) fn serialized<const N: usize>(
    format: &str,
    metadata: [(&str, String); N],
    dtype: Dtype,
    tensors: &Tensors,
) -> Result<Vec<u8>, ModelError> {
    let bytes = |values: &[f32]| -> Vec<u8> {
        if dtype == Dtype::F16 {
            let halves = values.iter().map(|&x| f16::from_f32(x).to_le_bytes());
            halves.flatten().collect()
        } else {
            values.iter().flat_map(|x| x.to_le_bytes()).collect()
        }
    };
    let stored: Vec<_> = tensors
        .iter()
        .map(|(name, (shape, values))| (name, shape.clone(), bytes(values)))
        .collect();
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, SafeTensorError>>()
        .map_err(unwritable)?;
    let mut entries = HashMap::from(metadata.map(|(key, value)| (key.into(), value)));
    entries.insert("format".into(), format.into());
    entries.insert("format_version".into(), FORMAT_VERSION.to_string());
    serialize(views, Some(entries)).map_err(unwritable)
}

/// Only reached if serialisation itself is broken; still no panic.
fn unwritable(error: impl std::fmt::Display) -> ModelError {
    ModelError::Device(format!(
        "the joint encoder could not be serialised: {error}"
    ))
}

/// Collects a module's parameters under their paths.
pub(crate) struct Save<'a> {
    path: Vec<String>,
    tensors: &'a mut Tensors,
    error: Option<ModelError>,
}

impl<'a> Save<'a> {
    /// - `prefix`: of the parameters' names in the file
    pub fn new(prefix: &str, tensors: &'a mut Tensors) -> Self {
        Self {
            path: vec![prefix.into()],
            tensors,
            error: None,
        }
    }

    /// # Errors
    /// The last parameter that could not be read back.
    pub fn finish(self) -> Result<(), ModelError> {
        self.error.map_or(Ok(()), Err)
    }
}

impl ModuleVisitor for Save<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match stored(param.val()) {
            Ok(tensor) => {
                self.tensors.insert(self.path.join("."), tensor);
            }
            Err(error) => self.error = Some(error),
        }
    }
}

/// Puts a file's values in place of a module's parameters.
pub(crate) struct Load<'a> {
    path: Vec<String>,
    file: &'a Stored,
    tensors: &'a SafeTensors<'a>,
    device: &'a Device,
    error: Option<ModelError>,
}

impl<'a> Load<'a> {
    /// - `prefix`: of the parameters' names in the file
    pub fn new(
        prefix: &str,
        file: &'a Stored,
        tensors: &'a SafeTensors<'a>,
        device: &'a Device,
    ) -> Self {
        Self {
            path: vec![prefix.into()],
            file,
            tensors,
            device,
            error: None,
        }
    }

    /// # Errors
    /// The last parameter that the file does not have.
    pub fn finish(self) -> Result<(), ModelError> {
        self.error.map_or(Ok(()), Err)
    }
}

impl ModuleMapper for Load<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.dims();
        let name = self.path.join(".");
        match self.file.values(self.tensors, &name, written(&shape)) {
            Ok(values) => {
                let data = TensorData::new(values, shape);
                param.map(|_| Tensor::from_data(data, self.device))
            }
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}
