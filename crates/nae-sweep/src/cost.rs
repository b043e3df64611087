//! The time of a run, estimated from the shapes of its models.

use nae_joint::{BodyKind, TemporalContext};
use nae_model::Architecture;
use nae_model::architecture::{Cost, TrainingMethod};

use crate::cell::{Cell, CellKind, Joining, Separation, Training};
use crate::manifest::Manifest;
use crate::stand_in::StandIn;
use crate::system_config::{BASES_EACH, Join, SystemConfig};

/// Floating-point operations a second that training and separation reach on one core, those that
/// joining reaches, and elements a second of the passes over spectra: fitted to runs on a 2020s server
/// core, within a factor of two elsewhere. `status` corrects them by the cells that are done.
const FLOPS: f64 = 3e10;
const JOINING_FLOPS: f64 = 6e10;
const ELEMENTS: f64 = 4e8;

/// The architectures of a source's models.
fn architectures(config: &SystemConfig) -> Vec<Architecture> {
    let members = config.recipe().members(0).into_iter();
    members
        .map(|member| member.recipe.model.architecture())
        .collect()
}

/// What a source's models cost together: as many multiplications take a frame through as there are
/// weights.
fn models_cost(config: &SystemConfig) -> Cost {
    let costs = architectures(config).into_iter();
    let costs = costs.map(|architecture| architecture.cost(config.audio.stft().bins()));
    let add = |a: Cost, b: Cost| Cost {
        weights: a.weights + b.weights,
        decoder_weights: a.decoder_weights + b.decoder_weights,
        units: a.units + b.units,
    };
    costs.reduce(add).unwrap_or(Cost {
        weights: 0,
        decoder_weights: 0,
        units: 0,
    })
}

/// Rank, and weights of the decoder, of the model that is joined.
fn joined_decoder(config: &SystemConfig) -> (usize, usize) {
    let bins = config.audio.stft().bins();
    let first = architectures(config).into_iter().next();
    first.map_or((0, 0), |architecture| {
        (architecture.rank(), architecture.cost(bins).decoder_weights)
    })
}

/// Weights of a joint encoder's networks for some sources.
fn network_weights(config: &SystemConfig, sources: usize) -> f64 {
    let joint = &config.joint;
    let directions = match joint.context {
        TemporalContext::Bidirectional => 2,
        TemporalContext::Causal => 1,
    };
    let square = joint.width * joint.width;
    // gates of a recurrent unit read the input and the unit's own state
    let (body, units) = match joint.body {
        BodyKind::None => (square, joint.width),
        BodyKind::Conv => (
            joint.blocks * (square + joint.kernel * joint.width),
            joint.width,
        ),
        BodyKind::Gru => (2 * 3 * directions * square, directions * joint.width),
        BodyKind::Lstm => (2 * 4 * directions * square, directions * joint.width),
    };
    let bins = config.audio.stft().bins();
    let each = joint.width * bins + body + units * sources * joined_decoder(config).0;
    (joint.ensemble_size * each) as f64
}

/// Seconds of one core to train one model on so many frames.
fn training_s(config: &SystemConfig, architecture: &Architecture, frames: f64) -> f64 {
    let cost = architecture.cost(config.audio.stft().bins());
    let bins = config.audio.stft().bins() as f64;
    match architecture.training_method() {
        TrainingMethod::MultiplicativeUpdates => {
            let nmf = &config.train.nmf;
            (nmf.updates * nmf.restarts) as f64
                * frames
                * (8.0 * cost.weights as f64 / FLOPS + bins / ELEMENTS)
        }
        TrainingMethod::Gradients => {
            let batch = match config.train.batch_frames {
                0 => frames,
                batch => batch as f64,
            };
            let refined = frames.min(match config.train.refine.max_frames {
                0 => f64::INFINITY,
                most => most as f64,
            });
            let step = |weights: usize, frames: f64| {
                frames * (6.0 * weights as f64 / FLOPS + 2.0 * bins / ELEMENTS)
            };
            config.train.max_steps as f64 * step(cost.weights, batch)
                + config.train.refine.passes as f64 * step(cost.decoder_weights, refined)
        }
    }
}

impl Manifest {
    /// Seconds of a cell on one core.
    pub(crate) fn seconds(&self, cell: Cell) -> f64 {
        match cell.kind {
            CellKind::Model => self.training_s(&self.trainings[cell.index]),
            CellKind::Joint => self.joining_s(&self.joinings[cell.index]),
            CellKind::Scores => self.separation_s(&self.separations[cell.index]),
        }
    }

    /// Bytes that finished cells take on disk: weights in single precision, and a page a result.
    pub fn bytes(&self) -> u64 {
        const RESULT: u64 = 4096;
        let model = |training: &Training| {
            let config = self.config_of(training);
            let bases = training.on.parts().len() * BASES_EACH;
            let weights = match training.on.parts() {
                [] => models_cost(&config).weights,
                _ => bases * config.audio.stft().bins(),
            };
            4 * weights as u64 + 2 * RESULT
        };
        let joint = |joining: &Joining| {
            let config = &self.variants[joining.variant].config;
            let sources = self.pairs[joining.pair].len();
            let decoders = (sources * joined_decoder(config).1) as f64;
            4 * (network_weights(config, sources) + decoders) as u64 + 2 * RESULT
        };
        self.trainings.iter().map(model).sum::<u64>()
            + self.joinings.iter().map(joint).sum::<u64>()
            + RESULT * self.separations.len() as u64
    }

    /// Estimated seconds of one core for a training.
    pub fn training_s(&self, training: &Training) -> f64 {
        if !training.on.parts().is_empty() {
            // bases are put side by side
            return 0.05;
        }
        let config = &*self.config_of(training);
        let rate = f64::from(config.audio.sample_rate);
        let seconds = config.data.train_s.min(crate::dataset::duration_s(
            &self.speakers[training.speaker].train,
        ));
        let frames = seconds * rate / config.audio.hop as f64;
        let architectures = architectures(config);
        let of = |architecture| training_s(config, architecture, frames);
        architectures.iter().map(of).sum()
    }

    /// Estimated seconds of one core for a joining.
    pub fn joining_s(&self, joining: &Joining) -> f64 {
        let config = &self.variants[joining.variant].config;
        let joint = &config.joint;
        let sources = self.pairs[joining.pair].len();
        let frames = (joint.steps * joint.mixtures * joint.frames) as f64;
        // decoders are frozen: no gradient of their weights
        let decoders = (joint.ensemble_size * sources * joined_decoder(config).1) as f64;
        frames * (6.0 * network_weights(config, sources) + 4.0 * decoders) / JOINING_FLOPS
    }

    /// Estimated seconds of one core for a separation with its scores.
    pub fn separation_s(&self, separation: &Separation) -> f64 {
        let config = &self.variants[separation.variant].config;
        let sources = self.pairs[separation.pair].len();
        let frames =
            config.data.mixture_s * f64::from(config.audio.sample_rate) / config.audio.hop as f64;
        let bins = config.audio.stft().bins();
        let without = separation.without_model.iter();
        let free = without.filter(|source| source.by == StandIn::Free).count();
        // every source's models are optimised in runs of their own
        let runs = architectures(config).len() as f64;
        let flops = match config.join {
            Join::No => {
                let with_models =
                    (sources - free.min(sources)) * models_cost(config).decoder_weights;
                let free = runs as usize * free * config.separate.unknown.rank * bins;
                4.0 * (with_models + free) as f64 / runs
            }
            Join::Memories | Join::Clips => {
                let decoders = (sources * joined_decoder(config).1) as f64;
                2.0 * (network_weights(config, sources)
                    + config.joint.ensemble_size as f64 * decoders)
            }
        };
        let steps = match config.join {
            // learning, and then separating
            Join::No if free > 0 => runs * (2 * config.separate.unknown.updates) as f64,
            Join::No => runs * (config.separate.max_steps * config.separate.starts) as f64,
            Join::Memories | Join::Clips => 1.0,
        };
        let scoring: f64 = self
            .metric_groups()
            .iter()
            .map(|group| group.cost_s())
            .sum();
        let scoring = scoring * sources as f64 * config.data.mixture_s;
        match separation.stems.is_empty() {
            true => steps * frames * (flops / FLOPS + 2.0 * bins as f64 / ELEMENTS) + scoring,
            false => scoring,
        }
    }
}
