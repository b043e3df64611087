//! What a joint encoder is trained with: the sources' sound and decoders.

use burn::tensor::Device;
use nae_audio::{Stft, without_offset};
use nae_model::random::generator;
use nae_model::{Architecture, AudioConfig, Model, Network};

use crate::bank::{Bank, rest_model};
use crate::encoder::{JointSource, MaterialRecord};
use crate::error::JointError;
use crate::griffin_lim::griffin_lim;
use crate::sources::TrainingSource;

/// Training material of all sources.
pub(crate) struct TrainingMaterial {
    /// Every source's name and clips, mono at the models' sample rate.
    pub clips: Vec<(String, Vec<Vec<f32>>)>,
    /// What the file records of every source.
    pub records: Vec<JointSource>,
    /// Every source's architecture and network without encoder.
    pub decoders: Vec<(Architecture, Network)>,
}

impl TrainingMaterial {
    /// Collects the sources' clips, without constant offsets, or reconstructs them from latent caches.
    ///
    /// # Errors
    /// [`JointError::NoMaterial`] for a source with neither.
    pub fn new(
        sources: &[TrainingSource],
        audio: &AudioConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self, JointError> {
        let stft = Stft::new(audio.stft())?;
        let mut material = Self {
            clips: Vec::with_capacity(sources.len()),
            records: Vec::with_capacity(sources.len()),
            decoders: Vec::with_capacity(sources.len()),
        };
        for source in sources {
            let (record, clips) = match (&source.clips, &source.model.latent_cache) {
                (Some(clips), _) => {
                    let records = clips.iter().map(|(record, _)| record.clone()).collect();
                    let rate = audio.sample_rate;
                    let samples = clips
                        .iter()
                        .map(|(_, samples)| without_offset(samples, rate).into_owned());
                    (MaterialRecord::Clips(records), samples.collect())
                }
                (None, Some(_)) => {
                    let clips = reconstruct(&source.name, &source.model, &stft, seed, device)?;
                    (MaterialRecord::LatentCache, clips)
                }
                (None, None) => {
                    return Err(JointError::NoMaterial {
                        name: source.name.clone(),
                    });
                }
            };
            material.clips.push((source.name.clone(), clips));
            material.add(&source.name, &source.model, record)?;
        }
        Ok(material)
    }

    /// Adds the source that a bank stands for, whose sounds are left to the sampler.
    ///
    /// # Errors
    /// [`JointError::Model`] if the device fails.
    pub fn with_bank(
        mut self,
        bank: &Bank,
        audio: AudioConfig,
        device: &Device,
    ) -> Result<Self, JointError> {
        let compressions = self.decoders.iter();
        let compressions = compressions.map(|(architecture, _)| architecture.compression());
        let compression = compressions.fold(1.0, f64::min);
        let model = rest_model(&bank.name, audio, compression, device);
        let records = bank.sounds.iter().map(|sound| sound.record.clone());
        self.add(&bank.name, &model, MaterialRecord::Bank(records.collect()))?;
        Ok(self)
    }

    fn add(
        &mut self,
        name: &str,
        model: &Model,
        material: MaterialRecord,
    ) -> Result<(), JointError> {
        let architecture = model.metadata.architecture.clone();
        self.records.push(JointSource {
            name: name.into(),
            fingerprint: model.fingerprint()?,
            model: architecture.clone(),
            material,
        });
        self.decoders
            .push((architecture, model.network.without_encoder()));
        Ok(())
    }
}

/// The clips in a model's latent cache: its activations decoded, corrected by its residual codes, with
/// phases from the Griffin–Lim algorithm. Clips shorter than a window are left out.
pub(crate) fn reconstruct(
    name: &str,
    model: &Model,
    stft: &Stft,
    seed: u64,
    device: &Device,
) -> Result<Vec<Vec<f32>>, JointError> {
    let (Some(cache), Some(all)) = (&model.latent_cache, nae_model::reconstruct(model, device)?)
    else {
        return Ok(Vec::new());
    };
    let mut rng = generator(seed, &format!("phases of {name}"));
    let mut clips = Vec::with_capacity(cache.clips().len());
    let mut first = 0;
    for &frames in cache.clips() {
        let magnitude = all.select(&(first..first + frames).collect::<Vec<_>>());
        first += frames;
        clips.extend(griffin_lim(&magnitude, stft, &mut rng)?);
    }
    Ok(clips)
}
