//! The model file: one `.safetensors` with weights under readable names and a card in its metadata.
//!
//! | tensor | shape |
//! |---|---|
//! | `encoder.0.weight` … | `[outputs, inputs]` |
//! | `decoder.0.weight` … | `[outputs, inputs]` |
//! | `encoder.0.bias` … (if any) | `[outputs, 1]` |
//! | `memory.activations` (if any, 16-bit floats) | `[rank, frames]` |
//! | `memory.details` (if any, bytes of four 2-bit numbers) | `[⌈bins·frames/4⌉]` |
//!
//! Metadata, all strings, structured ones as JSON: `format` (`"nae"`), `format_version`, `name`,
//! `architecture`, `audio` (sample rate and STFT), `gain`, `training`; with a memory, `memory` (frames
//! of every clip).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::tensor::{Device, Tensor, f16};
use nae_files::sha256_hex;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::card::Card;
use crate::dense::Dense;
use crate::error::ModelError;
use crate::memory::Memory;
use crate::nae::{Nae, stage};
use crate::spectra::read;
use crate::stored::Stored;

/// Newest format version, the one that is written.
pub const FORMAT_VERSION: u32 = 1;

/// A tensor's shape and little-endian bytes.
type StoredTensor = (Vec<usize>, Vec<u8>);

/// Where the memory's activations and the frames of its clips are kept.
const MEMORY: (&str, &str) = ("memory.activations", "memory");
/// Where its details are kept, which earlier versions did not write.
const DETAILS: &str = "memory.details";

/// A model with everything its file says.
#[derive(Clone, Debug)]
pub struct Model {
    /// What the file says besides the weights.
    pub card: Card,
    /// The network, one alone.
    pub network: Nae,
    /// What it remembers of its training clips, if it was asked to.
    pub memory: Option<Memory>,
}

impl Model {
    /// The file's bytes.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the weights cannot be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let tensors = self.tensors()?;
        let mut views = tensors
            .iter()
            .map(|(name, (shape, bytes))| {
                let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(unwritable)?;
                Ok((name.as_str(), view))
            })
            .collect::<Result<Vec<_>, ModelError>>()?;
        let mut metadata = self.metadata()?;
        let remembered = self.memory.as_ref().map(Memory::to_bytes);
        if let (Some(memory), Some(bytes)) = (&self.memory, &remembered) {
            let shape = vec![memory.rank(), memory.frames()];
            let view = TensorView::new(Dtype::F16, shape, bytes).map_err(unwritable)?;
            views.push((MEMORY.0, view));
            if let Some(details) = memory.details() {
                let shape = vec![details.len()];
                let view = TensorView::new(Dtype::U8, shape, details).map_err(unwritable)?;
                views.push((DETAILS, view));
            }
            let clips = serde_json::to_string(memory.clips()).map_err(unwritable)?;
            metadata.insert(MEMORY.1.into(), clips);
        }
        serialize(views, Some(metadata)).map_err(unwritable)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`ModelError::Write`] if the path cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        Ok(nae_files::write_atomically(path, &self.to_bytes()?)?)
    }

    /// Reads a model file and puts its weights on `device`.
    ///
    /// # Errors
    /// [`ModelError::Read`], [`ModelError::NotAModel`], [`ModelError::Version`] or
    /// [`ModelError::Tensor`], each naming the file.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        let stored = Stored::open(path, "nae", FORMAT_VERSION)?;
        model(&stored, device)
    }

    /// The model's identity: SHA-256, in hexadecimal, of all that decides what it does (weights,
    /// architecture, audio settings and gain), whatever it is called and however it was trained.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the weights cannot be read back.
    pub fn fingerprint(&self) -> Result<String, ModelError> {
        let metadata = self.metadata()?;
        let mut bytes = Vec::new();
        for key in ["architecture", "audio", "gain"] {
            bytes.extend(metadata[key].as_bytes());
        }
        for (name, (_, values)) in self.tensors()? {
            bytes.extend(name.as_bytes());
            bytes.extend(values);
        }
        Ok(sha256_hex(&bytes))
    }

    /// Every tensor's shape and little-endian bytes, by name.
    fn tensors(&self) -> Result<BTreeMap<String, StoredTensor>, ModelError> {
        let mut tensors = BTreeMap::new();
        let mut add = |name: String, tensor: Tensor<3>| -> Result<(), ModelError> {
            // a model is one network; the dimension for several is not written
            let shape = tensor.dims()[1..].to_vec();
            let bytes = read(tensor)?.iter().flat_map(|x| x.to_le_bytes()).collect();
            tensors.insert(name, (shape, bytes));
            Ok(())
        };
        for (part, layers) in [
            ("encoder", &self.network.encoder),
            ("decoder", &self.network.decoder),
        ] {
            for (i, layer) in layers.iter().enumerate() {
                add(format!("{part}.{i}.weight"), layer.weight.val())?;
                if let Some(bias) = &layer.bias {
                    add(format!("{part}.{i}.bias"), bias.val())?;
                }
            }
        }
        Ok(tensors)
    }

    fn metadata(&self) -> Result<HashMap<String, String>, ModelError> {
        let json = |value: serde_json::Result<String>| value.map_err(unwritable);
        let card = &self.card;
        Ok(HashMap::from([
            ("format".into(), "nae".into()),
            ("format_version".into(), FORMAT_VERSION.to_string()),
            ("name".into(), card.name.clone()),
            (
                "architecture".into(),
                json(serde_json::to_string(&card.model))?,
            ),
            ("audio".into(), json(serde_json::to_string(&card.audio))?),
            ("gain".into(), json(serde_json::to_string(&card.gain))?),
            (
                "training".into(),
                json(serde_json::to_string(&card.training))?,
            ),
        ]))
    }
}

/// Only reached if serialisation itself is broken; still no panic.
fn unwritable(error: impl std::fmt::Display) -> ModelError {
    ModelError::Device(format!("the model could not be serialised: {error}"))
}

fn model(stored: &Stored, device: &Device) -> Result<Model, ModelError> {
    let card = Card {
        name: stored.text("name")?.to_owned(),
        audio: stored.json("audio")?,
        model: stored.json("architecture")?,
        gain: stored.json("gain")?,
        training: stored.json("training")?,
    };
    card.audio.validate()?;
    card.model.validate()?;
    let tensors = stored.tensors()?;
    let sizes = card.model.sizes(card.audio.stft().bins());
    let mut layers = (0..card.model.depth())
        .map(|i| {
            let encoder = card.model.encoder_layers();
            let name = if i < encoder {
                format!("encoder.{i}")
            } else {
                format!("decoder.{}", i - encoder)
            };
            let weight = stored.matrix(
                &tensors,
                format!("{name}.weight"),
                [sizes[i + 1], sizes[i]],
                device,
            )?;
            let bias = match card.model.bias {
                crate::config::Bias::None => None,
                crate::config::Bias::All => Some(stored.matrix(
                    &tensors,
                    format!("{name}.bias"),
                    [sizes[i + 1], 1],
                    device,
                )?),
            };
            Ok(Dense::from_tensors(weight, bias, stage(&card.model, i)))
        })
        .collect::<Result<Vec<_>, ModelError>>()?;
    let decoder = layers.split_off(card.model.encoder_layers());
    let memory = match stored.has(MEMORY.1) {
        true => Some(memory(
            stored,
            &tensors,
            stored.json(MEMORY.1)?,
            [card.model.rank, card.audio.stft().bins()],
        )?),
        false => None,
    };
    Ok(Model {
        card,
        network: Nae {
            encoder: layers,
            decoder,
        },
        memory,
    })
}

fn memory(
    stored: &Stored,
    tensors: &SafeTensors<'_>,
    clips: Vec<usize>,
    [rank, bins]: [usize; 2],
) -> Result<Memory, ModelError> {
    let expected = format!("[{rank}, frames of all clips] in f16, no number below 0");
    let wrong = |came: String| stored.wrong(MEMORY.0, &expected, came);
    let view = tensors.tensor(MEMORY.0);
    let view = view.map_err(|_| wrong("missing".into()))?;
    if view.dtype() != Dtype::F16 || view.shape().first() != Some(&rank) {
        return Err(wrong(format!("{:?} in {:?}", view.shape(), view.dtype())));
    }
    let halves = view.data().as_chunks::<2>().0.iter();
    let values = halves.map(|bytes| f16::from_le_bytes(*bytes)).collect();
    let memory = Memory::from_parts(rank, clips, values);
    let memory = memory.ok_or_else(|| wrong("something else".into()))?;
    let Ok(view) = tensors.tensor(DETAILS) else {
        return Ok(memory);
    };
    let expected = (memory.frames() * bins).div_ceil(4);
    if view.dtype() != Dtype::U8 || view.shape() != [expected] {
        let came = format!("{:?} in {:?}", view.shape(), view.dtype());
        return Err(stored.wrong(DETAILS, &format!("[{expected}] in u8"), came));
    }
    Ok(memory.with_packed(view.data().to_vec()))
}
