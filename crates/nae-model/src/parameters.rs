//! A module's parameters by name, as files have them.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};

use crate::error::ModelError;
use crate::spectra::read;

/// Shapes and values, row-major, by name.
pub type NamedValues = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// All parameters of one model under their paths in the module, without the dimension for models.
///
/// # Errors
/// [`ModelError::Device`] if they cannot be read back.
pub fn values_of(module: &impl Module) -> Result<NamedValues, ModelError> {
    let mut collect = Collect {
        path: Vec::new(),
        values: Ok(BTreeMap::new()),
    };
    module.visit(&mut collect);
    collect.values
}

/// The same module with other values for its parameters, which no longer are where they were: each is
/// a new parameter, on the device of the one it replaces.
///
/// - `values`: gives a parameter's values from its path and its shape without the dimension for models
///
/// # Errors
/// The first that `values` returns.
pub fn with_values<M: Module, E>(
    module: M,
    values: impl FnMut(&str, &[usize]) -> Result<Vec<f32>, E>,
) -> Result<M, E> {
    let mut replace = Replace {
        path: Vec::new(),
        values,
        error: None,
    };
    let module = module.map(&mut replace);
    replace.error.map_or(Ok(module), Err)
}

/// Whether a backward pass left a gradient at any parameter of a module.
pub fn has_gradient(module: &impl Module, gradients: &Gradients) -> bool {
    let mut find = FindGradient {
        gradients,
        is_found: false,
    };
    module.visit(&mut find);
    find.is_found
}

/// Whether a module is a part of another's path: which variant of an enum a layer is does not name it.
fn is_named(container: &str) -> bool {
    !container.starts_with("Enum:")
}

struct Collect {
    path: Vec<String>,
    values: Result<NamedValues, ModelError>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container: &str) {
        if is_named(container) {
            self.path.push(name.into());
        }
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        if is_named(container) {
            self.path.pop();
        }
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let Ok(all) = &mut self.values else { return };
        let tensor = parameter.val();
        let shape = tensor.dims()[1..].to_vec();
        match read(tensor) {
            Ok(values) => {
                all.insert(self.path.join("."), (shape, values));
            }
            Err(error) => self.values = Err(error),
        }
    }
}

struct Replace<F, E> {
    path: Vec<String>,
    values: F,
    error: Option<E>,
}

impl<F: FnMut(&str, &[usize]) -> Result<Vec<f32>, E>, E> ModuleMapper for Replace<F, E> {
    fn enter_module(&mut self, name: &str, container: &str) {
        if is_named(container) {
            self.path.push(name.into());
        }
    }

    fn exit_module(&mut self, _name: &str, container: &str) {
        if is_named(container) {
            self.path.pop();
        }
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return parameter;
        }
        let shape = parameter.dims();
        match (self.values)(&self.path.join("."), &shape[1..]) {
            Ok(values) => {
                let device = parameter.val().device();
                Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), &device))
            }
            Err(error) => {
                self.error = Some(error);
                parameter
            }
        }
    }
}

struct FindGradient<'a> {
    gradients: &'a Gradients,
    is_found: bool,
}

impl ModuleVisitor for FindGradient<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        self.is_found |= parameter.val().grad(self.gradients).is_some();
    }
}
