//! The manifest: every cell of a run, written once when it is planned.

use std::collections::HashMap;

use nae_metrics::scores::Family;
use nae_model::ModelKind;
use serde::{Deserialize, Serialize};

use crate::cell::{self, Id, Place, SCHEMA, Separation, Training};
use crate::error::SweepError;
use crate::experiment::{Experiment, Variant};
use crate::sources::{Speaker, cast};

/// What a run consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`] when it was planned.
    pub schema: u32,
    /// Version of nae.
    pub tool_version: String,
    /// The experiment's name.
    pub name: String,
    /// Everybody who takes part, with their recordings' checksums.
    pub speakers: Vec<Speaker>,
    /// Indices into `speakers`.
    pub pairs: Vec<Vec<usize>>,
    /// Mixtures of every pair.
    pub mixtures: usize,
    /// Scores, by their families' names.
    pub families: Vec<String>,
    /// Every system at every point of its grid.
    pub variants: Vec<Variant>,
    /// Models, each once however many cells share it; models of one recipe stand together.
    pub trainings: Vec<Training>,
    /// Separations, one for every variant, pair, mixture and seed.
    pub separations: Vec<Separation>,
}

impl Manifest {
    /// Looks at the sound and lists all cells.
    ///
    /// # Errors
    /// [`SweepError`] for sound that is missing or too little, and settings that do not fit.
    pub fn plan(experiment: &Experiment) -> Result<Self, SweepError> {
        let variants = experiment.variants()?;
        let longest = variants
            .iter()
            .map(|variant| variant.setup.data.mixture_s)
            .fold(0.0, f64::max);
        let cast = cast(&experiment.data, longest)?;
        let mut manifest = Self {
            schema: SCHEMA,
            tool_version: env!("CARGO_PKG_VERSION").into(),
            name: experiment.name.clone(),
            speakers: cast.speakers,
            pairs: cast.pairs,
            mixtures: experiment.data.mixtures,
            families: experiment
                .families
                .iter()
                .map(|family| format!("{family:?}"))
                .collect(),
            variants,
            trainings: Vec::new(),
            separations: Vec::new(),
        };
        let mut models = HashMap::new();
        for variant in 0..manifest.variants.len() {
            for &seed in &experiment.seeds {
                for speaker in 0..manifest.speakers.len() {
                    let setup = &manifest.variants[variant].setup;
                    let id = cell::training(setup, &manifest.speakers[speaker], seed)?;
                    models.insert((variant, seed, speaker), id.clone());
                    if !manifest.trainings.iter().any(|training| training.id == id) {
                        manifest.trainings.push(Training {
                            id,
                            variant,
                            speaker,
                            seed,
                        });
                    }
                }
            }
        }
        // a mixture's cells of all variants stand together, so that its floor and ceiling are still known
        for (pair, members) in manifest.pairs.iter().enumerate() {
            for mixture in 0..manifest.mixtures {
                for (variant, with) in manifest.variants.iter().enumerate() {
                    for &seed in &experiment.seeds {
                        let models: Vec<Id> = members
                            .iter()
                            .map(|&speaker| models[&(variant, seed, speaker)].clone())
                            .collect();
                        let speakers: Vec<&Speaker> =
                            members.iter().map(|&i| &manifest.speakers[i]).collect();
                        let place = Place {
                            index: mixture,
                            of: manifest.mixtures,
                        };
                        let id = cell::separation(
                            &with.setup,
                            &models,
                            &speakers,
                            place,
                            seed,
                            &experiment.families,
                        )?;
                        manifest.separations.push(Separation {
                            id,
                            variant,
                            pair,
                            mixture,
                            seed,
                            models,
                        });
                    }
                }
            }
        }
        Ok(manifest)
    }

    /// Names of a pair's members, joined by `+`.
    pub fn pair_name(&self, pair: usize) -> String {
        let members = self.pairs[pair].iter();
        members
            .map(|&speaker| self.speakers[speaker].name.as_str())
            .collect::<Vec<_>>()
            .join("+")
    }

    /// A training in words.
    pub fn training_label(&self, training: &Training) -> String {
        let speaker = &self.speakers[training.speaker].name;
        format!(
            "model of {speaker}: {}, seed {}",
            self.variants[training.variant].label, training.seed
        )
    }

    /// A separation in words.
    pub fn separation_label(&self, separation: &Separation) -> String {
        let pair = self.pair_name(separation.pair);
        let Separation {
            mixture,
            variant,
            seed,
            ..
        } = separation;
        format!(
            "mixture {mixture} of {pair}: {}, seed {seed}",
            self.variants[*variant].label
        )
    }

    /// What is scored.
    pub fn families(&self) -> Vec<Family> {
        let is_named = |family: &Family| self.families.contains(&format!("{family:?}"));
        Family::ALL.into_iter().filter(is_named).collect()
    }

    /// Bytes that finished cells take on disk: weights in single precision, and a page a result.
    pub fn bytes(&self) -> u64 {
        const RESULT: u64 = 4096;
        let weights = |training: &Training| {
            let setup = &self.variants[training.variant].setup;
            let sizes = setup.model.sizes(setup.audio.stft().bins());
            let weights: usize = sizes.windows(2).map(|pair| pair[0] * pair[1]).sum();
            4 * weights as u64 + 2 * RESULT
        };
        self.trainings.iter().map(weights).sum::<u64>() + RESULT * self.separations.len() as u64
    }

    /// Estimated seconds of one core for a training.
    pub fn training_s(&self, training: &Training) -> f64 {
        let setup = &self.variants[training.variant].setup;
        let rate = f64::from(setup.audio.sample_rate);
        let seconds = setup.data.train_s.min(crate::sources::duration_s(
            &self.speakers[training.speaker].train,
        ));
        let frames = seconds * rate / setup.audio.hop as f64;
        let sizes = setup.model.sizes(setup.audio.stft().bins());
        let products = |sizes: &[usize]| {
            sizes
                .windows(2)
                .map(|pair| (pair[0] * pair[1]) as f64)
                .sum::<f64>()
        };
        let bins = setup.audio.stft().bins() as f64;
        match setup.model.kind {
            ModelKind::Nmf => {
                let nmf = &setup.train.nmf;
                (nmf.updates * nmf.restarts) as f64
                    * frames
                    * (8.0 * products(&sizes) / FLOPS + bins / ELEMENTS)
            }
            ModelKind::Nae => {
                let batch = match setup.train.batch_frames {
                    0 => frames,
                    batch => batch as f64,
                };
                let refined = frames.min(match setup.train.refine.max_frames {
                    0 => f64::INFINITY,
                    most => most as f64,
                });
                let decoder = &sizes[setup.model.encoder_layers()..];
                let step = |sizes: &[usize], frames: f64| {
                    frames * (6.0 * products(sizes) / FLOPS + 2.0 * bins / ELEMENTS)
                };
                setup.train.max_steps as f64 * step(&sizes, batch)
                    + setup.train.refine.passes as f64 * step(decoder, refined)
            }
        }
    }

    /// Estimated seconds of one core for a separation with its scores.
    pub fn separation_s(&self, separation: &Separation) -> f64 {
        let setup = &self.variants[separation.variant].setup;
        let sources = self.pairs[separation.pair].len() as f64;
        let frames =
            setup.data.mixture_s * f64::from(setup.audio.sample_rate) / setup.audio.hop as f64;
        let bins = setup.audio.stft().bins();
        let sizes = setup.model.sizes(bins);
        let decoder = &sizes[setup.model.encoder_layers()..];
        let products: f64 = decoder
            .windows(2)
            .map(|pair| (pair[0] * pair[1]) as f64)
            .sum();
        let steps = (setup.separate.max_steps * setup.separate.starts) as f64;
        let scoring: f64 = self
            .families()
            .iter()
            .map(|family| scoring_s(*family))
            .sum();
        steps * frames * (sources * 4.0 * products / FLOPS + 2.0 * bins as f64 / ELEMENTS)
            + scoring * sources * setup.data.mixture_s
    }
}

/// Floating-point operations a second that training and separation reach on one core, and elements
/// a second of the passes over spectra: fitted to runs on a 2020s server core, within a factor of
/// two elsewhere. `status` corrects them by the cells that are done.
const FLOPS: f64 = 3e10;
const ELEMENTS: f64 = 4e8;

/// Seconds of one core to score one second of one source, floor and ceiling shared.
fn scoring_s(family: Family) -> f64 {
    match family {
        Family::BssEval => 0.02,
        Family::ScaleInvariant => 0.001,
        Family::Intelligibility => 0.004,
    }
}
