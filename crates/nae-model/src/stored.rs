//! Reading `.safetensors` files that nae wrote.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, f16};
use safetensors::tensor::{Dtype, SafeTensors};
use serde::de::DeserializeOwned;

use crate::error::ModelError;
use crate::init::from_host;

/// A file's bytes and its metadata.
#[derive(Debug)]
pub struct Stored {
    path: PathBuf,
    expected: &'static str,
    bytes: Vec<u8>,
    metadata: HashMap<String, String>,
}

/// A format in words.
fn expected(format: &str) -> &'static str {
    match format {
        "nae-joint" => "a joint encoder as `nae join` writes them",
        "nae-start" => "a start for joint encoders as `nae pretrain` writes them",
        _ => "a model as `nae train` writes them",
    }
}

impl Stored {
    /// Reads a file of one of our formats.
    ///
    /// - `format`: what its metadata must say of itself
    /// - `known`: the newest version of that format that can be read
    ///
    /// # Errors
    /// [`ModelError::Read`], [`ModelError::NotAModel`] or [`ModelError::Version`].
    pub fn open(path: &Path, format: &str, known: u32) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| ModelError::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(path, bytes, format, known)
    }

    /// The same from bytes that are there already.
    ///
    /// - `path`: where they came from, for messages
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] or [`ModelError::Version`].
    pub fn parse(
        path: &Path,
        bytes: Vec<u8>,
        format: &str,
        known: u32,
    ) -> Result<Self, ModelError> {
        let mut stored = Self {
            path: path.into(),
            expected: expected(format),
            bytes,
            metadata: HashMap::new(),
        };
        let (_, header) = SafeTensors::read_metadata(&stored.bytes)
            .map_err(|error| stored.not_ours(format!("it is no safetensors file ({error})")))?;
        stored.metadata = header.metadata().clone().unwrap_or_default();
        match stored.metadata.get("format").map(String::as_str) {
            Some(came) if came == format => {}
            Some("nae-joint") => {
                return Err(
                    stored.not_ours("it is a joint encoder; give it with `separate --joint`")
                );
            }
            Some("nae-start") => {
                return Err(stored
                    .not_ours("it is what `nae pretrain` makes; give it with `nae join --start`"));
            }
            Some("nae") => {
                return Err(stored.not_ours("it is a model of one source; give it with `--model`, or join it with others by `nae join`"));
            }
            _ => return Err(stored.not_ours(format!("its metadata has no `format` = `{format}`"))),
        }
        let version = stored.metadata.get("format_version");
        let version = version.cloned().unwrap_or_default();
        if version.parse::<u32>().ok().is_none_or(|v| v > known) {
            return Err(ModelError::Version {
                path: stored.path,
                came: version,
                known,
            });
        }
        Ok(stored)
    }

    /// The error that this file is not what it was taken for.
    pub fn not_ours(&self, reason: impl Into<String>) -> ModelError {
        ModelError::NotAModel {
            path: self.path.clone(),
            expected: self.expected,
            reason: reason.into(),
        }
    }

    /// The error that a tensor is not what the metadata needs.
    pub fn wrong(&self, tensor: &str, expected: &str, came: String) -> ModelError {
        ModelError::Tensor {
            path: self.path.clone(),
            tensor: tensor.into(),
            expected: expected.into(),
            came,
        }
    }

    /// Whether the metadata has an entry.
    pub fn has(&self, key: &str) -> bool {
        self.metadata.contains_key(key)
    }

    /// An entry of the metadata.
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] if it is missing.
    pub fn text(&self, key: &str) -> Result<&str, ModelError> {
        let text = self.metadata.get(key).map(String::as_str);
        text.ok_or_else(|| self.not_ours(format!("its metadata has no `{key}`")))
    }

    /// An entry of the metadata that is JSON.
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] if it is missing or something else.
    pub fn json<T: DeserializeOwned>(&self, key: &str) -> Result<T, ModelError> {
        serde_json::from_str(self.text(key)?).map_err(|error| {
            self.not_ours(format!("its metadata's `{key}` cannot be read ({error})"))
        })
    }

    /// All tensors.
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] if the file is damaged.
    pub fn tensors(&self) -> Result<SafeTensors<'_>, ModelError> {
        SafeTensors::deserialize(&self.bytes).map_err(|error| self.not_ours(error.to_string()))
    }

    /// A tensor's values, row-major.
    ///
    /// # Errors
    /// [`ModelError::Tensor`] if it is missing, of another shape or type, or not finite.
    pub fn values(
        &self,
        tensors: &SafeTensors<'_>,
        name: &str,
        shape: &[usize],
    ) -> Result<Vec<f32>, ModelError> {
        let expected = format!("{shape:?} in f32 or f16");
        let wrong = |came: String| self.wrong(name, &expected, came);
        let view = tensors.tensor(name).map_err(|_| wrong("missing".into()))?;
        let singles = view.data().as_chunks::<4>().0.iter();
        let halves = view.data().as_chunks::<2>().0.iter();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 if view.shape() == shape => {
                singles.map(|bytes| f32::from_le_bytes(*bytes)).collect()
            }
            Dtype::F16 if view.shape() == shape => halves
                .map(|bytes| f16::from_le_bytes(*bytes).to_f32())
                .collect(),
            came => return Err(wrong(format!("{:?} in {came:?}", view.shape()))),
        };
        if values.iter().any(|value| !value.is_finite()) {
            return Err(wrong("holding numbers that are not finite".into()));
        }
        Ok(values)
    }

    /// A matrix on `device`.
    ///
    /// # Errors
    /// As [`values`](Self::values).
    pub fn matrix(
        &self,
        tensors: &SafeTensors<'_>,
        name: String,
        shape: [usize; 2],
        device: &Device,
    ) -> Result<Tensor<3>, ModelError> {
        let values = self.values(tensors, &name, &shape)?;
        Ok(from_host(values, [1, shape[0], shape[1]], device))
    }
}
