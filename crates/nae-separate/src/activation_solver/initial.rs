//! Initial activations of a run.

use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_model::Decoder;
use nae_model::init::from_host;
use nae_model::random::generator;
use nae_model::spectra::upload;
use rand::RngExt;

use super::batch::{BatchItem, StackedDecoders};
use crate::settings::Start;

/// Activations that run number `run` starts from: those of the encoders, or random ones if the
/// settings say so and for all runs beyond one a model.
///
/// - `items`: their mixtures with silence in front, as many frames as there are activations before them
///
/// # Shapes
/// - output: `[items, rank, frames]` for every source, non-negative
pub(super) fn initial_activations(
    items: &[BatchItem<'_>],
    decoders: &StackedDecoders,
    run: usize,
) -> Vec<Tensor<3>> {
    let Some(solver) = items.first().map(|item| item.solver) else {
        return Vec::new();
    };
    let is_random =
        solver.config.start == Start::Random || run >= solver.runs() / solver.config.starts;
    if is_random {
        random(items, decoders, run)
    } else {
        encoded(items, decoders)
    }
}

/// What the encoders make of the mixtures.
fn encoded(items: &[BatchItem<'_>], decoders: &StackedDecoders) -> Vec<Tensor<3>> {
    let Some(first) = items.first() else {
        return Vec::new();
    };
    let count = decoders.decoders.len() as f64;
    let mixtures: Vec<_> = items.iter().map(|item| (item.mixture, item.gain)).collect();
    let encode = |(decoder, exponent): (&Decoder, &f64)| {
        let compression = decoders.compression / exponent;
        // each of N encoders accounts for the whole mixture, so together they start N times too high
        decoder
            .encode(upload(
                &mixtures,
                compression,
                &first.solver.autodiff_device,
            ))
            .div_scalar(count)
    };
    let sources = decoders.decoders.iter().zip(&decoders.exponents);
    sources.map(encode).collect()
}

/// `√(2/(ΣK + bins))·U(0, 1)`, as in the authors' script.
fn random(items: &[BatchItem<'_>], decoders: &StackedDecoders, run: usize) -> Vec<Tensor<3>> {
    let Some(first) = items.first() else {
        return Vec::new();
    };
    let ranks: Vec<usize> = decoders.decoders.iter().map(Decoder::rank).collect();
    let size = ranks.iter().sum::<usize>() + first.mixture.bins();
    let scale = (2.0 / size as f64).sqrt() as f32;
    let frames = items.iter().map(|item| item.mixture).map(Magnitude::frames);
    let longest = frames.max().unwrap_or(0);
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); ranks.len()];
    for item in items {
        let mut rng = generator(item.solver.seed, &format!("start {run}"));
        for (values, rank) in values.iter_mut().zip(&ranks) {
            for _ in 0..*rank {
                let frames = item.mixture.frames();
                values.extend((0..frames).map(|_| scale * rng.random_range(0.0..1.0f32)));
                values.extend((frames..longest).map(|_| scale));
            }
        }
    }
    let device = &first.solver.autodiff_device;
    let upload = |(values, rank)| from_host(values, [items.len(), rank, longest], device);
    values.into_iter().zip(ranks).map(upload).collect()
}
