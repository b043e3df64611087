//! What a run will cost, estimated from shapes.

use nae_metrics::scores::Family;
use nae_model::ModelKind;

use crate::cell::{Separation, Training};
use crate::manifest::Manifest;

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

impl Manifest {
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
