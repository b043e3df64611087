//! Networks in files: parameters under the names that their architecture lists.

use burn::tensor::Device;
use safetensors::tensor::SafeTensors;

use crate::error::ModelError;
use crate::kinds::{Architecture, Network};
use crate::network::Extent;
use crate::random::generator;
use crate::safetensors_file::SafetensorsFile;

/// Checks that a file has every tensor that an architecture lists, in its shape, before any is read.
///
/// - `prefix`: what stands before the parameters' names in the file, such as `source.0.`
/// - `architecture`: which must have passed [`Architecture::validate`]
///
/// # Errors
/// [`ModelError::Tensor`] naming the first tensor that is missing, or of another shape or type.
pub fn check_network(
    file: &SafetensorsFile,
    prefix: &str,
    (architecture, extent): (&Architecture, Extent),
    bins: usize,
) -> Result<(), ModelError> {
    let mut tensors = architecture.tensors(bins, extent).into_iter();
    tensors.try_for_each(|tensor| file.check(&format!("{prefix}{}", tensor.name), &tensor.shape))
}

/// Reads a network, or its decoder alone. The file's header is held against the architecture first
/// ([`check_network`]): nothing takes more memory than the file has numbers for.
///
/// - `prefix`: what stands before the parameters' names in the file, such as `source.0.`
/// - `architecture`: which must have passed [`Architecture::validate`]
///
/// # Errors
/// As [`check_network`], and [`ModelError::Tensor`] for a number that is not finite or too large.
pub fn read_network(
    file: &SafetensorsFile,
    tensors: &SafeTensors<'_>,
    prefix: &str,
    (architecture, extent): (&Architecture, Extent),
    bins: usize,
    device: &Device,
) -> Result<Network, ModelError> {
    check_network(file, prefix, (architecture, extent), bins)?;
    let mut rng = generator(0, "blank");
    let blank = Network::new(architecture, bins, extent, &mut rng, device);
    blank.with_values(|name, shape| file.values(tensors, &format!("{prefix}{name}"), shape))
}
