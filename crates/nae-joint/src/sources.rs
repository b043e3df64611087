//! The sources that a joint encoder is trained for.

use nae_model::{AudioConfig, ClipRecord, Model};

use crate::error::JointError;

/// Most sources that a joint encoder separates.
pub const MAX_SOURCES: usize = 6;

/// A source, its model and the sound to train on.
#[derive(Clone, Debug)]
pub struct TrainingSource {
    /// Name of the source and of its stem.
    pub name: String,
    /// Its model.
    pub model: Model,
    /// Clips of it: their records in the file, and mono samples at the model's sample rate. Without
    /// clips, sound is reconstructed from the model's latent cache.
    pub clips: Option<Vec<(ClipRecord, Vec<f32>)>>,
}

/// The spectrogram settings that all models have.
///
/// - `least`: number of sources that are needed
pub(crate) fn common_audio(
    sources: &[TrainingSource],
    least: usize,
) -> Result<AudioConfig, JointError> {
    let (Some(first), true) = (sources.first(), sources.len() >= least) else {
        return Err(JointError::Count {
            came: sources.len(),
        });
    };
    for source in sources {
        first.model.metadata.agrees_with(&source.model.metadata)?;
    }
    Ok(first.model.metadata.audio)
}

/// Refuses equal names, too few or too many of them, and those that no stem can have.
///
/// # Errors
/// [`JointError::Count`], [`JointError::SameName`], or [`JointError::File`] for a name that cannot be
/// a file's.
pub fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), JointError> {
    let names: Vec<&str> = names.collect();
    if !(2..=MAX_SOURCES).contains(&names.len()) {
        return Err(JointError::Count { came: names.len() });
    }
    for (i, name) in names.iter().enumerate() {
        nae_files::check_source_name(name)?;
        if names[..i].contains(name) {
            return Err(JointError::SameName {
                name: (*name).into(),
            });
        }
    }
    Ok(())
}
