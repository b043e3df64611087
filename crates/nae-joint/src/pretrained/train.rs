//! Pretraining on pairs of sources.

use burn::module::Module;
use burn::tensor::Device;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;

use super::weights::PretrainedWeights;
use crate::decoders::Decoders;
use crate::error::JointError;
use crate::fit::fit;
use crate::material::TrainingMaterial;
use crate::network::EncoderNetwork;
use crate::sampler::MixtureSampler;
use crate::settings::JointConfig;
use crate::sources::{TrainingSource, common_audio};

impl PretrainedWeights {
    /// Trains on all pairs of some sources, one after the other, each with a new output layer and
    /// otherwise the weights so far.
    ///
    /// - `rounds`: number of passes over all pairs
    ///
    /// # Errors
    /// As [`join`](crate::join).
    pub fn train(
        sources: &[TrainingSource],
        rounds: usize,
        config: &JointConfig,
        seed: u64,
        device: &Device,
        observe: &mut dyn FnMut(&Progress) -> Flow,
    ) -> Result<Self, JointError> {
        config.validate()?;
        let audio = common_audio(sources, 2)?;
        let material = TrainingMaterial::new(sources, &audio, seed, device)?;
        let sampler = MixtureSampler::new(&material.clips, &audio, config, seed)?;
        let autodiff_device = device.clone().autodiff();
        let bins = audio.stft().bins();
        let pairs =
            (1..sources.len()).flat_map(|second| (0..second).map(move |first| [first, second]));
        let turns = (0..rounds).flat_map(|_| pairs.clone());
        let mut weights: Option<Self> = None;
        for (turn, pair) in turns.enumerate() {
            let layers = pair.map(|i| material.decoders[i].clone()).to_vec();
            let decoders = Decoders::new(layers, config.mask_exponent, &autodiff_device);
            let sampler = sampler.select(&pair);
            let mut rng = generator(seed, &format!("joint weights {turn}"));
            let rank = decoders.rank();
            let mut network = EncoderNetwork::new(config, bins, rank, &mut rng, &autodiff_device);
            if let Some(weights) = &weights {
                network = weights.apply_to(network, config, &audio, &autodiff_device)?;
            }
            let network = network.with_input_normalisation(sampler.examples(&autodiff_device));
            let seed = seed.wrapping_add((turn as u64) << 32);
            let run = fit(
                network,
                &decoders,
                &sampler,
                config,
                seed,
                &autodiff_device,
                observe,
            )?;
            weights = Some(Self {
                audio,
                config: config.clone(),
                network: run.best.valid(),
            });
            if run.is_interrupted {
                break;
            }
        }
        weights.ok_or(JointError::Count {
            came: sources.len(),
        })
    }
}
