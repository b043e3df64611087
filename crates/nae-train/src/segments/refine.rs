//! Refinement of decoders that see several frames: together with activations of whole segments.

use nae_model::Network;
use nae_model::init::from_host;
use nae_model::optim::{Flow, Progress};
use nae_model::spectra::read;
use rand::seq::SliceRandom;

use super::batch::SegmentBatch;
use super::fit::{as_many_of_each, parts};
use super::sampler::tiles;
use super::shape::SegmentShape;
use super::sound::Sound;
use crate::error::TrainError;
use crate::fit::Fitted;
use crate::frame_rows::FrameRows;
use crate::latent_noise::LatentNoise;
use crate::refinement::{Dealt, Refinement};
use crate::seeds::Seeds;
use crate::settings::TrainConfig;

/// Frames of a segment that count: long ones, of which context is a small part.
const CORE: usize = 64;

/// How refinement divides a model's sound: into segments, and these into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Division {
    shape: SegmentShape,
    /// Number of batches, none of which is empty.
    count: usize,
}

impl Division {
    /// - `counted`: whether each of the model's frames counts
    /// - `shape`: with the context that its kind needs
    pub fn new(counted: &[bool], shape: SegmentShape, config: &TrainConfig) -> Self {
        let context = shape.before + shape.after;
        let core = counted.len().saturating_sub(context).clamp(1, CORE);
        let shape = SegmentShape { core, ..shape };
        let most = match config.refine.max_frames {
            0 => usize::MAX,
            frames => frames.div_ceil(core),
        };
        let segments = tiles(counted, shape, 0).len().min(most);
        Self {
            shape,
            count: config.refine.batches.clamp(1, segments.max(1)),
        }
    }
}

/// Minimises every model's training loss over decoder and activations, as
/// [`refine`](crate::refine::refine) does, with segments in the place of frames. Every segment has
/// activations of its own in its context, too, so that none answers for another's frames.
///
/// # Errors
/// As [`refine`](crate::refine::refine).
pub(crate) fn refine(
    network: Network,
    sound: &Sound,
    config: &TrainConfig,
    lambdas: &[f64],
    seeds: &Seeds,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Fitted, TrainError> {
    let divisions = sound.counted.iter();
    let divisions = divisions.map(|counted| Division::new(counted, sound.shape, config));
    // models are in one stack only if theirs are equal
    let Some(Division { shape, count }) = divisions.min_by_key(|own| own.count) else {
        return Ok(Vec::new());
    };
    let frames = shape.frames();
    let noise = LatentNoise::new(config.latent_noise, seeds.generators("refining noise"));
    let refinement = Refinement {
        config,
        lambdas,
        seeds,
        device: sound.spectra.values.device(),
    };
    let dealt = deal(&network, sound, (shape, count), &refinement)?;
    let decode = |network: &Network, latent, step, first| {
        network.decode_segments(noise.apply_segments(latent, step, first, frames), frames)
    };
    refinement.run(&network, dealt, decode, observe)
}

/// Divides every model's segments into batches.
fn deal(
    network: &Network,
    sound: &Sound,
    (shape, count): (SegmentShape, usize),
    refinement: &Refinement<'_>,
) -> Result<Dealt, TrainError> {
    let Refinement { config, seeds, .. } = *refinement;
    let rows = FrameRows::new(&sound.spectra)?;
    let orders = orders(sound, shape, config.refine.max_frames, seeds);
    let mut batches = Vec::with_capacity(count);
    let mut activations = Vec::with_capacity(count);
    for number in 0..count {
        let of_batch = |order: &Vec<usize>| {
            let edge = |number| order.len() * number / count;
            order[edge(number)..edge(number + 1)].to_vec()
        };
        let own: Vec<Vec<usize>> = orders.iter().map(of_batch).collect();
        let batch = SegmentBatch {
            starts: as_many_of_each(own),
            counted: &sound.counted,
            shape,
            eps: config.eps,
        };
        let (mut of_threads, mut starts) = (Vec::new(), Vec::new());
        for range in parts(sound, shape, batch.len()) {
            let (x, target) = batch.part(&rows, &range);
            // through the host: what was picked is a view, and would be put in order every step
            let dims = x.dims();
            let x = from_host(read(x)?, dims, &refinement.device);
            let start = network.encode_segments(x, shape.frames()).latent;
            let (part, start) = refinement.part(range.start, target, start);
            of_threads.push(part);
            starts.push(start);
        }
        batches.push(of_threads);
        activations.push(starts);
    }
    Ok((batches, activations))
}

/// Every model's segments in random order, at most so many that `max_frames` count; all for 0.
fn orders(sound: &Sound, shape: SegmentShape, max_frames: usize, seeds: &Seeds) -> Vec<Vec<usize>> {
    let rngs = seeds.generators("refined segments");
    let order = sound.counted.iter().zip(rngs).map(|(counted, mut rng)| {
        let mut order = tiles(counted, shape, 0);
        order.shuffle(&mut rng);
        if max_frames > 0 {
            order.truncate(max_frames.div_ceil(shape.core));
        }
        order
    });
    order.collect()
}
