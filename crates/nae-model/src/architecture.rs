//! The architecture of a model as its file stores it, separate from the settings that it came from.
//!
//! [`ModelConfig`] is what a user writes; the architecture is derived from it, stored in files and
//! covered by fingerprints. Files are read, written and bounded by [`ArchitectureKind::tensors`].
//!
//! # Fields added later
//!
//! Files and fingerprints are kept for good. A field that is added to an architecture later carries
//! `#[serde(skip_serializing_if = …)]` with the value that means what models did before, which is its
//! default as well: with that value neither file nor fingerprint changes. With any other value
//! [`ArchitectureKind::format_version`] is the version that brought the field, so that an older nae
//! refuses the file by its version, before it reads anything else.

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::ModelConfig;
pub use crate::context::Context;
use crate::error::ModelError;
use crate::network::{Extent, NetworkKind};

/// A tensor of one model as files have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name, which is the path of the parameter in the network: `decoder.0.weight`. Those of the
    /// encoder begin with `encoder.`, those of the decoder with `decoder.`.
    pub name: String,
    /// Its shape without the dimension for models.
    pub shape: Vec<usize>,
}

/// What a model costs, from which stack sizes and running times are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Weights of encoder and decoder; as many multiplications take a frame through both.
    pub weights: usize,
    /// Weights of the decoder; as many multiplications decode a frame.
    pub decoder_weights: usize,
    /// Numbers that a frame has at the input and at every layer's output together.
    pub units: usize,
}

/// How weights are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingMethod {
    /// By gradients through encoder and decoder, then through the decoder and free activations.
    Gradients,
    /// By multiplicative updates of bases and activations ([`multiplicative`](crate::multiplicative)).
    MultiplicativeUpdates,
}

/// Architecture of one kind of model.
///
/// The type's serialised form is what files keep, in the order of its fields; `kind` is put in front
/// of them. The [module](self) says how fields are added.
pub trait ArchitectureKind:
    Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned
{
    /// The kind's network.
    type Network: NetworkKind<Architecture = Self>;

    /// Stored fields that decide nothing about this kind: they are in files and fingerprints, but
    /// do not distinguish settings ([`identity`](crate::Architecture::identity)).
    const INERT: &'static [&'static str] = &[];

    /// Whether these settings, which have passed [`ModelConfig::validate`], ask for this kind. What
    /// no kind claims goes to the one listed first.
    fn claims(settings: &ModelConfig) -> bool;

    /// The architecture that these settings lead to.
    fn from_settings(settings: &ModelConfig) -> Self;

    /// Settings that lead to this architecture, written out where they have short forms.
    fn settings(&self) -> ModelConfig;

    /// Checks every range, as files from anywhere need.
    ///
    /// # Errors
    /// [`ModelError::Setting`] naming the first field that is out of range.
    fn validate(&self) -> Result<(), ModelError>;

    /// What tables call the kind: `NAE`.
    fn name(&self) -> &'static str;

    /// The architecture in a few words: `NAE with 4 layers and rank 100`.
    fn describe(&self) -> String;

    /// Activations that a frame has.
    fn rank(&self) -> usize;

    /// Exponent γ in (0, 1]: the model describes `|X|^γ`.
    fn compression(&self) -> f64;

    /// Layers of encoder and decoder together.
    fn depth(&self) -> usize;

    /// Whether there is an encoder that reads activations from a spectrum.
    fn has_encoder(&self) -> bool;

    /// Frames of activations that the decoder's estimate of one frame depends on.
    fn context(&self) -> Context;

    /// Frames of the spectrum that one frame's activations, read by the encoder, depend on. A kind
    /// that reads more than the frame itself says so here.
    fn encoder_context(&self) -> Context {
        Context::NONE
    }

    /// How weights are trained.
    fn training_method(&self) -> TrainingMethod;

    /// Names and shapes of all tensors for spectra of `bins` bins: the network's parameters. It must
    /// not allocate by the sizes in it, which may come from a damaged file.
    fn tensors(&self, bins: usize) -> Vec<TensorSpec>;

    /// What a model costs for spectra of `bins` bins.
    fn cost(&self, bins: usize) -> Cost;

    /// The first version of the [model file](crate::file) that can hold it.
    fn format_version(&self) -> u32;
}

/// The tensors of all a network, or of its decoder alone.
#[doc(hidden)]
pub fn within(all: Vec<TensorSpec>, extent: Extent) -> Vec<TensorSpec> {
    let is_within = |tensor: &TensorSpec| match extent {
        Extent::Whole => true,
        Extent::Decoder => tensor.name.starts_with("decoder."),
    };
    all.into_iter().filter(is_within).collect()
}

/// An architecture's text, with `kind` in front.
#[doc(hidden)]
pub fn canonical(architecture: &impl Serialize) -> Result<String, ModelError> {
    serde_json::to_string(architecture).map_err(ModelError::unwritable)
}

/// An architecture's fields without some of them.
#[doc(hidden)]
pub fn identity(
    architecture: &impl Serialize,
    without: &[&str],
) -> Result<Map<String, Value>, ModelError> {
    let mut fields = match serde_json::to_value(architecture).map_err(ModelError::unwritable)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for key in without {
        fields.remove(*key);
    }
    Ok(fields)
}

/// The kind that a stored architecture names, if it names one, and its other fields.
#[doc(hidden)]
pub fn kind_and_fields<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(Option<String>, Value), D::Error> {
    let mut fields = Map::deserialize(deserializer)?;
    let kind = match fields.remove("kind") {
        None => None,
        Some(Value::String(kind)) => Some(kind),
        Some(other) => Some(other.to_string()),
    };
    Ok((kind, Value::Object(fields)))
}
