//! Several models of one source in one file. Separation averages their masks.
//!
//! The file of one model is as [`file`](crate::file) says. That of several, of format version 3 or later,
//! is that of the first, so that what reads weights and metadata finds them where they were, with the
//! others added: their tensors under a prefix, `member.1.decoder.1.weight` or
//! `member.2.memory.activations`, and the entry `members` in its metadata, a list with `architecture`,
//! `gain`, `training` and, with a latent cache, `memory` of each of them. `name` and `audio` hold for all.

use std::path::Path;

use burn::tensor::Device;
use nae_files::count;

use crate::error::ModelError;
use crate::file::{FORMAT_VERSION, MEMBERS, Model, ModelEntry, file_bytes, json};
use crate::metadata::{HiddenUnits, TrainingSummary};
use crate::safetensors_file::SafetensorsFile;

/// Members that an ensemble has at most.
pub const MOST_MEMBERS: usize = 16;

/// First version of the format that holds ensembles.
const FIRST_VERSION: u32 = 3;

/// One or more models of one source, which analyse sound in the same way.
#[derive(Clone, Debug)]
pub struct Ensemble {
    members: Vec<Model>,
}

impl Ensemble {
    /// Makes an ensemble of models, of which the first gives the name.
    ///
    /// # Errors
    /// [`ModelError::Ensemble`] unless there are 1 to [`MOST_MEMBERS`];
    /// [`ModelError::Mismatch`] if they analyse sound in different ways.
    pub fn new(members: Vec<Model>) -> Result<Self, ModelError> {
        if !(1..=MOST_MEMBERS).contains(&members.len()) {
            return Err(ModelError::Ensemble {
                expected: format!("1 to {MOST_MEMBERS} models"),
                came: format!("{} came", members.len()),
                advice: "Leave some out.",
            });
        }
        for other in &members[1..] {
            members[0].metadata.agrees_with(&other.metadata)?;
        }
        Ok(Self { members })
    }

    /// The models, at least one.
    pub fn members(&self) -> &[Model] {
        &self.members
    }

    /// The models, at least one.
    pub fn into_members(self) -> Vec<Model> {
        self.members
    }

    /// The model that stands for all where one alone can be used: in a joint encoder, in pictures.
    pub fn first(&self) -> &Model {
        &self.members[0]
    }

    /// As [`first`](Self::first).
    pub fn first_mut(&mut self) -> &mut Model {
        &mut self.members[0]
    }

    /// As [`first`](Self::first).
    pub fn into_first(mut self) -> Model {
        self.members.swap_remove(0)
    }

    /// How the members came to be: clips, frames, loss and seed of the first, steps, seconds and hidden
    /// units of all.
    pub fn training(&self) -> TrainingSummary {
        sum(self.members.iter().map(|model| &model.metadata.training))
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the weights cannot be read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let first = self.first();
        let others = &self.members[1..];
        if others.is_empty() {
            return first.to_bytes();
        }
        let mut tensors = first.stored_tensors("")?;
        for (i, model) in (1..).zip(others) {
            tensors.extend(model.stored_tensors(&prefix(i))?);
        }
        let versions = self.members.iter();
        let versions = versions.map(|model| model.metadata.architecture.format_version());
        let version = versions.fold(FIRST_VERSION, u32::max);
        let others: Vec<ModelEntry> = others.iter().map(Model::entry).collect();
        let mut entries = first.entries_with_cache()?;
        entries.insert("format_version".into(), version.to_string());
        entries.insert(MEMBERS.into(), json(&others)?);
        file_bytes(&tensors, &entries)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`ModelError::File`] if the path cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        Ok(nae_files::write_atomically(path, &self.to_bytes()?)?)
    }

    /// Reads a model file, of one model or of several, and puts their weights on `device`.
    ///
    /// # Errors
    /// [`ModelError::File`], [`ModelError::NotAModel`], [`ModelError::Version`] or
    /// [`ModelError::Tensor`], each naming the file.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        Self::read(&SafetensorsFile::open(path, "nae", FORMAT_VERSION)?, device)
    }

    /// The same from bytes that are there already.
    ///
    /// - `path`: where they came from, for messages
    ///
    /// # Errors
    /// As [`load`](Self::load), but for [`ModelError::File`].
    pub fn parse(path: &Path, bytes: &'static [u8], device: &Device) -> Result<Self, ModelError> {
        let file = SafetensorsFile::parse(path, bytes, "nae", FORMAT_VERSION)?;
        Self::read(&file, device)
    }

    fn read(file: &SafetensorsFile, device: &Device) -> Result<Self, ModelError> {
        let others = others(file)?;
        let first = Model::read(file, device)?;
        let audio = first.metadata.audio;
        for (i, entry) in (1..).zip(&others) {
            entry.check(file, &prefix(i), &audio)?;
        }
        let tensors = file.tensors()?;
        let mut members = vec![first];
        for (i, entry) in (1..).zip(others) {
            members.push(entry.read(file, &tensors, &prefix(i), &audio, device)?);
        }
        Ok(Self { members })
    }
}

/// How the models of a file came to be, as [`Ensemble::training`], without reading their weights.
///
/// # Errors
/// [`ModelError::NotAModel`] naming the file.
pub fn training_of(file: &SafetensorsFile) -> Result<TrainingSummary, ModelError> {
    let first: TrainingSummary = file.json("training")?;
    let others = others(file)?;
    let others = others.iter().map(|entry| &entry.training);
    Ok(sum(std::iter::once(&first).chain(others)))
}

/// What stands before the names of the tensors of a member after the first.
fn prefix(member: usize) -> String {
    format!("member.{member}.")
}

/// What a file says of the members after the first.
fn others(file: &SafetensorsFile) -> Result<Vec<ModelEntry>, ModelError> {
    if !file.has(MEMBERS) {
        return Ok(Vec::new());
    }
    let version = file.text("format_version")?;
    if version.parse::<u32>().is_ok_and(|v| v < FIRST_VERSION) {
        return Err(file.format_error(format!(
            "its metadata has `{MEMBERS}`, which format version {version} does not have"
        )));
    }
    let others: Vec<ModelEntry> = file.json(MEMBERS)?;
    match others.len() {
        1..MOST_MEMBERS => Ok(others),
        came => Err(file.format_error(format!(
            "an ensemble has 1 to {} members after the first, and it lists {}",
            MOST_MEMBERS - 1,
            count(came, "member")
        ))),
    }
}

/// One summary for several.
fn sum<'a>(summaries: impl Iterator<Item = &'a TrainingSummary>) -> TrainingSummary {
    let add = |mut all: TrainingSummary, one: &TrainingSummary| {
        // files may hold any number
        all.steps = all.steps.saturating_add(one.steps);
        all.seconds += one.seconds;
        all.interrupted |= one.interrupted;
        all.units = match (all.units, one.units) {
            (Some(a), Some(b)) => Some(HiddenUnits {
                all: a.all.saturating_add(b.all),
                dead: a.dead.saturating_add(b.dead),
            }),
            (a, b) => a.or(b),
        };
        all
    };
    let mut summaries = summaries.cloned();
    let first = summaries.next().unwrap_or_default();
    summaries.fold(first, |all, one| add(all, &one))
}
