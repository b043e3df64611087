//! Models of the known sources in a joint file that was trained against a bank.
//!
//! Beside what is learnt on a mixture they separate it a second time, whose masks are averaged with the
//! joint encoder's.

use burn::tensor::Device;
use nae_model::ensemble::MOST_MEMBERS;
use nae_model::network_file::{check_network, read_network};
use nae_model::safetensors_file::SafetensorsFile;
use nae_model::{
    Architecture, AudioConfig, Ensemble, Extent, Metadata, Model, ModelError, TrainingSummary,
};
use safetensors::tensor::SafeTensors;
use serde::{Deserialize, Serialize};

use crate::encoder::{JointEncoder, JointSource};
use crate::error::JointError;
use crate::parameters::Tensors;

/// What the file says of a model besides its weights.
#[derive(Serialize, Deserialize)]
pub(crate) struct KnownModel {
    architecture: Architecture,
    gain: f64,
}

impl JointEncoder {
    /// Keeps all models of the known sources, without their latent caches.
    ///
    /// - `models`: one for every known source, in their order; the first member is the one that was joined
    ///
    /// # Errors
    /// [`JointError::Count`] for another number of them, [`JointError::OtherModels`] for others.
    pub fn with_known_models(mut self, models: Vec<Ensemble>) -> Result<Self, JointError> {
        let known = known(&self.metadata.sources);
        if known.len() != models.len() {
            return Err(JointError::Count { came: models.len() });
        }
        let mut kept = Vec::with_capacity(models.len());
        for (source, models) in known.iter().zip(models) {
            self.check_model(&source.name, models.first())?;
            let members = models.into_members().into_iter();
            let members = members.map(|model| Model {
                latent_cache: None,
                ..model
            });
            kept.push(Ensemble::new(members.collect())?);
        }
        self.known_models = kept;
        Ok(self)
    }

    /// The source that a bank stands for, if it was trained against one.
    pub fn rest(&self) -> Option<&JointSource> {
        self.metadata.sources.iter().find(|source| source.is_rest())
    }

    /// The known sources with the models that are kept of them; none where none are kept.
    pub fn known_sources(&self) -> Vec<nae_separate::Source> {
        let sources = known(&self.metadata.sources).into_iter();
        let sources = sources.zip(&self.known_models);
        let source = |(source, models): (&JointSource, &Ensemble)| {
            nae_separate::Source::new(source.name.clone(), models.members().to_vec())
        };
        sources.map(source).collect()
    }
}

fn known(sources: &[JointSource]) -> Vec<&JointSource> {
    sources.iter().filter(|source| !source.is_rest()).collect()
}

/// What stands before the names of a model's tensors.
fn prefix(source: usize, member: usize) -> String {
    format!("known.{source}.{member}.")
}

/// What the file says of the models; their weights are added to `tensors`.
pub(crate) fn collect(
    models: &[Ensemble],
    tensors: &mut Tensors,
) -> Result<Vec<Vec<KnownModel>>, ModelError> {
    let mut all = Vec::with_capacity(models.len());
    for (i, models) in models.iter().enumerate() {
        let mut entries = Vec::with_capacity(models.members().len());
        for (k, model) in models.members().iter().enumerate() {
            let named = model.network.values()?.into_iter();
            tensors.extend(named.map(|(name, values)| (format!("{}{name}", prefix(i, k)), values)));
            entries.push(KnownModel {
                architecture: model.metadata.architecture.clone(),
                gain: model.metadata.gain,
            });
        }
        all.push(entries);
    }
    Ok(all)
}

/// Checks what a file says of the models against the sources and the file's tensors, before any is read.
///
/// # Errors
/// [`ModelError`] naming the file.
pub(crate) fn check(
    entries: &[Vec<KnownModel>],
    file: &SafetensorsFile,
    sources: &[JointSource],
    bins: usize,
) -> Result<(), ModelError> {
    let last = sources.len().saturating_sub(1);
    if sources.iter().take(last).any(JointSource::is_rest) {
        return Err(file.format_error("only its last source may stand for what is not known"));
    }
    if entries.is_empty() {
        return Ok(());
    }
    let known = known(sources).len();
    if entries.len() != known || known == sources.len() {
        return Err(file.format_error(format!(
            "it has models of {} known sources, and names {known} of {} sources as known",
            entries.len(),
            sources.len()
        )));
    }
    for (i, entries) in entries.iter().enumerate() {
        if !(1..=MOST_MEMBERS).contains(&entries.len()) {
            return Err(file.format_error(format!(
                "a source has 1 to {MOST_MEMBERS} models, and it lists {}",
                entries.len()
            )));
        }
        for (k, entry) in entries.iter().enumerate() {
            file.checked(entry.architecture.validate())?;
            if !(entry.gain.is_finite() && entry.gain > 0.0) {
                return Err(file.format_error(format!(
                    "the gain of a model is {:e}, but it must be above 0",
                    entry.gain
                )));
            }
            let whole = (&entry.architecture, Extent::Whole);
            check_network(file, &prefix(i, k), whole, bins)?;
        }
    }
    Ok(())
}

/// Reads the models, which have been [checked](check).
///
/// # Errors
/// [`ModelError`] naming the file.
pub(crate) fn read(
    entries: Vec<Vec<KnownModel>>,
    (file, tensors): (&SafetensorsFile, &SafeTensors<'_>),
    sources: &[JointSource],
    audio: AudioConfig,
    device: &Device,
) -> Result<Vec<Ensemble>, ModelError> {
    let known = known(sources);
    let mut models = Vec::with_capacity(entries.len());
    for (i, (entries, source)) in entries.into_iter().zip(known).enumerate() {
        let mut members = Vec::with_capacity(entries.len());
        for (k, entry) in entries.into_iter().enumerate() {
            let whole = (&entry.architecture, Extent::Whole);
            let bins = audio.stft().bins();
            let network = read_network(file, tensors, &prefix(i, k), whole, bins, device)?;
            members.push(Model {
                metadata: Metadata {
                    name: source.name.clone(),
                    audio,
                    architecture: entry.architecture,
                    gain: entry.gain,
                    training: TrainingSummary::default(),
                },
                network,
                latent_cache: None,
            });
        }
        models.push(Ensemble::new(members)?);
    }
    Ok(models)
}
