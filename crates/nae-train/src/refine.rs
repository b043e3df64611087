//! Refinement: optimises the decoder together with activations of the training frames.
//!
//! One pass of the encoder does not give the best activations of a frame, and a decoder trained
//! with it learns to compensate for that. Separation uses the decoder only. Free activations of
//! every training frame, initialised by the encoder, fit the decoder to that use. The encoder is
//! unchanged.

use nae_model::Network;
use nae_model::init::from_host;
use nae_model::loss::Target;
use nae_model::optim::{Flow, Progress};
use nae_model::spectra::read;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

use crate::error::TrainError;
use crate::fit::Fitted;
use crate::frame_rows::FrameRows;
use crate::latent_noise::{LatentNoise, NOISE_BLOCK};
use crate::refinement::{Dealt, Refinement};
use crate::seeds::Seeds;
use crate::settings::TrainConfig;
use crate::spectra::Spectra;

/// Minimises every model's training loss over decoder and activations, with Adam and a cosine.
/// Frames are divided into batches once, which steps take in turn: a frame keeps its activations
/// and their moments, and the decoder moves several times a pass. Arguments as for
/// [`fit`](crate::fit::fit).
///
/// # Errors
/// [`TrainError::Model`] if the device fails,
/// [`OptimizationError::Diverged`](nae_model::optim::OptimizationError) for a model whose loss stops
/// being finite.
pub fn refine(
    network: Network,
    spectra: &Spectra,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let noise = LatentNoise::new(config.latent_noise, seeds.generators("refining noise"));
    let refinement = Refinement {
        config,
        lambdas,
        seeds,
        device: spectra.values.device(),
    };
    let dealt = deal(&network, spectra, &refinement)?;
    let decode =
        |network: &Network, latent, step, first| network.decode(noise.apply(latent, step, first));
    refinement.run(&network, dealt, decode, observe)
}

/// Divides every model's frames into batches.
fn deal(
    network: &Network,
    spectra: &Spectra,
    refinement: &Refinement<'_>,
) -> Result<Dealt, TrainError> {
    let Refinement { config, seeds, .. } = *refinement;
    let settings = &config.refine;
    let rows = FrameRows::new(spectra)?;
    let orders = orders(spectra, settings.max_frames, seeds);
    let mut batches = Vec::with_capacity(settings.batches);
    let mut activations = Vec::with_capacity(settings.batches);
    for number in 0..settings.batches {
        let of_batch = |order: &'_ Vec<i32>| {
            let edge = |number| edge(order.len(), number, settings.batches);
            order[edge(number)..edge(number + 1)].to_vec()
        };
        let own: Vec<Vec<i32>> = orders.iter().map(of_batch).collect();
        let size = own.iter().map(Vec::len).max().unwrap_or(0);
        let mut parts = Vec::new();
        let mut starts = Vec::new();
        for range in spectra.shares(size) {
            let of_part = |own: &'_ Vec<i32>| {
                let end = range.end.min(own.len());
                own[range.start.min(end)..end].to_vec()
            };
            let indices: Vec<Vec<i32>> = own.iter().map(of_part).collect();
            let counts: Vec<usize> = indices.iter().map(Vec::len).collect();
            let indices: Vec<&[i32]> = indices.iter().map(Vec::as_slice).collect();
            // through the host: what was picked is a view, and would be put in order every step
            let picked = rows.pick(&indices);
            let shape = picked.dims();
            let spectrum = from_host(read(picked)?, shape, &refinement.device);
            let target = Target::new(spectrum, config.eps).padded(&counts);
            let start = network.encode(target.spectrum.clone()).latent;
            let (part, start) = refinement.part(range.start, target.part_of(size), start);
            parts.push(part);
            starts.push(start);
        }
        batches.push(parts);
        activations.push(starts);
    }
    Ok((batches, activations))
}

/// Where batch number `number` of `frames` divided into `batches` begins. At whole blocks if there
/// are enough: matrix products first put spectra of other widths in another order.
fn edge(frames: usize, number: usize, batches: usize) -> usize {
    let even = frames * number / batches;
    if number == batches || frames < 2 * NOISE_BLOCK * batches {
        even
    } else {
        (even + NOISE_BLOCK / 2) / NOISE_BLOCK * NOISE_BLOCK
    }
}

/// Every model's frames in random order, at most `max_frames` of them; all of them for 0.
fn orders(spectra: &Spectra, max_frames: usize, seeds: &Seeds) -> Vec<Vec<i32>> {
    let order = |(&frames, mut rng): (&usize, ChaCha8Rng)| {
        let mut order: Vec<i32> = (0..frames as i32).collect();
        order.shuffle(&mut rng);
        if max_frames > 0 {
            order.truncate(max_frames);
        }
        order
    };
    let rngs = seeds.generators("refined frames");
    spectra.frames.iter().zip(rngs).map(order).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_all_frames_and_none_is_empty() {
        for (frames, batches) in [(8, 6), (383, 6), (384, 6), (1563, 6), (4000, 1), (100, 7)] {
            let edges: Vec<usize> = (0..=batches).map(|n| edge(frames, n, batches)).collect();
            assert_eq!((edges[0], edges[batches]), (0, frames));
            assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "{edges:?}");
        }
    }
}
