//! Networks in files: parameters under the names that their architecture lists.

use burn::tensor::Device;
use safetensors::tensor::SafeTensors;

use crate::error::ModelError;
use crate::kinds::{Architecture, Network};
use crate::network::Extent;
use crate::random::generator;
use crate::safetensors_file::SafetensorsFile;

/// Reads a network, or its decoder alone. The file's header is held against the architecture first:
/// nothing takes more memory than the file has numbers for.
///
/// - `prefix`: what stands before the parameters' names in the file, such as `source.0.`
/// - `architecture`: which must have passed [`Architecture::validate`]
///
/// # Errors
/// [`ModelError::Tensor`] naming the first tensor that is missing, of another shape or type, or not
/// finite.
pub fn read_network(
    file: &SafetensorsFile,
    tensors: &SafeTensors<'_>,
    prefix: &str,
    (architecture, extent): (&Architecture, Extent),
    bins: usize,
    device: &Device,
) -> Result<Network, ModelError> {
    for tensor in architecture.tensors(bins, extent) {
        file.view(tensors, &format!("{prefix}{}", tensor.name), &tensor.shape)?;
    }
    let mut rng = generator(0, "blank");
    let blank = Network::new(architecture, bins, extent, &mut rng, device);
    blank.with_values(|name, shape| file.values(tensors, &format!("{prefix}{name}"), shape))
}
