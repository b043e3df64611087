//! Activations that are optimised frame by frame.

use burn::tensor::Device;
use nae_kernels::frame::product;
use nae_model::Model;

use super::estimator::FrameEstimator;
use crate::activation_solver::Adjusted;
use crate::error::SeparateError;
use crate::mask::frame_ratio_masks;
use crate::settings::SeparateConfig;
use crate::sources::Source;

/// Keeps quotients finite where a spectrum is zero.
const FLOOR: f32 = 1e-10;
/// Activations begin a frame at least so far below those that spread its level evenly: an update
/// multiplies, and what was silent must come back.
const LEAST_START: f32 = 0.05;

/// Optimises the activations of sources whose decoders are one linear layer: Kullback–Leibler updates
/// that start from the frame before,
///
/// ```text
/// H ← H · Wᵀ(X / (W·H)) / (Wᵀ1 + λ)          (Lee & Seung, NIPS 2000)
/// ```
///
/// Models of a source that have another decoder are left out ([`used`](Self::used)).
pub struct FrameSolver {
    /// One for every run, as many as the source with the most models has.
    runs: Vec<Run>,
    sources: usize,
    bins: usize,
    updates: usize,
    compression: f64,
    mask_exponent: f64,
    /// For every source its name, its models that are used and all of them.
    used: Vec<(String, usize, usize)>,
    mixture: Vec<f32>,
    masks: Vec<f32>,
}

/// One model of every source, and their activations.
struct Run {
    /// All sources' bases, `[bins, ΣK]`.
    bases: Vec<f32>,
    /// Every source's own, `[bins, K]` each.
    own: Vec<Vec<f32>>,
    /// `[ΣK, bins]`, divided by what grows with the activation.
    scaled: Vec<f32>,
    /// Activations that give a spectrum of sum one, all the same.
    flat: f32,
    activations: Vec<f32>,
    product: Vec<f32>,
    factors: Vec<f32>,
    estimates: Vec<f32>,
}

impl FrameSolver {
    /// Reads the bases of the sources' models.
    ///
    /// - `updates`: of the activations of a frame, at least 1
    ///
    /// # Errors
    /// [`SeparateError::NotLive`] for a source without a model whose decoder is one linear layer of single
    /// frames; [`SeparateError`] for no sources, settings out of range, or models with different
    /// spectrogram settings or compressions.
    pub fn new(
        sources: &[Source],
        config: &SeparateConfig,
        updates: usize,
        device: &Device,
    ) -> Result<Self, SeparateError> {
        config.validate()?;
        let all = || sources.iter().flat_map(|source| &source.models);
        let first = all().next().ok_or(SeparateError::NoSources)?;
        for model in all() {
            first.metadata.agrees_with(&model.metadata)?;
        }
        // as for whole sounds, but for the number of updates
        let Adjusted { config, penalties } = Adjusted::new(sources, config.clone());
        let bins = first.metadata.audio.stft().bins();
        let mut bases = Vec::with_capacity(sources.len());
        let mut used = Vec::with_capacity(sources.len());
        let mut compression = None;
        for (source, penalty) in sources.iter().zip(penalties) {
            let own = linear_bases(source, &mut compression, &config, device)?;
            used.push((source.name.clone(), own.len(), source.models.len()));
            bases.push((own, penalty));
        }
        let runs = bases.iter().map(|(own, _)| own.len()).max().unwrap_or(0);
        let run = |run: usize| {
            let own = bases.iter().map(|(own, penalty)| {
                let matrix = own[run % own.len()].as_slice();
                (matrix, *penalty)
            });
            Run::new(&own.collect::<Vec<_>>(), bins, config.sparsity)
        };
        Ok(Self {
            runs: (0..runs).map(run).collect(),
            sources: sources.len(),
            bins,
            updates: updates.max(1),
            compression: compression.unwrap_or(1.0),
            mask_exponent: config.mask_exponent,
            used,
            mixture: vec![0.0; bins],
            masks: vec![0.0; sources.len() * bins],
        })
    }

    /// For every source its name, how many of its models are used, and how many it has.
    pub fn used(&self) -> &[(String, usize, usize)] {
        &self.used
    }
}

/// The bases of those of a source's models that are linear and of one compression, `[bins, K]` each.
fn linear_bases(
    source: &Source,
    compression: &mut Option<f64>,
    config: &SeparateConfig,
    device: &Device,
) -> Result<Vec<Vec<f32>>, SeparateError> {
    let not_live = |reason: String| SeparateError::NotLive {
        name: source.name.clone(),
        reason,
    };
    let mut bases = Vec::new();
    for model in &source.models {
        let decoder = model.network.decoder(config.latent, device);
        let layers = decoder.frame_layers()?;
        let Some(matrix) = layers.as_ref().and_then(|layers| layers.as_matrix()) else {
            continue;
        };
        let own = model.metadata.architecture.compression();
        let common = *compression.get_or_insert(own);
        if own != common {
            return Err(not_live(format!(
                "a compression of {own} does not go with one of {common}: the spectra of all sources are summed. Train both with the same `model.compression`."
            )));
        }
        bases.push(matrix.to_vec());
    }
    if bases.is_empty() {
        let describe = |model: &Model| model.metadata.architecture.describe();
        let all: Vec<String> = source.models.iter().map(describe).collect();
        return Err(not_live(format!(
            "expected a factorisation (NMF) or another decoder of one linear layer, found {}. Use a joint encoder (`--joint`), or train with `nae train --ensemble nmf`.",
            all.join(" and ")
        )));
    }
    Ok(bases)
}

impl Run {
    /// - `matrices`: `[bins, K]` and the penalty of every source
    fn new(matrices: &[(&[f32], f64)], bins: usize, sparsity: f64) -> Self {
        let ranks: Vec<usize> = matrices.iter().map(|(own, _)| own.len() / bins).collect();
        let rank: usize = ranks.iter().sum();
        let mut bases = vec![0.0; bins * rank];
        let mut scaled = vec![0.0; bins * rank];
        let mut first = 0;
        let mut total = 0.0;
        for ((own, penalty), &k) in matrices.iter().zip(&ranks) {
            for column in 0..k {
                let values = (0..bins).map(|bin| own[bin * k + column]);
                let sum: f64 = values.clone().map(f64::from).sum();
                total += sum;
                // the mean over bins and frames against the mean over rank and frames
                let growing = sum * (1.0 + penalty) + sparsity * bins as f64 / k as f64;
                let inverse = 1.0 / growing.max(f64::from(FLOOR));
                for (bin, value) in values.enumerate() {
                    bases[bin * rank + first + column] = value;
                    scaled[(first + column) * bins + bin] = (f64::from(value) * inverse) as f32;
                }
            }
            first += k;
        }
        Self {
            bases,
            own: matrices.iter().map(|(own, _)| own.to_vec()).collect(),
            scaled,
            flat: (1.0 / total.max(f64::from(FLOOR))) as f32,
            activations: vec![0.0; rank],
            product: vec![0.0; bins],
            factors: vec![0.0; rank],
            estimates: vec![0.0; matrices.len() * bins],
        }
    }

    /// Brings the activations to a frame, and works out every source's spectrum.
    fn step(&mut self, mixture: &[f32], updates: usize) {
        let least = LEAST_START * self.flat * mixture.iter().sum::<f32>();
        for h in &mut self.activations {
            *h = h.max(least);
        }
        for _ in 0..updates {
            product(&self.bases, &self.activations, &mut self.product);
            for (quotient, x) in self.product.iter_mut().zip(mixture) {
                *quotient = x / quotient.max(FLOOR);
            }
            product(&self.scaled, &self.product, &mut self.factors);
            for (h, factor) in self.activations.iter_mut().zip(&self.factors) {
                *h *= factor;
            }
        }
        let bins = mixture.len();
        let mut first = 0;
        for (own, estimate) in self.own.iter().zip(self.estimates.chunks_mut(bins)) {
            let rank = own.len() / bins;
            product(own, &self.activations[first..first + rank], estimate);
            first += rank;
        }
    }
}

impl FrameEstimator for FrameSolver {
    fn sources(&self) -> usize {
        self.sources
    }

    fn look_ahead(&self) -> usize {
        0
    }

    fn estimate(
        &mut self,
        magnitude: Option<&[f32]>,
        gain: f64,
        masks: &mut [f32],
    ) -> Result<(), SeparateError> {
        let Some(magnitude) = magnitude else {
            return Ok(());
        };
        for (x, &magnitude) in self.mixture.iter_mut().zip(magnitude) {
            *x = (f64::from(magnitude) * gain).powf(self.compression) as f32;
        }
        masks.fill(0.0);
        let weight = 1.0 / self.runs.len() as f32;
        for run in &mut self.runs {
            run.step(&self.mixture, self.updates);
            frame_ratio_masks(
                &run.estimates,
                self.bins,
                self.mask_exponent,
                &mut self.masks,
            );
            for (mask, own) in masks.iter_mut().zip(&self.masks) {
                *mask += weight * own;
            }
        }
        Ok(())
    }
}
