//! A module's parameters in a file, named by their paths in the module.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData, f16};
use nae_model::ModelError;
use nae_model::safetensors_bytes::safetensors_bytes;
use nae_model::safetensors_file::SafetensorsFile;
use nae_model::spectra::read;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;

use crate::error::JointError;

/// Shapes and values of tensors, by name.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A tensor's shape in the file, where dense layers lack the leading dimension for several models.
fn stored_shape(shape: &[usize]) -> &[usize] {
    match shape {
        [1, layer @ ..] if layer.len() == 2 => layer,
        _ => shape,
    }
}

/// A tensor's shape in the file and its values.
pub(crate) fn stored<const D: usize>(
    tensor: Tensor<D>,
) -> Result<(Vec<usize>, Vec<f32>), ModelError> {
    let shape = stored_shape(&tensor.dims()).to_vec();
    Ok((shape, read(tensor)?))
}

/// An entry of the metadata.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, ModelError> {
    serde_json::to_string(value).map_err(serialisation_failed)
}

/// A file's bytes.
///
/// - `format`, `version`: name and version of the format
/// - `entries`: of the metadata
/// - `dtype`: [`Dtype::F16`] or [`Dtype::F32`], of all tensors
///
/// # Errors
/// [`JointError::NotFinite`] if a number is not finite in `dtype`.
pub(crate) fn serialize(
    (format, version): (&str, u32),
    entries: Vec<(&str, String)>,
    dtype: Dtype,
    tensors: &Tensors,
) -> Result<Vec<u8>, JointError> {
    let bytes = |values: &[f32]| -> Vec<u8> {
        if dtype == Dtype::F16 {
            let halves = values.iter().map(|&x| f16::from_f32(x).to_le_bytes());
            halves.flatten().collect()
        } else {
            values.iter().flat_map(|x| x.to_le_bytes()).collect()
        }
    };
    let is_finite = |x: &f32| match dtype {
        Dtype::F16 => f16::from_f32(*x).is_finite(),
        _ => x.is_finite(),
    };
    check_values(tensors, is_finite)?;
    let stored: Vec<_> = tensors
        .iter()
        .map(|(name, (shape, values))| (name, shape.clone(), bytes(values)))
        .collect();
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, SafeTensorError>>()
        .map_err(serialisation_failed)?;
    let entries = entries.into_iter().map(|(key, value)| (key.into(), value));
    let mut metadata: BTreeMap<String, String> = entries.collect();
    metadata.insert("format".into(), format.into());
    metadata.insert("format_version".into(), version.to_string());
    Ok(safetensors_bytes(views, &metadata)?)
}

/// Refuses a network that training has driven out of what 32 bits can hold.
///
/// # Errors
/// [`JointError::NotFinite`] naming a tensor.
pub(crate) fn check_finite(network: &impl Module) -> Result<(), JointError> {
    let mut tensors = Tensors::new();
    let mut collect = CollectParameters::new("network", &mut tensors);
    network.visit(&mut collect);
    collect.finish()?;
    check_values(&tensors, |x| x.is_finite())
}

fn check_values(tensors: &Tensors, is_fine: impl Fn(&f32) -> bool) -> Result<(), JointError> {
    let mut tensors = tensors.iter();
    match tensors.find(|(_, (_, values))| !values.iter().all(&is_fine)) {
        Some((name, _)) => Err(JointError::NotFinite {
            tensor: name.clone(),
        }),
        None => Ok(()),
    }
}

/// Checks that a file has at least so many numbers under some prefixes, before memory is taken for
/// them.
///
/// # Errors
/// [`ModelError::NotAModel`] with both figures.
pub(crate) fn check_count(
    file: &SafetensorsFile,
    prefixes: &[&str],
    needed: usize,
) -> Result<(), ModelError> {
    let held: usize = prefixes.iter().map(|prefix| file.count(prefix)).sum();
    if held >= needed {
        return Ok(());
    }
    let names: Vec<String> = prefixes.iter().map(|name| format!("`{name}…`")).collect();
    let names = names.join(" and ");
    Err(file.format_error(format!(
        "its settings need {needed} numbers in {names}, and it holds {held}; it is damaged or was edited"
    )))
}

/// Only reached if serialisation itself is broken; still no panic.
fn serialisation_failed(error: impl std::fmt::Display) -> ModelError {
    ModelError::Device(format!(
        "the joint encoder could not be serialised: {error}"
    ))
}

/// Collects a module's parameters under their paths.
pub(crate) struct CollectParameters<'a> {
    path: Vec<String>,
    tensors: &'a mut Tensors,
    error: Option<ModelError>,
}

impl<'a> CollectParameters<'a> {
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

impl ModuleVisitor for CollectParameters<'_> {
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

/// Replaces a module's parameters by a file's values.
pub(crate) struct LoadParameters<'a> {
    path: Vec<String>,
    file: &'a SafetensorsFile,
    tensors: &'a SafeTensors<'a>,
    device: &'a Device,
    error: Option<ModelError>,
}

impl<'a> LoadParameters<'a> {
    /// - `prefix`: of the parameters' names in the file
    pub fn new(
        prefix: &str,
        file: &'a SafetensorsFile,
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

impl ModuleMapper for LoadParameters<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let shape = param.dims();
        let name = self.path.join(".");
        match self.file.values(self.tensors, &name, stored_shape(&shape)) {
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
