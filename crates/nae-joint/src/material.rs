//! What a joint encoder is trained with: the sources' sound and decoders.

use burn::tensor::Device;
use nae_audio::{Stft, without_offset};
use nae_model::random::generator;
use nae_model::{Architecture, AudioConfig, LatentCache, Network};

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
                (None, Some(cache)) => {
                    let clips = reconstruct(source, cache, &stft, seed, device)?;
                    (MaterialRecord::LatentCache, clips)
                }
                (None, None) => {
                    return Err(JointError::NoMaterial {
                        name: source.name.clone(),
                    });
                }
            };
            let model = source.model.metadata.architecture.clone();
            material.clips.push((source.name.clone(), clips));
            material.records.push(JointSource {
                name: source.name.clone(),
                fingerprint: source.model.fingerprint()?,
                model: model.clone(),
                material: record,
            });
            let decoder = source.model.network.without_encoder();
            material.decoders.push((model, decoder));
        }
        Ok(material)
    }
}

/// The clips in a model's latent cache: its activations decoded, corrected by its residual codes, with
/// phases from the Griffin–Lim algorithm. Clips shorter than a window are left out.
fn reconstruct(
    source: &TrainingSource,
    cache: &LatentCache,
    stft: &Stft,
    seed: u64,
    device: &Device,
) -> Result<Vec<Vec<f32>>, JointError> {
    let Some(all) = nae_model::reconstruct(&source.model, device)? else {
        return Ok(Vec::new());
    };
    let mut rng = generator(seed, &format!("phases of {}", source.name));
    let mut clips = Vec::with_capacity(cache.clips().len());
    let mut first = 0;
    for &frames in cache.clips() {
        let magnitude = all.select(&(first..first + frames).collect::<Vec<_>>());
        first += frames;
        clips.extend(griffin_lim(&magnitude, stft, &mut rng)?);
    }
    Ok(clips)
}
