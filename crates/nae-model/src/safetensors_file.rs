//! Reading `.safetensors` files that nae wrote.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use burn::tensor::f16;
use nae_config::{Settings, canonical};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;

use crate::error::ModelError;

/// A file's bytes and its metadata.
#[derive(Debug)]
pub struct SafetensorsFile {
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

impl SafetensorsFile {
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
        let mut file = Self {
            path: path.into(),
            expected: expected(format),
            bytes,
            metadata: HashMap::new(),
        };
        let (_, header) = SafeTensors::read_metadata(&file.bytes)
            .map_err(|error| file.format_error(format!("it is no safetensors file ({error})")))?;
        file.metadata = header.metadata().clone().unwrap_or_default();
        match file.metadata.get("format").map(String::as_str) {
            Some(came) if came == format => {}
            Some("nae-joint") => {
                return Err(
                    file.format_error("it is a joint encoder; give it with `separate --joint`")
                );
            }
            Some("nae-start") => {
                return Err(file.format_error(
                    "it is what `nae pretrain` makes; give it with `nae join --start`",
                ));
            }
            Some("nae") => {
                return Err(file.format_error("it is a model of one source; give it with `--model`, or join it with others by `nae join`"));
            }
            _ => {
                return Err(file.format_error(format!("its metadata has no `format` = `{format}`")));
            }
        }
        let version = file.metadata.get("format_version");
        let version = version.cloned().unwrap_or_default();
        if version.parse::<u32>().ok().is_none_or(|v| v > known) {
            return Err(ModelError::Version {
                path: file.path,
                came: version,
                known,
            });
        }
        Ok(file)
    }

    /// The error that this file is not what it was taken for.
    pub fn format_error(&self, reason: impl Into<String>) -> ModelError {
        ModelError::NotAModel {
            path: self.path.clone(),
            expected: self.expected,
            reason: reason.into(),
        }
    }

    /// The error that a tensor is not what the metadata needs.
    pub fn tensor_error(&self, tensor: &str, expected: &str, came: String) -> ModelError {
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
        text.ok_or_else(|| self.format_error(format!("its metadata has no `{key}`")))
    }

    /// An entry of the metadata that is JSON.
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] if it is missing or something else.
    pub fn json<T: DeserializeOwned>(&self, key: &str) -> Result<T, ModelError> {
        serde_json::from_str(self.text(key)?).map_err(|error| {
            self.format_error(format!("its metadata's `{key}` cannot be read ({error})"))
        })
    }

    /// An entry of the metadata that is the [canonical](nae_config::canonical) text of settings.
    /// Ranges are not checked.
    ///
    /// # Errors
    /// As [`json`](Self::json).
    pub fn settings<T: Settings>(&self, key: &str) -> Result<T, ModelError> {
        canonical::from_json(self.text(key)?).map_err(|error| {
            self.format_error(format!("its metadata's `{key}` cannot be read ({error})"))
        })
    }

    /// All tensors.
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] if the file is damaged.
    pub fn tensors(&self) -> Result<SafeTensors<'_>, ModelError> {
        SafeTensors::deserialize(&self.bytes).map_err(|error| self.format_error(error.to_string()))
    }

    /// A tensor of a shape.
    ///
    /// # Errors
    /// [`ModelError::Tensor`] if it is missing, or of another shape or type.
    pub fn view<'a>(
        &self,
        tensors: &SafeTensors<'a>,
        name: &str,
        shape: &[usize],
    ) -> Result<TensorView<'a>, ModelError> {
        let expected = format!("{shape:?} in f32 or f16");
        let error = |came: String| self.tensor_error(name, &expected, came);
        let view = tensors.tensor(name).map_err(|_| error("missing".into()))?;
        match view.dtype() {
            Dtype::F32 | Dtype::F16 if view.shape() == shape => Ok(view),
            came => Err(error(format!("{:?} in {came:?}", view.shape()))),
        }
    }

    /// A tensor's values, row-major.
    ///
    /// # Errors
    /// As [`view`](Self::view), and if one is not finite.
    pub fn values(
        &self,
        tensors: &SafeTensors<'_>,
        name: &str,
        shape: &[usize],
    ) -> Result<Vec<f32>, ModelError> {
        let view = self.view(tensors, name, shape)?;
        let singles = view.data().as_chunks::<4>().0.iter();
        let halves = view.data().as_chunks::<2>().0.iter();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F16 => halves
                .map(|bytes| f16::from_le_bytes(*bytes).to_f32())
                .collect(),
            _ => singles.map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        };
        if values.iter().any(|value| !value.is_finite()) {
            let expected = format!("{shape:?} in f32 or f16");
            let came = "holding numbers that are not finite".into();
            return Err(self.tensor_error(name, &expected, came));
        }
        Ok(values)
    }
}
