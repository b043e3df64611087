//! The sound that a model can give to a bank.

use burn::tensor::{Device, Tensor};
use nae_audio::{AudioError, Stft, resample};
use nae_model::random::generator;
use nae_model::{AudioConfig, Ensemble, Latent, Model};

use super::synthesis::synthesize;
use super::{BankOrigin, BankRecord, BankSound};
use crate::error::JointError;
use crate::material::reconstruct;

/// What a model gives to a bank.
#[derive(Debug)]
pub enum ModelSound {
    /// One sound from its latent cache, or one from the bases of every source that was merged into it.
    Sounds(Vec<BankSound>),
    /// It has neither a latent cache nor bases of single frames.
    Nothing,
}

/// Sound of a model, at the sample rate of `audio` whatever its own is: from the latent cache of a member
/// that has one, else drawn from the bases of a member that has bases of single frames.
///
/// - `seed`: of phases and activations
///
/// # Errors
/// [`JointError::Model`] if the device fails, [`JointError::Audio`] from transforms and resampling.
pub fn model_sounds(
    model: &Ensemble,
    audio: &AudioConfig,
    seed: u64,
    device: &Device,
) -> Result<ModelSound, JointError> {
    let mut members = model.members().iter();
    if let Some(model) = members.find(|model| model.latent_cache.is_some()) {
        let stft = Stft::new(model.metadata.audio.stft())?;
        let clips = reconstruct(&model.metadata.name, model, &stft, seed, device)?;
        let sound = sound(model, BankOrigin::LatentCache, None, clips, audio)?;
        return Ok(ModelSound::Sounds(vec![sound]));
    }
    let mut members = model.members().iter();
    let with_bases = members.find_map(|model| Some((model, bases(model, device)?)));
    let Some((model, bases)) = with_bases else {
        return Ok(ModelSound::Nothing);
    };
    let values = nae_model::spectra::read(bases)?;
    let rank = model.metadata.architecture.rank();
    let merged = &model.metadata.training.merged;
    let whole = [(None, rank)];
    let parts: Vec<(Option<&str>, usize)> = match merged.is_empty() {
        true => whole.to_vec(),
        false => merged
            .iter()
            .map(|source| (Some(source.name.as_str()), source.rank))
            .collect(),
    };
    let mut first = 0;
    let mut sounds = Vec::with_capacity(parts.len());
    for (name, count) in parts {
        let columns = first..(first + count).min(rank);
        first = columns.end;
        if columns.is_empty() {
            break;
        }
        let purpose = format!("sound of {} {}", model.metadata.name, columns.start);
        let clips = synthesize(model, &values, columns, &mut generator(seed, &purpose))?;
        sounds.push(sound(model, BankOrigin::Bases, name, clips, audio)?);
    }
    Ok(ModelSound::Sounds(sounds))
}

/// A model's bases of single frames, `[1, 1, bins, rank]`, whose sums are spectra.
fn bases(model: &Model, device: &Device) -> Option<Tensor<4>> {
    let bases = model.network.bases()?;
    let decoder = model.network.decoder(Latent::Bottleneck, device);
    (bases.dims()[1] == 1 && decoder.needs_nonnegative_activations()).then_some(bases)
}

/// A sound of clips at the model's rate.
fn sound(
    model: &Model,
    origin: BankOrigin,
    part: Option<&str>,
    clips: Vec<Vec<f32>>,
    audio: &AudioConfig,
) -> Result<BankSound, JointError> {
    let rate = model.metadata.audio.sample_rate;
    let samples: usize = clips.iter().map(Vec::len).sum();
    let clips = clips
        .into_iter()
        .map(|clip| match rate == audio.sample_rate {
            true => Ok(clip),
            false => resample(&clip, rate, audio.sample_rate),
        })
        .collect::<Result<Vec<_>, AudioError>>()?;
    let name = model.metadata.name.escape_debug();
    Ok(BankSound {
        record: BankRecord {
            name: match part {
                None => name.to_string(),
                Some(part) => format!("{name}: {}", part.escape_debug()),
            },
            origin,
            sha256: model.fingerprint()?,
            duration_s: samples as f64 / f64::from(rate),
        },
        clips,
    })
}
