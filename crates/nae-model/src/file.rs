//! The model file: one `.safetensors` with weights under readable names and everything else that is
//! known of the model in its metadata.
//!
//! | tensor | shape |
//! |---|---|
//! | the network's | as [`Architecture::tensors`](crate::Architecture::tensors) lists them: `encoder.0.weight` … `[outputs, inputs]`, `decoder.0.bias` … `[outputs, 1]` |
//! | `memory.activations` (with a latent cache, 16-bit floats) | `[rank, frames]` |
//! | `memory.details` (with residual codes, bytes of four 2-bit numbers) | `[⌈bins·frames/4⌉]` |
//!
//! Metadata, all strings, structured ones as JSON: `format` (`"nae"`), `format_version`, `name`,
//! `architecture`, `audio` (sample rate and STFT), `gain`, `training`; with a latent cache, `memory`
//! (frames of every clip).
//!
//! Several models of one source in one file: [`ensemble`](crate::ensemble).
//!
//! # Versions
//!
//! A file is written in the first version that can hold its architecture, and the version is
//! checked before anything else is read, so an older nae refuses a newer file with a message about
//! its version, not about an unknown key.
//!
//! | version | holds |
//! |---|---|
//! | 1 | dense autoencoders and factorisations |
//! | 2 | stacks of layers that see several frames, and deconvolutions |
//! | 3 | ensembles |

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use burn::tensor::{Device, f16};
use nae_config::Canonical;
use nae_files::sha256_hex;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::audio::AudioConfig;
use crate::error::ModelError;
use crate::kinds::{Architecture, Network};
use crate::latent_cache::LatentCache;
use crate::metadata::{Metadata, TrainingSummary};
use crate::network::Extent;
use crate::network_file::{check_network, read_network};
use crate::safetensors_bytes::safetensors_bytes;
use crate::safetensors_file::SafetensorsFile;

/// Factors that bring training sound to unit level, any that f32 holds.
const GAINS: RangeInclusive<f64> = f32::MIN_POSITIVE as f64..=f32::MAX as f64;

/// Newest format version that can be read.
pub const FORMAT_VERSION: u32 = 3;

/// A tensor's shape and little-endian bytes.
type Weights = (Vec<usize>, Vec<u8>);

/// A tensor as a file holds it.
pub(crate) struct StoredTensor {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// What a file says of one model besides its tensors, its name and how it analyses sound.
#[derive(Serialize, Deserialize)]
pub(crate) struct ModelEntry {
    pub architecture: Architecture,
    pub gain: f64,
    pub training: TrainingSummary,
    /// Frames of every clip of the latent cache, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Vec<usize>>,
}

/// Where the latent cache's activations and the frames of its clips are kept.
const LATENTS: (&str, &str) = ("memory.activations", "memory");
/// Where an ensemble's file says what its members after the first are.
pub(crate) const MEMBERS: &str = "members";
/// Where its residual codes are kept, which earlier versions did not write.
const RESIDUAL_CODES: &str = "memory.details";

/// A model with everything its file says.
#[derive(Clone, Debug)]
pub struct Model {
    /// What the file says besides the weights.
    pub metadata: Metadata,
    /// The network, one alone.
    pub network: Network,
    /// Latents of its training clips, if they were to be kept.
    pub latent_cache: Option<LatentCache>,
}

impl Model {
    /// The file's bytes.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the weights cannot be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        file_bytes(&self.stored_tensors("")?, &self.entries_with_cache()?)
    }

    /// The entries of the file's metadata.
    pub(crate) fn entries_with_cache(&self) -> Result<BTreeMap<String, String>, ModelError> {
        let mut entries = self.entries()?;
        if let Some(cache) = &self.latent_cache {
            entries.insert(LATENTS.1.into(), json(cache.clips())?);
        }
        Ok(entries)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`ModelError::File`] if the path cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        Ok(nae_files::write_atomically(path, &self.to_bytes()?)?)
    }

    /// Reads the file of one model and puts its weights on `device`;
    /// [`Ensemble::load`](crate::Ensemble::load) also reads those of several.
    ///
    /// # Errors
    /// [`ModelError::File`], [`ModelError::NotAModel`], [`ModelError::Version`],
    /// [`ModelError::Several`] or [`ModelError::Tensor`], each naming the file.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        let file = SafetensorsFile::open(path, "nae", FORMAT_VERSION)?;
        if file.has(MEMBERS) {
            let path = path.into();
            return Err(ModelError::Several { path });
        }
        Self::read(&file, device)
    }

    /// Reads the one model of a file.
    pub(crate) fn read(file: &SafetensorsFile, device: &Device) -> Result<Self, ModelError> {
        let entry = ModelEntry {
            architecture: file.json("architecture")?,
            gain: file.json("gain")?,
            training: file.json("training")?,
            memory: match file.has(LATENTS.1) {
                true => Some(file.json(LATENTS.1)?),
                false => None,
            },
        };
        let audio: AudioConfig = file.settings("audio")?;
        file.checked(audio.validate())?;
        entry.check(file, "", &audio)?;
        entry.read(file, &file.tensors()?, "", &audio, device)
    }

    /// What a file says of this model.
    pub(crate) fn entry(&self) -> ModelEntry {
        let metadata = &self.metadata;
        ModelEntry {
            architecture: metadata.architecture.clone(),
            gain: metadata.gain,
            training: metadata.training.clone(),
            memory: self
                .latent_cache
                .as_ref()
                .map(|cache| cache.clips().to_vec()),
        }
    }

    /// All tensors of the file, with `prefix` before their names.
    pub(crate) fn stored_tensors(&self, prefix: &str) -> Result<Vec<StoredTensor>, ModelError> {
        let weights = self.tensors()?.into_iter();
        let weights = weights.map(|(name, (shape, bytes))| StoredTensor {
            name: format!("{prefix}{name}"),
            dtype: Dtype::F32,
            shape,
            bytes,
        });
        let mut tensors: Vec<StoredTensor> = weights.collect();
        if let Some(cache) = &self.latent_cache {
            tensors.push(StoredTensor {
                name: format!("{prefix}{}", LATENTS.0),
                dtype: Dtype::F16,
                shape: vec![cache.rank(), cache.frames()],
                bytes: cache.to_bytes(),
            });
            tensors.extend(cache.residual_codes().map(|codes| StoredTensor {
                name: format!("{prefix}{RESIDUAL_CODES}"),
                dtype: Dtype::U8,
                shape: vec![codes.len()],
                bytes: codes.to_vec(),
            }));
        }
        Ok(tensors)
    }

    /// The model's identity: SHA-256, in hexadecimal, of all that decides what it does (weights,
    /// architecture, audio settings and gain), whatever it is called and however it was trained.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the weights cannot be read back.
    pub fn fingerprint(&self) -> Result<String, ModelError> {
        let entries = self.entries()?;
        let mut bytes = Vec::new();
        for key in ["architecture", "audio", "gain"] {
            bytes.extend(entries[key].as_bytes());
        }
        for (name, (_, values)) in self.tensors()? {
            bytes.extend(name.as_bytes());
            bytes.extend(values);
        }
        Ok(sha256_hex(&bytes))
    }

    /// Every tensor's shape and little-endian bytes, by name.
    fn tensors(&self) -> Result<BTreeMap<String, Weights>, ModelError> {
        let values = self.network.values()?.into_iter();
        let stored = values.map(|(name, (shape, values))| {
            let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            (name, (shape, bytes))
        });
        Ok(stored.collect())
    }

    /// The entries of the file's metadata, but for the latent cache's.
    fn entries(&self) -> Result<BTreeMap<String, String>, ModelError> {
        let metadata = &self.metadata;
        let version = metadata.architecture.format_version();
        Ok(BTreeMap::from([
            ("format".into(), "nae".into()),
            ("format_version".into(), version.to_string()),
            ("name".into(), metadata.name.clone()),
            ("architecture".into(), metadata.architecture.canonical()?),
            ("audio".into(), json(&Canonical(&metadata.audio))?),
            ("gain".into(), json(&metadata.gain)?),
            ("training".into(), json(&metadata.training)?),
        ]))
    }
}

impl ModelEntry {
    /// Checks ranges, and that the file has every tensor in its shape, before any is read.
    ///
    /// - `prefix`: what stands before the tensors' names
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] or [`ModelError::Tensor`], each naming the file.
    pub fn check(
        &self,
        file: &SafetensorsFile,
        prefix: &str,
        audio: &AudioConfig,
    ) -> Result<(), ModelError> {
        file.checked(self.architecture.validate())?;
        if !GAINS.contains(&self.gain) {
            let (least, most) = (GAINS.start(), GAINS.end());
            return Err(file.format_error(format!(
                "its `gain` is {:e}, but it must be at least {least:e} and at most {most:e}",
                self.gain
            )));
        }
        let whole = (&self.architecture, Extent::Whole);
        check_network(file, prefix, whole, audio.stft().bins())
    }

    /// Reads the model, which has been [checked](Self::check).
    ///
    /// # Errors
    /// [`ModelError::Tensor`] naming the file.
    pub fn read(
        self,
        file: &SafetensorsFile,
        tensors: &SafeTensors<'_>,
        prefix: &str,
        audio: &AudioConfig,
        device: &Device,
    ) -> Result<Model, ModelError> {
        let bins = audio.stft().bins();
        let whole = (&self.architecture, Extent::Whole);
        let network = read_network(file, tensors, prefix, whole, bins, device)?;
        let shape = [self.architecture.rank(), bins];
        let cache = |clips| latent_cache(file, tensors, prefix, clips, shape);
        let latent_cache = self.memory.map(cache).transpose()?;
        Ok(Model {
            metadata: Metadata {
                name: file.text("name")?.to_owned(),
                audio: *audio,
                architecture: self.architecture,
                gain: self.gain,
                training: self.training,
            },
            network,
            latent_cache,
        })
    }
}

/// The bytes of a file.
pub(crate) fn file_bytes(
    tensors: &[StoredTensor],
    entries: &BTreeMap<String, String>,
) -> Result<Vec<u8>, ModelError> {
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
        views.push((tensor.name.as_str(), view.map_err(ModelError::unwritable)?));
    }
    safetensors_bytes(views, entries)
}

pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, ModelError> {
    serde_json::to_string(value).map_err(ModelError::unwritable)
}

/// The latent cache of a model of so many activations and bins a frame.
fn latent_cache(
    file: &SafetensorsFile,
    tensors: &SafeTensors<'_>,
    prefix: &str,
    clips: Vec<usize>,
    [rank, bins]: [usize; 2],
) -> Result<LatentCache, ModelError> {
    let name = format!("{prefix}{}", LATENTS.0);
    let expected = format!("[{rank}, frames of all clips] in f16, no number below 0");
    let error = |came: String| file.tensor_error(&name, &expected, came);
    let view = tensors.tensor(&name);
    let view = view.map_err(|_| error("missing".into()))?;
    if view.dtype() != Dtype::F16 || view.shape().first() != Some(&rank) {
        return Err(error(format!("{:?} in {:?}", view.shape(), view.dtype())));
    }
    let halves = view.data().as_chunks::<2>().0.iter();
    let values = halves.map(|bytes| f16::from_le_bytes(*bytes)).collect();
    let cache = LatentCache::from_parts(rank, clips, values);
    let cache = cache.ok_or_else(|| error("something else".into()))?;
    let name = format!("{prefix}{RESIDUAL_CODES}");
    let Ok(view) = tensors.tensor(&name) else {
        return Ok(cache);
    };
    let expected = (cache.frames() * bins).div_ceil(4);
    if view.dtype() != Dtype::U8 || view.shape() != [expected] {
        let came = format!("{:?} in {:?}", view.shape(), view.dtype());
        return Err(file.tensor_error(&name, &format!("[{expected}] in u8"), came));
    }
    Ok(cache.with_packed(view.data().to_vec()))
}
