//! The frames that one thread optimises: their activations and a step of these.

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use nae_audio::Magnitude;
use nae_kernels::{LossOutput, matmul};
use nae_model::loss::{Target, growing, objective};
use nae_model::multiplicative::factor;
use nae_model::optim::Step;
use nae_model::spectra::upload;
use nae_model::{ActivationForm, Activations};

use super::batch::{BatchItem, StackedDecoders};
use super::initial::initial_activations;
use super::segments::{Segment, Share};
use crate::settings::SeparateConfig;

/// All sources' activations: what a run optimises.
#[derive(Module, Debug)]
pub(super) struct Latents {
    /// One leaf for every source.
    pub sources: Vec<Activations>,
}

/// Every share's frames and the activations that they start from.
///
/// - `run`: number of the run, which decides the initial activations
pub(super) fn start(
    items: &[BatchItem<'_>],
    shares: &[Share],
    decoders: &StackedDecoders,
    run: usize,
) -> (Vec<Chunk>, Vec<Latents>) {
    let initial = initial_activations(items, decoders, run);
    let chunk = |share| Chunk::new(items, share, shares, decoders);
    // every item has the first one's settings
    let leaves = |share| leaves(&initial, share, decoders, &items[0].solver.config);
    (
        shares.iter().map(chunk).collect(),
        shares.iter().map(leaves).collect(),
    )
}

/// Some segments of the initial activations, as leaves to be optimised.
fn leaves(
    initial: &[Tensor<3>],
    share: &Share,
    decoders: &StackedDecoders,
    config: &SeparateConfig,
) -> Latents {
    let leaf = |(source, h): (usize, &Tensor<3>)| {
        let own = |segment: &Segment| {
            let places = &segment.places;
            h.clone().narrow(2, places.start, places.len())
        };
        let own = match share.as_slice() {
            [only] => own(only),
            all => Tensor::cat(all.iter().map(own).collect(), 2),
        };
        match decoders.is_multiplicative(source, config) {
            // an update multiplies: from zero nothing comes back
            true => Activations::new(own.clamp_min(LEAST_START), ActivationForm::Nonnegative),
            false => Activations::new(own, config.activations),
        }
    };
    Latents {
        sources: initial.iter().enumerate().map(leaf).collect(),
    }
}

/// Activations that start lower start at this where they are updated multiplicatively.
const LEAST_START: f64 = 1e-2;

/// What belongs to one thread's frames besides their activations.
pub(super) struct Chunk {
    target: Target,
    optimizer: ModuleOptimizer,
    /// Frames of a segment.
    segment: usize,
    /// For every source with multiplicative updates the gradient of what grows with its activations.
    growing: Vec<Option<Tensor<3>>>,
}

impl Chunk {
    /// - `share`: the chunk's segments, of those in `all` shares
    fn new(
        items: &[BatchItem<'_>],
        share: &Share,
        all: &[Share],
        decoders: &StackedDecoders,
    ) -> Self {
        // every item has the first one's settings and device
        let solver = items[0].solver;
        let config = &solver.config;
        let spectrum = |segment: &Segment| {
            let own = |item: &BatchItem<'_>| {
                let end = segment.places.end.min(item.mixture.frames());
                let frames: Vec<usize> = (segment.places.start.min(end)..end).collect();
                item.mixture.select(&frames)
            };
            let own: Vec<Magnitude> = items.iter().map(own).collect();
            let own = own.iter().zip(items).map(|(own, item)| (own, item.gain));
            let own: Vec<_> = own.collect();
            upload(&own, decoders.compression, &solver.autodiff_device)
        };
        let spectrum = match share.as_slice() {
            [only] => spectrum(only),
            all => Tensor::cat(all.iter().map(spectrum).collect(), 2),
        };
        let target = Target::new(spectrum, config.eps);
        let segment = share.first().map_or(0, |segment| segment.places.len());
        let mut chunk = Self {
            target: counting(target, items, share, all),
            optimizer: config.optimizer.build(&config.rprop),
            segment,
            growing: Vec::new(),
        };
        let sources = 0..decoders.decoders.len();
        let growing = sources.map(|source| {
            let is_multiplicative = decoders.is_multiplicative(source, config);
            is_multiplicative.then(|| chunk.growing_part(decoders, source, config))
        });
        chunk.growing = growing.collect();
        chunk
    }

    /// Takes notice of other bases of a source whose updates are multiplicative.
    pub fn bases_changed(
        &mut self,
        decoders: &StackedDecoders,
        source: usize,
        config: &SeparateConfig,
    ) {
        self.growing[source] = Some(self.growing_part(decoders, source, config));
    }

    /// The gradient, with respect to a source's activations, of the part of the objective that grows
    /// with them. Its decoder is linear: it is the same everywhere.
    fn growing_part(
        &self,
        decoders: &StackedDecoders,
        source: usize,
        config: &SeparateConfig,
    ) -> Tensor<3> {
        let decoder = &decoders.decoders[source];
        let [items, _, frames] = self.target.spectrum.dims();
        let options = (&self.target.spectrum.device(), self.target.spectrum.dtype());
        let h = Tensor::<3>::ones([items, decoder.rank(), frames], options).require_grad();
        let estimate = decoder.decode_segments(h.clone(), self.segment);
        let penalty = decoders.penalties[source];
        let penalty = (penalty > 0.0).then(|| self.penalty(estimate.clone(), penalty));
        let growing = growing(&self.target, estimate, [&h], &[config.sparsity]).sum();
        let growing = penalty.into_iter().fold(growing, |a, b| a + b);
        let gradients = growing.backward();
        h.grad(&gradients).unwrap_or_else(|| h.inner().zeros_like())
    }

    /// `λ·mean X̂` of a source's estimate: grows with it as the divergence does, whatever the level.
    fn penalty(&self, estimate: Tensor<3>, lambda: f64) -> Tensor<1> {
        self.target.mean_of(estimate).mul_scalar(lambda)
    }

    /// The gradients, with respect to some sources' bases, of the objective and of the part of it that
    /// grows with them, `[bins, rank]` each.
    ///
    /// - `first`: the first of these sources, which are the last ones
    /// - `bases`: their bases, `[1, bins, rank]` each
    pub fn bases_gradients(
        &self,
        latents: &Latents,
        decoders: &StackedDecoders,
        first: usize,
        bases: &[Tensor<3>],
    ) -> Vec<[Tensor<3>; 2]> {
        let values = latents.sources.iter().map(|own| own.value().inner());
        let values: Vec<Tensor<3>> = values.map(Tensor::from_inner).collect();
        let known = decoders.decode(&values[..first], self.segment);
        let known = known.into_iter().reduce(|a, b| a + b);
        // one graph each: a graph is used up by its backward pass
        let product = || {
            let leaf = |w: &Tensor<3>| Tensor::from_inner(w.clone()).require_grad();
            let leaves: Vec<Tensor<3>> = bases.iter().map(leaf).collect();
            let products = leaves.iter().zip(&values[first..]);
            let products = products.map(|(w, h)| matmul(w.clone(), h.clone()));
            let sum = products.reduce(|a, b| a + b)?;
            Some((leaves, sum))
        };
        let (Some((leaves, free)), Some((others, alone))) = (product(), product()) else {
            return Vec::new();
        };
        let estimate = match known {
            Some(known) => free + Tensor::from_inner(known.inner()),
            None => free,
        };
        let loss = objective(&self.target, estimate, [], &[0.0], LossOutput::GradientOnly);
        let gradients = loss.sum().backward();
        let growing = self.target.mean_of(alone).sum().backward();
        let of = |(leaf, other): (&Tensor<3>, &Tensor<3>)| {
            let zeros = |leaf: &Tensor<3>| leaf.clone().inner().zeros_like();
            [(leaf, &gradients), (other, &growing)]
                .map(|(leaf, all)| leaf.grad(all).unwrap_or_else(|| zeros(leaf)))
        };
        leaves.iter().zip(&others).map(of).collect()
    }

    /// Takes one step; returns the new activations and every item's loss, `[items]`.
    pub fn step(
        &mut self,
        latents: Latents,
        decoders: &StackedDecoders,
        config: &SeparateConfig,
        step: Step,
    ) -> (Latents, Option<Tensor<1>>) {
        let values: Vec<_> = latents.sources.iter().map(Activations::value).collect();
        let estimates = decoders.decode(&values, self.segment);
        let penalties = estimates.iter().zip(&decoders.penalties);
        let penalties = penalties.filter(|(_, penalty)| **penalty > 0.0);
        let penalties =
            penalties.map(|(estimate, &penalty)| self.penalty(estimate.clone(), penalty));
        let penalty = penalties.reduce(|a, b| a + b);
        let Some(estimate) = estimates.into_iter().reduce(|a, b| a + b) else {
            return (latents, None);
        };
        let lambdas = [config.sparsity];
        let losses = objective(
            &self.target,
            estimate,
            &values,
            &lambdas,
            step.loss_output(),
        );
        let losses = match penalty {
            Some(penalty) => losses + penalty,
            None => losses,
        };
        let mut gradients = GradientsParams::from_grads(losses.clone().sum().backward(), &latents);
        let latents = self.updated(latents, &mut gradients);
        let rate = config
            .schedule
            .rate(config.learning_rate, step.number, config.max_steps);
        let stepped = self.optimizer.step(rate, latents, gradients);
        let projected = stepped.sources.into_iter().map(Activations::projected);
        let latents = Latents {
            sources: projected.collect(),
        };
        (latents, Some(losses.inner()))
    }

    /// Activations after their multiplicative updates, whose gradients are taken out of all.
    fn updated(&self, latents: Latents, gradients: &mut GradientsParams) -> Latents {
        let sources = latents.sources.into_iter().zip(&self.growing);
        let updated = sources.map(|(activations, growing)| {
            let Some(growing) = growing else {
                return activations;
            };
            match gradients.remove::<3>(activations.leaf.id) {
                None => activations,
                Some(gradient) => activations.multiplied(factor(gradient, growing.clone())),
            }
        });
        Latents {
            sources: updated.collect(),
        }
    }
}

/// A target whose objective is over the frames of the mixtures that count in some segments.
fn counting(target: Target, items: &[BatchItem<'_>], share: &Share, all: &[Share]) -> Target {
    let lengths = all.iter().flatten().map(|segment| segment.places.len());
    let total: usize = lengths.sum();
    let is_plain = |segment: &Segment| segment.counted == segment.places;
    if let [segment] = share.as_slice()
        && all.iter().flatten().all(is_plain)
    {
        let own = |item: &BatchItem<'_>| {
            let end = segment.places.end.min(item.mixture.frames());
            end.saturating_sub(segment.places.start)
        };
        let counts: Vec<usize> = items.iter().map(own).collect();
        return target.padded(&counts).part_of(total);
    }
    let counts = |item: &BatchItem<'_>, share: &Share| -> Vec<bool> {
        let frames = item.mixture.frames();
        let of_segment = |segment: &Segment| {
            let Segment {
                places, counted, ..
            } = segment.clone();
            places.map(move |place| counted.contains(&place) && place < frames)
        };
        share.iter().flat_map(of_segment).collect()
    };
    let factor = |item: &BatchItem<'_>| {
        let counted = all.iter().flat_map(|share| counts(item, share));
        total as f64 / counted.filter(|counts| *counts).count().max(1) as f64
    };
    let counted: Vec<bool> = items.iter().flat_map(|item| counts(item, share)).collect();
    target
        .counting(&counted, items.iter().map(factor).collect())
        .part_of(total)
}
