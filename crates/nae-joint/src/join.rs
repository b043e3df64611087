//! Training a joint encoder: networks for some models, one after the other.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use nae_model::optim::{Flow, Progress};
use nae_model::random::generator;

use crate::bank::Bank;
use crate::decoders::Decoders;
use crate::encoder::{JoiningSummary, JointEncoder, JointMetadata};
use crate::error::JointError;
use crate::fit::fit;
use crate::material::TrainingMaterial;
use crate::network::EncoderNetwork;
use crate::parameters::check_finite;
use crate::pretrained::PretrainedWeights;
use crate::sampler::MixtureSampler;
use crate::settings::JointConfig;
use crate::sources::{TrainingSource, check_names, common_audio};

/// Trains a joint encoder for some sources.
///
/// - `device`: any device; gradients are recorded on `device.autodiff()`
/// - `observe`: called once a window of steps; [`Flow::Stop`] ends training with the best so far
///
/// # Errors
/// [`JointError`] for settings out of range, too few or too many sources, equal names, models with
/// different spectrogram settings, a source with neither latent cache nor clips, or a run that diverges
/// or ends with weights that are not finite.
pub fn join(
    sources: &[TrainingSource],
    config: &JointConfig,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<JointEncoder, JointError> {
    join_from(None, sources, config, seed, device, observe)
}

/// [`join`], from pretrained weights.
///
/// - `pretrained`: of the input layer and the temporal model; `None`: as the settings say
///
/// # Errors
/// As [`join`], and [`JointError::IncompatibleWeights`] if they are of another architecture.
pub fn join_from(
    pretrained: Option<&PretrainedWeights>,
    sources: &[TrainingSource],
    config: &JointConfig,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<JointEncoder, JointError> {
    train(pretrained, sources, None, config, seed, device, observe)
}

/// [`join_from`], for one or more known sources and all that is unknown, which a bank of sounds stands for.
///
/// The joint encoder has one more source, the last one, called as the bank.
///
/// # Errors
/// As [`join_from`], and [`JointError::EmptyBank`] for a bank without sound.
pub fn join_against(
    pretrained: Option<&PretrainedWeights>,
    sources: &[TrainingSource],
    bank: &Bank,
    config: &JointConfig,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<JointEncoder, JointError> {
    let bank = Some(bank);
    train(pretrained, sources, bank, config, seed, device, observe)
}

fn train(
    pretrained: Option<&PretrainedWeights>,
    sources: &[TrainingSource],
    bank: Option<&Bank>,
    config: &JointConfig,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<JointEncoder, JointError> {
    let started = Instant::now();
    config.validate()?;
    let names = sources.iter().map(|source| source.name.as_str());
    check_names(names.chain(bank.map(|bank| bank.name.as_str())))?;
    let audio = common_audio(sources, 2 - usize::from(bank.is_some()))?;
    let material = TrainingMaterial::new(sources, &audio, seed, device)?;
    let sampler = MixtureSampler::new(&material.clips, &audio, config, seed)?;
    let (material, sampler) = match bank {
        None => (material, sampler),
        Some(bank) => (
            material.with_bank(bank, audio, device)?,
            sampler.with_bank(bank)?,
        ),
    };
    let autodiff_device = device.clone().autodiff();
    let decoders = Decoders::new(
        material.decoders.clone(),
        config.mask_exponent,
        &autodiff_device,
    );
    let pretrained = match pretrained {
        Some(weights) => Some(weights.clone()),
        None => PretrainedWeights::load_default(config, &audio, device)?,
    };
    let mut training = JoiningSummary {
        seed,
        pretrained: pretrained.is_some(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        ..Default::default()
    };
    let mut networks = Vec::with_capacity(config.ensemble_size);
    for index in 0..config.ensemble_size {
        let mut rng = generator(seed, &format!("joint weights {index}"));
        let (bins, rank) = (audio.stft().bins(), decoders.rank());
        let mut network = EncoderNetwork::new(config, bins, rank, &mut rng, &autodiff_device);
        if let Some(weights) = &pretrained {
            network = weights.apply_to(network, config, &audio, &autodiff_device)?;
        }
        let network = network.with_input_normalisation(sampler.examples(&autodiff_device));
        let seed = seed.wrapping_add((index as u64) << 32);
        let run = fit(
            network,
            &decoders,
            &sampler,
            config,
            seed,
            &autodiff_device,
            observe,
        )?;
        check_finite(&run.best)?;
        training.loss += run.loss / config.ensemble_size as f64;
        training.steps += run.steps;
        networks.push(run.best.valid());
        if run.is_interrupted {
            training.interrupted = true;
            break;
        }
    }
    training.seconds = started.elapsed().as_secs_f64();
    let config = JointConfig {
        ensemble_size: networks.len(),
        ..config.clone()
    };
    let decoders = material.decoders.into_iter();
    Ok(JointEncoder {
        metadata: JointMetadata {
            sources: material.records,
            audio,
            config,
            training,
        },
        networks,
        decoders: decoders.map(|(_, decoder)| decoder).collect(),
        known_models: Vec::new(),
    })
}
