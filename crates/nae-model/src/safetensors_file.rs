//! Reading `.safetensors` files that nae wrote.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use burn::tensor::f16;
use nae_config::{Settings, canonical};
use nae_files::{FileError, count, open_regular};
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo, TensorView};
use serde::de::DeserializeOwned;

use crate::error::ModelError;

/// Most bytes that a file may have: 4 GiB. A model of 100 activations takes 0.4 MB.
const FILE_LIMIT: u64 = 4 << 30;

/// Most bytes that a header may have, as in the `safetensors` crate.
const HEADER_LIMIT: u64 = 100_000_000;

/// Bytes of the number at a file's start, which is the length of its header.
const PREFIX: u64 = 8;

/// Largest weight, up or down: the square of a larger one is beyond what 32 bits can hold.
const WEIGHT_LIMIT: f32 = 1e18;

/// A file's header: its metadata and the shapes of its tensors. These are read when they are asked
/// for, so that shapes can be held against what the metadata needs before any memory is taken.
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    expected: &'static str,
    header: Metadata,
    metadata: HashMap<String, String>,
    /// Where the bytes come from, and how many there are.
    source: (Source, u64),
    /// All bytes, once they were needed.
    bytes: OnceLock<Vec<u8>>,
}

#[derive(Debug)]
enum Source {
    File(File),
    Memory(&'static [u8]),
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
    /// Reads the header of a file of one of our formats.
    ///
    /// - `format`: what its metadata must say of itself
    /// - `known`: the newest version of that format that can be read
    ///
    /// # Errors
    /// [`ModelError::File`] for anything but a regular file of up to 4 GiB that can be read;
    /// [`ModelError::NotAModel`] or [`ModelError::Version`].
    pub fn open(path: &Path, format: &str, known: u32) -> Result<Self, ModelError> {
        let mut file = open_regular(path)?;
        let failed = |error| ModelError::from(FileError::io(path, "read it", error));
        let length = file.metadata().map_err(failed)?.len();
        if length > FILE_LIMIT {
            let (path, limit) = (path.into(), FILE_LIMIT);
            return Err(FileError::TooLarge {
                path,
                length,
                limit,
            }
            .into());
        }
        let mut start = Vec::new();
        let mut read = |bytes: &mut Vec<u8>, count| (&mut file).take(count).read_to_end(bytes);
        read(&mut start, PREFIX).map_err(failed)?;
        let header = header_length(&start, length);
        read(&mut start, header.unwrap_or(0)).map_err(failed)?;
        Self::with_header(path, &start, (Source::File(file), length), format, known)
    }

    /// The same from bytes that are there already.
    ///
    /// - `path`: where they came from, for messages
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] or [`ModelError::Version`].
    pub fn parse(
        path: &Path,
        bytes: &'static [u8],
        format: &str,
        known: u32,
    ) -> Result<Self, ModelError> {
        let length = bytes.len() as u64;
        let end = PREFIX + header_length(bytes, length).unwrap_or(0);
        let start = bytes.get(..end as usize).unwrap_or(bytes);
        Self::with_header(path, start, (Source::Memory(bytes), length), format, known)
    }

    /// - `start`: the file's first bytes, up to the end of its header
    fn with_header(
        path: &Path,
        start: &[u8],
        source: (Source, u64),
        format: &str,
        known: u32,
    ) -> Result<Self, ModelError> {
        let expected = expected(format);
        let not_a_model = |reason: String| ModelError::NotAModel {
            path: path.into(),
            expected,
            reason: printable(&reason),
        };
        let length = source.1;
        let header = header(start, length)
            .map_err(|reason| not_a_model(format!("it is not a safetensors file ({reason})")))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let wrong = match metadata.get("format").map(String::as_str) {
            Some(came) if came == format => None,
            Some("nae-joint") => {
                Some("it is a joint encoder; give it with `separate --joint`".to_owned())
            }
            Some("nae-start") => Some(
                "it is what `nae pretrain` makes; give it with `nae join --start`".to_owned(),
            ),
            Some("nae") => Some("it is a model of one source; give it with `--model`, or join it with others by `nae join`".to_owned()),
            _ => Some(format!("its metadata has no `format` = `{format}`")),
        };
        if let Some(reason) = wrong {
            return Err(not_a_model(reason));
        }
        let version = metadata.get("format_version").cloned().unwrap_or_default();
        if version.parse::<u32>().ok().is_none_or(|v| v > known) {
            return Err(ModelError::Version {
                path: path.into(),
                came: printable(&version),
                known,
            });
        }
        Ok(Self {
            path: path.into(),
            expected,
            header,
            metadata,
            source,
            bytes: OnceLock::new(),
        })
    }

    /// The error that this file is not what it was taken for.
    pub fn format_error(&self, reason: impl Into<String>) -> ModelError {
        ModelError::NotAModel {
            path: self.path.clone(),
            expected: self.expected,
            reason: printable(&reason.into()),
        }
    }

    /// What checking settings of the file has found, with the file's name.
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] for settings that are out of range.
    pub fn checked(&self, outcome: Result<(), ModelError>) -> Result<(), ModelError> {
        outcome.map_err(|error| match error {
            ModelError::Setting(_) | ModelError::Audio(_) => {
                self.format_error(format!("its settings cannot be used: {error}"))
            }
            other => other,
        })
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

    /// An entry of the metadata that is the canonical text of settings ([`nae_config::canonical`]).
    /// Ranges are not checked.
    ///
    /// # Errors
    /// As [`json`](Self::json).
    pub fn settings<T: Settings>(&self, key: &str) -> Result<T, ModelError> {
        canonical::from_json(self.text(key)?).map_err(|error| {
            self.format_error(format!("its metadata's `{key}` cannot be read ({error})"))
        })
    }

    /// Numbers in all tensors whose names begin with `prefix`.
    pub fn count(&self, prefix: &str) -> usize {
        let tensors = self.header.tensors();
        let own = tensors.iter().filter(|(name, _)| name.starts_with(prefix));
        own.map(|(_, info)| info.shape.iter().product::<usize>())
            .sum()
    }

    /// Checks that there is a tensor of a shape and of 32 or 16 bits, without reading it.
    ///
    /// # Errors
    /// [`ModelError::Tensor`] if it is missing, or of another shape or type.
    pub fn check(&self, name: &str, shape: &[usize]) -> Result<(), ModelError> {
        let expected = format!("{shape:?} in f32 or f16");
        let error = |came: String| self.tensor_error(name, &expected, came);
        let info: &TensorInfo = self
            .header
            .info(name)
            .ok_or_else(|| error("missing".into()))?;
        match info.dtype {
            Dtype::F32 | Dtype::F16 if info.shape == shape => Ok(()),
            came => Err(error(format!("{:?} in {came:?}", info.shape))),
        }
    }

    /// All tensors, which are read now.
    ///
    /// # Errors
    /// [`ModelError::NotAModel`] if the file is damaged; [`ModelError::File`] if it cannot be read.
    pub fn tensors(&self) -> Result<SafeTensors<'_>, ModelError> {
        SafeTensors::deserialize(self.bytes()?)
            .map_err(|error| self.format_error(error.to_string()))
    }

    /// All of the file's bytes.
    fn bytes(&self) -> Result<&[u8], ModelError> {
        let (file, length) = match &self.source {
            (Source::Memory(bytes), _) => return Ok(bytes),
            (Source::File(file), length) => (file, *length),
        };
        if let Some(bytes) = self.bytes.get() {
            return Ok(bytes);
        }
        let mut bytes = Vec::with_capacity(length as usize);
        let mut file = file;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.take(length).read_to_end(&mut bytes))
            .map_err(|error| FileError::io(&self.path, "read it", error))?;
        Ok(self.bytes.get_or_init(|| bytes))
    }

    /// A tensor's values, row-major.
    ///
    /// # Errors
    /// [`ModelError::Tensor`] if it is missing, of another shape or type, or if a number in it is not
    /// finite or beyond ±10¹⁸.
    pub fn values(
        &self,
        tensors: &SafeTensors<'_>,
        name: &str,
        shape: &[usize],
    ) -> Result<Vec<f32>, ModelError> {
        self.check(name, shape)?;
        let error = |came: String| self.tensor_error(name, "numbers in f32 or f16", came);
        let view = tensors.tensor(name);
        let view: TensorView<'_> = view.map_err(|_| error("missing".into()))?;
        let singles = view.data().as_chunks::<4>().0.iter();
        let halves = view.data().as_chunks::<2>().0.iter();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F16 => halves
                .map(|bytes| f16::from_le_bytes(*bytes).to_f32())
                .collect(),
            _ => singles.map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        };
        let is_weight = |x: &&f32| x.abs() <= WEIGHT_LIMIT;
        if let Some(other) = values.iter().find(|x| !is_weight(x)) {
            let expected = format!("finite numbers between -{WEIGHT_LIMIT:e} and {WEIGHT_LIMIT:e}");
            let came = match other.is_finite() {
                true => format!("holding {other:e}"),
                false => "holding numbers that are not finite".into(),
            };
            return Err(self.tensor_error(name, &expected, came));
        }
        Ok(values)
    }
}

/// A text from a file without what would command the terminal.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// The length of the header that a file begins with; `None` if it cannot be one.
///
/// - `length`: of the file
fn header_length(start: &[u8], length: u64) -> Option<u64> {
    let header = u64::from_le_bytes(*start.first_chunk()?);
    let left = length.checked_sub(PREFIX)?;
    (header <= HEADER_LIMIT.min(left)).then_some(header)
}

/// A file's header, if it declares tensors of as many bytes as the file has after it.
fn header(start: &[u8], length: u64) -> Result<Metadata, String> {
    let header = header_length(start, length)
        .ok_or_else(|| "its first 8 bytes are not the length of a header".to_owned())?;
    let text = start.get(PREFIX as usize..).unwrap_or_default();
    let metadata: Metadata =
        serde_json::from_slice(text).map_err(|error| format!("its header is damaged: {error}"))?;
    let (declared, held) = (metadata.data_len() as u64, length - PREFIX - header);
    if declared == held {
        Ok(metadata)
    } else {
        Err(format!(
            "its header declares {} of tensors, and it holds {held}",
            count(declared, "byte")
        ))
    }
}
