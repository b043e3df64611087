//! Bases that are learnt on a mixture beside frozen decoders.
//!
//! Every step updates all activations, those of frozen decoders as in [`solve`](super::solve), and then
//! the free bases, both by Kullback–Leibler updates (Lee & Seung, NIPS 2000). Smaragdis, Raj and
//! Shashanka, "Supervised and semi-supervised separation of sounds from single-channel mixtures", ICA 2007, learn
//! an unknown source beside known ones in this way.

use burn::tensor::Tensor;
use nae_kernels::Parallelism;
use nae_model::multiplicative::{factor, unit_length};
use nae_model::optim::{Flow, OptimizationRun, Plan, Progress, Step, optimize};
use nae_model::{Latent, Network};
use rayon::prelude::*;

use super::batch::{BatchItem, StackedDecoders};
use super::chunk::{Latents, start};
use super::segments;
use super::solve::with_lead;
use crate::error::SeparateError;

/// Learns the bases of the last sources of an item's solver, factorisations of one frame, and returns them
/// in their networks.
///
/// - `free`: networks of these sources with the bases to start from, in order
/// - `run`: decides which models of the other sources are used
///
/// # Errors
/// [`SeparateError::Optimization`] if the loss is no longer finite, or the device fails.
pub(crate) fn learn_bases(
    item: &BatchItem<'_>,
    run: usize,
    free: Vec<Network>,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<OptimizationRun<Vec<Network>>, SeparateError> {
    let items = std::slice::from_ref(item);
    let (config, device) = (&item.solver.config, &item.solver.autodiff_device);
    let mut decoders = StackedDecoders::new(items, run)?;
    let first = decoders.decoders.len() - free.len();
    let lead = segments::lead(decoders.context());
    let mixture = with_lead(item, lead)?;
    let items = &[BatchItem {
        mixture: mixture.as_ref(),
        ..*item
    }];
    let frames = mixture.frames() - lead;
    let shares = segments::shares(decoders.context(), frames, Parallelism::Frames, device);
    let (mut chunks, latents) = start(items, &shares, &decoders, run);
    let plan = Plan {
        stage: "learning",
        max_steps: config.max_steps,
        window: config.window,
        evaluated: 1,
        tolerance: config.tolerance,
    };
    let update = |(latents, free): (Vec<Latents>, Vec<Network>), step: Step| {
        for (i, network) in (first..).zip(&free) {
            decoders.decoders[i] = network.decoder(Latent::Bottleneck, device);
        }
        let bases: Vec<Tensor<3>> = free.iter().filter_map(flat_bases).collect();
        let stepped = chunks.par_iter_mut().zip(latents).map(|(chunk, latents)| {
            for source in first..decoders.decoders.len() {
                chunk.bases_changed(&decoders, source, config);
            }
            let (latents, losses) = chunk.step(latents, &decoders, config, step);
            let gradients = chunk.bases_gradients(&latents, &decoders, first, &bases);
            (latents, losses, gradients)
        });
        let stepped: Vec<_> = stepped.collect();
        let gradients = stepped.iter().map(|(_, _, gradients)| gradients.clone());
        let gradients = gradients.reduce(sums).unwrap_or_default();
        let losses = stepped.iter().filter_map(|(_, losses, _)| losses.clone());
        let losses = losses.reduce(|a, b| a + b);
        let updated = bases.iter().zip(gradients);
        let updated = updated.map(|(w, [gradient, growing])| w.clone() * factor(gradient, growing));
        let updated: Vec<Tensor<3>> = updated.collect();
        let latents = stepped.into_iter().map(|(latents, _, _)| latents);
        let latents = latents.map(|latents| rescaled(latents, first, &updated));
        let latents = latents.collect();
        let free = free.into_iter().zip(updated).map(|(network, bases)| {
            let bases = unit_length(bases);
            network.with_bases(Tensor::from_inner(bases).unsqueeze_dim(1))
        });
        ((latents, free.collect()), losses)
    };
    let runs = optimize(plan, 1, (latents, free), update, observe)?;
    let run = runs.into_iter().next().ok_or(SeparateError::NoSources)??;
    Ok(run.map(|(_, free)| free))
}

/// The bases of a factorisation of one frame, `[1, bins, rank]`, outside the graph.
fn flat_bases(network: &Network) -> Option<Tensor<3>> {
    let bases = network.bases()?;
    Some(bases.squeeze_dim::<3>(1).inner())
}

/// Element by element.
fn sums(a: Vec<[Tensor<3>; 2]>, b: Vec<[Tensor<3>; 2]>) -> Vec<[Tensor<3>; 2]> {
    let both = a.into_iter().zip(b);
    both.map(|([a, c], [b, d])| [a + b, c + d]).collect()
}

/// Activations of free sources that give the same product when their bases are brought to unit length.
fn rescaled(latents: Latents, first: usize, bases: &[Tensor<3>]) -> Latents {
    let rescale = |(i, own): (usize, nae_model::Activations)| match i.checked_sub(first) {
        Some(free) => {
            let lengths = bases[free].clone().square().sum_dim(1).sqrt();
            own.multiplied(lengths.swap_dims(1, 2))
        }
        None => own,
    };
    let sources = latents.sources.into_iter().enumerate();
    Latents {
        sources: sources.map(rescale).collect(),
    }
}
