//! The manifest: every cell of a run, written once when it is planned.

use std::collections::{HashMap, HashSet};

use nae_metrics::scores::Family;
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
        let (mut models, mut seen) = (HashMap::new(), HashSet::new());
        for variant in 0..manifest.variants.len() {
            for &seed in &experiment.seeds {
                for speaker in 0..manifest.speakers.len() {
                    let setup = &manifest.variants[variant].setup;
                    let id = cell::training(setup, &manifest.speakers[speaker], seed)?;
                    models.insert((variant, seed, speaker), id.clone());
                    if seen.insert(id.clone()) {
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
}
