//! Training a network through frozen decoders.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use nae_kernels::{Activation, DivergenceOptions, LossOutput, Parallelism, divergence, mask_loss};
use nae_model::ModelError;
use nae_model::init::from_host;
use nae_model::loss::DEFAULT_EPS;
use nae_model::optim::{Adam, Descent, Flow, Plan, Progress, Schedule, descend};
use nae_model::random::generator;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use rayon::prelude::*;

use crate::decoders::Decoders;
use crate::error::JointError;
use crate::network::Network;
use crate::scenes::{Batch, Scenes, Side};
use crate::settings::{JointConfig, LossKind};

/// Held-back mixtures that a window is judged by.
const JUDGED: usize = 24;

/// Minimises the loss of masks over the network's weights.
///
/// # Errors
/// [`JointError::Descent`] if the loss stops being finite.
pub fn fit(
    network: Network,
    decoders: &Decoders,
    scenes: &Scenes,
    config: &JointConfig,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(&Progress) -> Flow,
) -> Result<Descent<Network>, JointError> {
    let frames = config.frames;
    let columns = config.mixtures * frames;
    let parts = Parallelism::Frames.parts(columns, frames, device);
    let dropout = Dropout::new(config.dropout, generator(seed, "dropout"));
    let judges = (config.held_back > 0.0).then(|| {
        let plain = device.clone().inner();
        scenes.draw(0, 0..JUDGED, Side::HeldBack, &plain)
    });
    let still = decoders.to_device(&device.clone().inner());
    let mut optimizer = ModuleOptimizer::from(Adam {
        decay: config.weight_decay,
    });
    let plan = Plan {
        stage: "joining",
        max_steps: config.steps,
        window: config.window,
        judged: if judges.is_some() { 1 } else { config.window },
        tolerance: config.tolerance,
    };
    let mut runs = descend(
        plan,
        1,
        network,
        |network, step| {
            let wanted = match judges {
                None => LossOutput::ValueAndGradient,
                Some(_) => LossOutput::GradientOnly,
            };
            // each thread has a network of its own on a tape of its own, with the same values
            let of_part = |part: &std::ops::Range<usize>| {
                let network = network.clone().fork(device);
                let mixtures = part.start / frames..part.end / frames;
                let factors =
                    dropout.factors(config.width, frames, step.number, mixtures.clone(), device);
                let batch = scenes.draw(step.number, mixtures, Side::Learnt, device);
                let share = part.len() as f64 / columns as f64;
                let activations = network.forward(batch.input.clone(), frames, factors);
                let loss = objective(decoders, activations, batch, config.loss, share, wanted);
                let gradients = GradientsParams::from_grads(loss.backward(), &network);
                (loss.inner(), gradients)
            };
            let found: Vec<_> = parts.par_iter().map(of_part).collect();
            let mut sum = GradientsAccumulator::new();
            let mut losses = Vec::with_capacity(found.len());
            for (loss, gradients) in found {
                sum.accumulate(&network, gradients);
                losses.push(loss);
            }
            let rate = Schedule::Cosine.rate(config.learning_rate, step.number, config.steps);
            let network = optimizer.step(rate, network, sum.grads());
            let loss = match &judges {
                None => losses.into_iter().reduce(|a, b| a + b),
                // what is held back judges a window by its last step
                Some(batch) => step.is_judged.then(|| {
                    let network = network.clone().valid();
                    let activations = network.forward(batch.input.clone(), frames, None);
                    let wanted = LossOutput::ValueAndGradient;
                    objective(&still, activations, batch.clone(), config.loss, 1.0, wanted)
                }),
            };
            (network, loss)
        },
        observe,
    )?;
    match runs.pop() {
        Some(run) => Ok(run?),
        None => Err(ModelError::Device("the optimisation came back empty".into()).into()),
    }
}

/// The loss of some mixtures, their share of all.
///
/// # Shapes
/// - `activations`: `[Σ rank, mixtures·frames]`
/// - output: `[1]`
fn objective(
    decoders: &Decoders,
    activations: Tensor<2>,
    batch: Batch,
    kind: LossKind,
    share: f64,
    wanted: LossOutput,
) -> Tensor<1> {
    let estimates: Tensor<3> = Tensor::stack(decoders.amplitudes(activations), 0);
    match kind {
        LossKind::Mask => mask_loss(estimates, batch.mixture, batch.targets, share),
        LossKind::Kl => {
            let powers = estimates.square().add_scalar(DEFAULT_EPS);
            let masks = powers.clone() / powers.sum_dim(0);
            let products = masks * batch.mixture.unsqueeze_dim(0);
            let options = DivergenceOptions {
                eps: DEFAULT_EPS,
                weight: share,
                output: wanted,
            };
            divergence(products, batch.targets, Activation::Identity, options).mean()
        }
    }
}

/// Silences units at random and makes the others louder by as much.
struct Dropout {
    /// Of 256.
    silenced: u32,
    key: [u8; 32],
}

impl Dropout {
    fn new(share: f64, mut rng: ChaCha8Rng) -> Self {
        Self {
            silenced: (share * 256.0).round() as u32,
            key: rng.random(),
        }
    }

    /// Factors for the units of some mixtures in one step: the same however they are shared out.
    ///
    /// # Shapes
    /// - output: `[width, mixtures·frames]`
    fn factors(
        &self,
        width: usize,
        frames: usize,
        step: usize,
        mixtures: std::ops::Range<usize>,
        device: &Device,
    ) -> Option<Tensor<2>> {
        if self.silenced == 0 {
            return None;
        }
        let columns = mixtures.len() * frames;
        let kept = 256.0 / (256 - self.silenced) as f32;
        let mut factors = vec![0.0f32; width * columns];
        let mut bytes = vec![0u8; width * frames];
        for (i, mixture) in mixtures.enumerate() {
            let mut rng = ChaCha8Rng::from_seed(self.key);
            rng.set_stream((step as u64) << 24 | mixture as u64);
            rng.fill_bytes(&mut bytes);
            for (row, bytes) in factors
                .chunks_exact_mut(columns)
                .zip(bytes.chunks_exact(frames))
            {
                for (factor, byte) in row[i * frames..].iter_mut().zip(bytes) {
                    *factor = if u32::from(*byte) < self.silenced {
                        0.0
                    } else {
                        kept
                    };
                }
            }
        }
        Some(from_host(factors, [width, columns], device))
    }
}
