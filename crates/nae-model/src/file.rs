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

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use burn::tensor::{Device, f16};
use nae_config::Canonical;
use nae_files::sha256_hex;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::ModelError;
use crate::kinds::Network;
use crate::latent_cache::LatentCache;
use crate::metadata::Metadata;
use crate::network::Extent;
use crate::network_file::{check_network, read_network};
use crate::safetensors_bytes::safetensors_bytes;
use crate::safetensors_file::SafetensorsFile;

/// Factors that bring training sound to unit level, any that f32 holds.
const GAINS: RangeInclusive<f64> = f32::MIN_POSITIVE as f64..=f32::MAX as f64;

/// Newest format version that can be read.
pub const FORMAT_VERSION: u32 = 2;

/// A tensor's shape and little-endian bytes.
type StoredTensor = (Vec<usize>, Vec<u8>);

/// Where the latent cache's activations and the frames of its clips are kept.
const LATENTS: (&str, &str) = ("memory.activations", "memory");
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
        let tensors = self.tensors()?;
        let mut views = tensors
            .iter()
            .map(|(name, (shape, bytes))| {
                let view = TensorView::new(Dtype::F32, shape.clone(), bytes)
                    .map_err(ModelError::unwritable)?;
                Ok((name.as_str(), view))
            })
            .collect::<Result<Vec<_>, ModelError>>()?;
        let mut entries = self.entries()?;
        let latents = self.latent_cache.as_ref().map(LatentCache::to_bytes);
        if let (Some(cache), Some(bytes)) = (&self.latent_cache, &latents) {
            let shape = vec![cache.rank(), cache.frames()];
            let view = TensorView::new(Dtype::F16, shape, bytes).map_err(ModelError::unwritable)?;
            views.push((LATENTS.0, view));
            if let Some(codes) = cache.residual_codes() {
                let shape = vec![codes.len()];
                let view =
                    TensorView::new(Dtype::U8, shape, codes).map_err(ModelError::unwritable)?;
                views.push((RESIDUAL_CODES, view));
            }
            entries.insert(LATENTS.1.into(), json(cache.clips())?);
        }
        safetensors_bytes(views, &entries)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`ModelError::File`] if the path cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        Ok(nae_files::write_atomically(path, &self.to_bytes()?)?)
    }

    /// Reads a model file and puts its weights on `device`.
    ///
    /// # Errors
    /// [`ModelError::File`], [`ModelError::NotAModel`], [`ModelError::Version`] or
    /// [`ModelError::Tensor`], each naming the file.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        let file = SafetensorsFile::open(path, "nae", FORMAT_VERSION)?;
        let metadata = Metadata {
            name: file.text("name")?.to_owned(),
            audio: file.settings("audio")?,
            architecture: file.json("architecture")?,
            gain: file.json("gain")?,
            training: file.json("training")?,
        };
        file.checked(metadata.audio.validate())?;
        file.checked(metadata.architecture.validate())?;
        if !GAINS.contains(&metadata.gain) {
            let (least, most) = (GAINS.start(), GAINS.end());
            return Err(file.format_error(format!(
                "its `gain` is {:e}, but it must be at least {least:e} and at most {most:e}",
                metadata.gain
            )));
        }
        let bins = metadata.audio.stft().bins();
        let whole = (&metadata.architecture, Extent::Whole);
        check_network(&file, "", whole, bins)?;
        let tensors = file.tensors()?;
        let network = read_network(&file, &tensors, "", whole, bins, device)?;
        let latent_cache = match file.has(LATENTS.1) {
            true => {
                let shape = [metadata.architecture.rank(), bins];
                Some(latent_cache(&file, &tensors, shape)?)
            }
            false => None,
        };
        Ok(Self {
            metadata,
            network,
            latent_cache,
        })
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
    fn tensors(&self) -> Result<BTreeMap<String, StoredTensor>, ModelError> {
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

fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, ModelError> {
    serde_json::to_string(value).map_err(ModelError::unwritable)
}

/// The file's latent cache, for a model of so many activations and bins a frame.
fn latent_cache(
    file: &SafetensorsFile,
    tensors: &SafeTensors<'_>,
    [rank, bins]: [usize; 2],
) -> Result<LatentCache, ModelError> {
    let clips: Vec<usize> = file.json(LATENTS.1)?;
    let expected = format!("[{rank}, frames of all clips] in f16, no number below 0");
    let error = |came: String| file.tensor_error(LATENTS.0, &expected, came);
    let view = tensors.tensor(LATENTS.0);
    let view = view.map_err(|_| error("missing".into()))?;
    if view.dtype() != Dtype::F16 || view.shape().first() != Some(&rank) {
        return Err(error(format!("{:?} in {:?}", view.shape(), view.dtype())));
    }
    let halves = view.data().as_chunks::<2>().0.iter();
    let values = halves.map(|bytes| f16::from_le_bytes(*bytes)).collect();
    let cache = LatentCache::from_parts(rank, clips, values);
    let cache = cache.ok_or_else(|| error("something else".into()))?;
    let Ok(view) = tensors.tensor(RESIDUAL_CODES) else {
        return Ok(cache);
    };
    let expected = (cache.frames() * bins).div_ceil(4);
    if view.dtype() != Dtype::U8 || view.shape() != [expected] {
        let came = format!("{:?} in {:?}", view.shape(), view.dtype());
        return Err(file.tensor_error(RESIDUAL_CODES, &format!("[{expected}] in u8"), came));
    }
    Ok(cache.with_packed(view.data().to_vec()))
}
