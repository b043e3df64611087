//! Where in a recording a model's source sounds alone.
//!
//! A model reproduces its own source closely and other sounds less so. With free activations of its
//! frozen decoder every frame has a divergence `D(X‖X̂)` relative to its sum, `Σ_f D / Σ_f X`. Averaged over
//! half a second it is lowest where nothing but the source sounds; stretches are taken whose average is near
//! the lowest of the recording. With rooms that they were not trained in, models of voices had 5 to 8 %
//! for their own voice, 13 to 14 % for another, but 7 to 9 % for birds and wind: whether the source is there at
//! all is the user's to know. Another room or microphone raises it everywhere alike, so no fixed
//! limit tells the source from others, except for recordings that the model does not describe at all.

use burn::tensor::{Device, Tensor};
use nae_audio::{Stft, without_offset};
use nae_model::loss::{DEFAULT_EPS, Target};
use nae_model::spectra::{level, read, upload};
use nae_model::{Latent, Model};

use crate::error::TrainError;
use crate::free_activations::fitted;

/// Frames more than this below the loudest are pauses, in dB.
const PAUSE_DB: f64 = -35.0;

/// Seconds to both sides that divergences are averaged over.
const HALF_WINDOW_S: f64 = 0.25;

/// The divergence that others are compared with is that of the best tenth of all frames.
const BEST: f64 = 0.1;

/// A stretch has at most this times that divergence.
const NEAR: f64 = 1.3;

/// A recording whose best tenth has more is none of the source.
const MOST: f64 = 0.09;

/// Length of a stretch at least, in seconds.
pub const LEAST_S: f64 = 0.4;

/// Frames that are explained at a time.
const BLOCK: usize = 4096;

/// A stretch of a recording in which a source seems to sound alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Its beginning in seconds.
    pub start_s: f64,
    /// Its end in seconds.
    pub end_s: f64,
    /// Divergence of the model's fit over the sum of the spectrum.
    pub divergence: f64,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The stretches, in order.
    pub stretches: Vec<Stretch>,
    /// Relative divergence of the best tenth of all frames.
    pub best: f64,
}

impl Found {
    /// Whether the model describes the recording well enough anywhere.
    pub fn is_described(&self) -> bool {
        self.best <= MOST
    }
}

/// Looks for stretches in which the model's source sounds alone.
///
/// - `samples`: mono, at the model's rate
///
/// # Errors
/// [`TrainError`] from the transform or a diverging run.
pub fn find(model: &Model, samples: &[f32], device: &Device) -> Result<Found, TrainError> {
    let audio = &model.metadata.audio;
    let centred = without_offset(samples, audio.sample_rate);
    let magnitude = Stft::new(audio.stft())?.analyze(&centred)?.magnitude();
    let frames = magnitude.frames();
    let mut active = vec![false; frames];
    for frame in magnitude.active_frames(PAUSE_DB as f32) {
        active[frame] = true;
    }
    let level = level(&magnitude, PAUSE_DB as f32);
    if level <= 0.0 {
        return Ok(Found {
            stretches: Vec::new(),
            best: f64::INFINITY,
        });
    }
    let autodiff_device = device.clone().autodiff();
    let decoder = model.network.decoder(Latent::Bottleneck, &autodiff_device);
    let compression = model.metadata.architecture.compression();
    let (mut divergences, mut totals) = (Vec::new(), Vec::new());
    for start in (0..frames).step_by(BLOCK) {
        let block: Vec<usize> = (start..(start + BLOCK).min(frames)).collect();
        let part = magnitude.select(&block);
        let x = upload(&[(&part, 1.0 / level)], compression, &autodiff_device);
        let target = Target::new(x.clone(), DEFAULT_EPS);
        let activations = fitted(&decoder, &target)?;
        let estimate = decoder.decode(Tensor::from_inner(activations)).inner();
        let x = x.inner();
        let (floor, sum) = (DEFAULT_EPS, |x: Tensor<3>| read(x.sum_dim(1)));
        let logs = x.clone().add_scalar(floor).log() - estimate.clone().add_scalar(floor).log();
        divergences.extend(sum(x.clone() * logs - x.clone() + estimate)?);
        totals.extend(sum(x)?);
    }
    let frame_s = audio.hop as f64 / f64::from(audio.sample_rate);
    let of_frame = Frames {
        divergences,
        totals,
        active,
    };
    let duration_s = samples.len() as f64 / f64::from(audio.sample_rate);
    Ok(of_frame.stretches(frame_s, duration_s))
}

/// One number of each for every frame.
struct Frames {
    divergences: Vec<f32>,
    totals: Vec<f32>,
    /// Whether it is no pause.
    active: Vec<bool>,
}

impl Frames {
    /// Divergence over the spectrum's sum of some frames, pauses left out; none for a pause.
    fn relative(&self, range: std::ops::Range<usize>) -> Option<f64> {
        let active = range.filter(|&frame| self.active[frame]);
        let add = |(divergence, total): (f64, f64), frame: usize| {
            (
                divergence + f64::from(self.divergences[frame]),
                total + f64::from(self.totals[frame]),
            )
        };
        let (divergence, total) = active.fold((0.0, 0.0), add);
        (total > 0.0).then(|| divergence / total)
    }

    /// - `frame_s`: from one frame to the next
    fn stretches(&self, frame_s: f64, duration_s: f64) -> Found {
        let frames = self.active.len();
        let half = (HALF_WINDOW_S / frame_s).round() as usize;
        let near = |frame: usize| {
            self.relative(frame.saturating_sub(half)..(frame + half + 1).min(frames))
        };
        let smoothed: Vec<Option<f64>> = (0..frames).map(near).collect();
        let active = smoothed.iter().zip(&self.active);
        let mut sorted: Vec<f64> = active
            .filter_map(|(d, active)| d.filter(|_| *active))
            .collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let best = sorted.get((sorted.len() as f64 * BEST) as usize).copied();
        let best = best.unwrap_or(f64::INFINITY);
        let is_near = |d: &Option<f64>| d.is_some_and(|d| d <= NEAR * best);
        let mut stretches = Vec::new();
        let mut start = None;
        for frame in 0..=frames {
            let is_in = smoothed.get(frame).is_some_and(is_near);
            match (is_in, start) {
                (true, None) => start = Some(frame),
                (false, Some(from)) => {
                    start = None;
                    stretches.extend(self.stretch(from..frame, (frame_s, duration_s)));
                }
                _ => {}
            }
        }
        Found { stretches, best }
    }

    /// A stretch without the pauses at its ends, if it is long enough.
    fn stretch(
        &self,
        range: std::ops::Range<usize>,
        (frame_s, duration_s): (f64, f64),
    ) -> Option<Stretch> {
        let is_active = |frame: &usize| self.active[*frame];
        let first = range.clone().find(is_active)?;
        let last = range.rev().find(is_active)?;
        // frame t is centred near t hops
        let (start_s, end_s) = (
            (first as f64 - 0.5) * frame_s,
            (last as f64 + 0.5) * frame_s,
        );
        let (start_s, end_s) = (start_s.max(0.0), end_s.min(duration_s));
        let divergence = self.relative(first..last + 1)?;
        (end_s - start_s >= LEAST_S).then_some(Stretch {
            start_s,
            end_s,
            divergence,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames a hundredth of a second apart.
    fn found(parts: &[(usize, f32)]) -> Found {
        let frames = parts.iter().flat_map(|&(n, d)| std::iter::repeat_n(d, n));
        let divergences: Vec<f32> = frames.collect();
        let of_frame = Frames {
            // a pause has none
            active: divergences.iter().map(|&d| d > 0.0).collect(),
            totals: vec![1.0; divergences.len()],
            divergences,
        };
        let seconds = of_frame.active.len() as f64 * 0.01;
        of_frame.stretches(0.01, seconds)
    }

    #[test]
    fn what_is_explained_best_is_taken_without_the_pauses_at_its_ends() {
        let found = found(&[(100, 0.1), (50, 0.0), (200, 0.02), (60, 0.0), (100, 0.09)]);
        assert!(found.is_described());
        let [only] = found.stretches.as_slice() else {
            panic!("{found:?}");
        };
        // the average at the ends has frames of both sides
        assert!((only.start_s - 1.5).abs() < 0.3 && (only.end_s - 3.5).abs() < 0.3);
        assert!((only.divergence - 0.02).abs() < 1e-3, "{only:?}");
    }

    #[test]
    fn a_recording_without_the_source_is_told() {
        assert!(!found(&[(300, 0.4)]).is_described());
        assert!(!found(&[(300, 0.0)]).is_described());
    }

    #[test]
    fn moments_are_no_stretches() {
        let found = found(&[(200, 0.2), (30, 0.0001), (200, 0.2)]);
        assert!(
            found
                .stretches
                .iter()
                .all(|s| s.end_s - s.start_s >= LEAST_S)
        );
    }
}
