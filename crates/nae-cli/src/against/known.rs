//! What must not be in a bank: the sources that it stands against.

use anyhow::Result;
use nae_joint::TrainingSource;
use nae_model::{ClipRecord, Ensemble};

/// Digests of the known sources' models and clips.
pub struct Known {
    /// Fingerprint and name of the source.
    models: Vec<(String, String)>,
    /// SHA-256 of a clip's file and name of the source.
    clips: Vec<(String, String)>,
}

impl Known {
    pub fn new(parts: &[TrainingSource]) -> Result<Self> {
        let (mut models, mut clips) = (Vec::new(), Vec::new());
        for part in parts {
            models.push((part.model.fingerprint()?, part.name.clone()));
            let given = part.clips.iter().flatten().map(|(record, _)| record);
            let all = records(&part.model.metadata.training).chain(given);
            clips.extend(all.map(|record| (record.sha256.clone(), part.name.clone())));
        }
        clips.retain(|(sha256, _)| !sha256.is_empty());
        Ok(Self { models, clips })
    }

    /// The known source that a file is a training clip of.
    pub fn source_of_clip(&self, sha256: &str) -> Option<&str> {
        named(&self.clips, sha256)
    }

    /// Why a model does not belong in a bank: it is a known source's, or was trained on a clip of one.
    pub fn objection_to(&self, model: &Ensemble) -> Result<Option<String>> {
        for member in model.members() {
            if let Some(name) = named(&self.models, &member.fingerprint()?) {
                return Ok(Some(format!("it is the model of `{name}`, a known source")));
            }
            let mut clips = records(&member.metadata.training);
            if let Some(name) = clips.find_map(|clip| self.source_of_clip(&clip.sha256)) {
                return Ok(Some(format!(
                    "it was trained on a clip of `{name}`, a known source"
                )));
            }
        }
        Ok(None)
    }
}

/// The clips of a model and of all models that it went on from.
fn records(training: &nae_model::TrainingSummary) -> impl Iterator<Item = &ClipRecord> {
    let parents = training.parents.iter().flat_map(|parent| &parent.clips);
    training.clips.iter().chain(parents)
}

fn named<'a>(digests: &'a [(String, String)], digest: &str) -> Option<&'a str> {
    let mut digests = digests.iter();
    let found = digests.find(|(own, _)| own == digest);
    found.map(|(_, name)| name.as_str())
}
