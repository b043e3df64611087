//! The demo's two voices and their models.

use std::path::Path;

use anyhow::Result;
use nae_files::create_folder;
use nae_joint::{JointConfig, JointEncoder, TrainingSource};
use nae_model::Model;
use nae_train::TrainingClip;

use crate::arguments::Terminal;
use crate::device::NamedDevice;
use crate::interrupt::bail_if_interrupted;
use crate::joining::join;
use crate::loss_log::LossRecord;
use crate::progress::with_progress;
use crate::settings::Settings;
use crate::training_clips::{find_clips, read_clips};

/// The voices, by their folders.
pub const VOICES: [&str; 2] = ["allison_en_f", "librivox_en_m"];

/// Models of both voices, and the losses of their training.
#[derive(Clone)]
pub struct TrainedVoices {
    /// One a voice.
    pub models: Vec<Model>,
    /// Loss of every window of steps, for each voice.
    pub losses: Vec<Vec<LossRecord>>,
}

/// Reads the training clips of both voices.
pub fn training_clips(speech: &Path, sample_rate: u32) -> Result<Vec<Vec<TrainingClip>>> {
    let read = |voice| {
        let files = find_clips(&[speech.join(voice).join("train")])?;
        read_clips(&files, sample_rate)
    };
    VOICES.into_iter().map(read).collect()
}

/// Trains both voices and writes their models.
///
/// - `folder`: that of the models
pub fn train(
    clips: &[Vec<TrainingClip>],
    settings: &Settings,
    seed: u64,
    device: &NamedDevice,
    folder: &Path,
    terminal: &Terminal,
) -> Result<TrainedVoices> {
    create_folder(folder)?;
    let (recipe, layers) = (settings.recipe(), settings.model.layers);
    let (mut models, mut losses) = (Vec::new(), Vec::new());
    for (voice, clips) in VOICES.into_iter().zip(clips) {
        let (model, log) = with_progress(terminal, voice, |observe| {
            nae_train::train(voice, clips, &recipe, seed, &device.device, observe)
        })?;
        bail_if_interrupted("the models finished so far were saved")?;
        model.save(&folder.join(format!("{voice}-{layers}-layers.safetensors")))?;
        models.push(model);
        losses.push(log);
    }
    Ok(TrainedVoices { models, losses })
}

/// Trains a joint encoder for both voices and writes it.
///
/// - `file`: the joint file to write
pub fn train_joint_encoder(
    trained: &TrainedVoices,
    clips: &[Vec<TrainingClip>],
    config: &JointConfig,
    seed: u64,
    device: &NamedDevice,
    file: &Path,
    terminal: &Terminal,
) -> Result<(JointEncoder, Vec<LossRecord>)> {
    let parts = trained.models.iter().zip(clips).map(|(model, clips)| {
        let clips = clips.iter();
        let clips = clips.map(|clip| (clip.record.clone(), clip.samples.clone()));
        TrainingSource {
            name: model.metadata.name.clone(),
            model: model.clone(),
            clips: Some(clips.collect()),
        }
    });
    let parts: Vec<TrainingSource> = parts.collect();
    let (joint, losses) = join(None, &parts, None, config, seed, device, terminal)?;
    bail_if_interrupted("the models finished so far were saved")?;
    joint.save(file)?;
    Ok((joint, losses))
}
