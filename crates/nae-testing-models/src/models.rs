//! Models, trained or not.

use burn::tensor::Device;
use nae_model::optim::Flow;
use nae_model::random::generator;
use nae_model::{AudioConfig, Metadata, Model, ModelConfig, TrainingSummary};
use nae_train::{Recipe, TrainingClip, train};

/// Small spectra: 65 bins, 250 frames a second at 8000 Hz.
pub const AUDIO: AudioConfig = AudioConfig {
    sample_rate: 8000,
    n_fft: 128,
    hop: 32,
};

/// A model with the weights that training starts from; its gain is 1.
pub fn untrained(
    name: &str,
    audio: AudioConfig,
    config: &ModelConfig,
    seed: u64,
    device: &Device,
) -> Model {
    let architecture = config.architecture();
    let bins = audio.stft().bins();
    let network = architecture.network(bins, &mut generator(seed, "weights"), device);
    let training = TrainingSummary {
        seed,
        ..Default::default()
    };
    Model {
        metadata: Metadata {
            name: name.into(),
            audio,
            architecture,
            gain: 1.0,
            training,
        },
        network,
        latent_cache: None,
    }
}

/// A model trained to the end of its recipe.
///
/// # Panics
///
/// When training fails.
pub fn trained(
    name: &str,
    clips: &[TrainingClip],
    recipe: &Recipe,
    seed: u64,
    device: &Device,
) -> Model {
    train(name, clips, recipe, seed, device, &mut |_| Flow::Continue).unwrap()
}
