//! The systems that the demo compares.

use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use nae_audio::Clip;
use nae_joint::JointEncoder;
use nae_metrics::{Estimate, Reference, si_sdr};
use nae_model::Metadata;
use nae_separate::{ResidualLevel, Separator, Source};

use super::test_mixture::TestMixture;
use super::voices::TrainedVoices;
use crate::device::NamedDevice;
use crate::interrupt::{bail_if_interrupted, flow};
use crate::loss_log::LossRecord;
use crate::settings::Settings;

/// One way to model the voices, and its stems of the mixture.
pub struct System {
    /// Name in the table and on the page.
    pub name: String,
    /// Folder of the stems.
    pub folder: String,
    /// The settings in full.
    pub settings: Settings,
    /// The voices' models.
    pub voices: Vec<Voice>,
    /// One for every voice.
    pub stems: Vec<Clip>,
    /// SI-SDR of every stem in dB.
    pub si_sdr: Vec<f64>,
    /// Energy of the mixture minus the sum of its stems, relative to the mixture, in dB.
    pub residual_db: f64,
    /// Seconds of separation.
    pub seconds: f64,
    /// The training of a joint encoder; none: activations were optimised.
    pub joint: Option<JointTraining>,
}

/// How a joint encoder was trained.
pub struct JointTraining {
    /// Duration.
    pub seconds: f64,
    /// Loss of every window of steps.
    pub losses: Vec<LossRecord>,
}

/// One voice's model and its activations.
pub struct Voice {
    /// The model file's metadata.
    pub metadata: Metadata,
    /// Loss of every window of steps.
    pub losses: Vec<LossRecord>,
    /// Bases of the last layer, `[bins × columns]`, row-major.
    pub bases: (usize, usize, Vec<f32>),
    /// Activations found in the mixture, `[rank × frames]`, row-major.
    pub activations: (usize, usize, Vec<f32>),
}

impl System {
    /// Separates the mixture by optimised activations.
    pub fn optimised(
        settings: &Settings,
        trained: TrainedVoices,
        seed: u64,
        mixture: &TestMixture,
        device: &NamedDevice,
    ) -> Result<Self> {
        let sources: Vec<Source> = trained
            .models
            .iter()
            .map(|model| Source {
                name: model.metadata.name.clone(),
                models: vec![model.clone()],
            })
            .collect();
        let config = settings.separate.clone();
        let separator = Separator::new(&sources, config, seed, &device.device)?;
        let layers = settings.model.layers;
        let name = match layers {
            2 => "shallow".to_owned(),
            layers => format!("{layers} layers"),
        };
        let folder = format!("stems-{layers}-layers");
        Self::separate((name, folder), settings, trained, &separator, mixture)
    }

    /// Separates the mixture by a joint encoder, in one pass.
    ///
    /// - `losses`: of the joint encoder's training
    pub fn joint(
        settings: &Settings,
        trained: TrainedVoices,
        (joint, losses): (&JointEncoder, Vec<LossRecord>),
        mixture: &TestMixture,
        device: &NamedDevice,
    ) -> Result<Self> {
        let separator = joint.separator(settings.separate.clone(), &device.device)?;
        let names = ("joint".to_owned(), "stems-joint".to_owned());
        let system = Self::separate(names, settings, trained, &separator, mixture)?;
        Ok(Self {
            joint: Some(JointTraining {
                seconds: joint.metadata.training.seconds,
                losses,
            }),
            ..system
        })
    }

    /// Separates and scores the mixture.
    fn separate(
        (name, folder): (String, String),
        settings: &Settings,
        trained: TrainedVoices,
        separator: &Separator,
        mixture: &TestMixture,
    ) -> Result<Self> {
        let started = Instant::now();
        let separated = separator.separate(&mixture.mixture, &mut |_| flow())?;
        bail_if_interrupted("the models finished so far were saved")?;
        let seconds = started.elapsed().as_secs_f64();
        let stems = separated.stems.iter();
        let stems: Vec<&[f32]> = stems.map(|stem| stem.channels()[0].as_slice()).collect();
        let mut residual = ResidualLevel::default();
        residual.add(&mixture.mixture.channels()[0], &stems);
        let pairs = stems.iter().zip(&mixture.references);
        let scores = pairs.map(|(stem, reference)| {
            let reference = Reference(&reference.channels()[0]);
            Ok(si_sdr(&reference, &Estimate(stem))?)
        });
        let si_sdr = scores.collect::<Result<Vec<f64>>>()?;
        Ok(Self {
            name,
            folder,
            settings: settings.clone(),
            voices: voices(trained, separated.activations)?,
            stems: separated.stems,
            si_sdr,
            residual_db: residual.db(),
            seconds,
            joint: None,
        })
    }

    /// Mean improvement in SI-SDR over the mixture, in dB.
    pub fn mean_improvement(&self, mixture: &TestMixture) -> f64 {
        let gains = self
            .si_sdr
            .iter()
            .zip(&mixture.si_sdr)
            .map(|(stem, mixture)| stem - mixture);
        gains.sum::<f64>() / self.si_sdr.len() as f64
    }
}

/// Bases and activations to look at.
fn voices(trained: TrainedVoices, activations: Vec<Tensor<2>>) -> Result<Vec<Voice>> {
    let TrainedVoices { models, losses } = trained;
    let matrix = |tensor: Tensor<2>| -> Result<(usize, usize, Vec<f32>)> {
        let [rows, columns] = tensor.dims();
        Ok((rows, columns, nae_model::spectra::read(tensor)?))
    };
    let mut voices = Vec::new();
    for ((model, losses), activations) in models.into_iter().zip(losses).zip(activations) {
        let bases = model.network.bases().context("a model without bases")?;
        // `[models, span, bins, units]` of one model; of bases of several frames their mean
        let [_, _, bins, units] = bases.dims();
        voices.push(Voice {
            bases: matrix(bases.mean_dim(1).reshape([bins, units]))?,
            activations: matrix(activations)?,
            metadata: model.metadata,
            losses,
        });
    }
    Ok(voices)
}
