//! Mixtures made on the fly, as spectra.
//!
//! The transform is linear: every source's sound is transformed once (at every speed), and a
//! mixture is a sum of complex spectra from random places at random levels.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use nae_audio::{Spectrogram, Stft, resample};
use nae_model::AudioConfig;
use nae_model::init::from_host;
use nae_model::random::generator;
use nae_model::spectra::level_of;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

use crate::error::JointError;
use crate::settings::JointConfig;

/// Frames that are not silent, which a source needs at least.
pub const MIN_FRAMES: usize = 64;

/// Mixtures that a network's input is measured on.
const EXAMPLES: usize = 24;

/// Rate that speeds are counted in: thousandths, so that resampling ratios stay simple.
const UNIT_RATE: f64 = 1000.0;

/// Frames of a source's sound that are used at most (80 s at the default hop): every speed and shift
/// of it is kept.
pub const MAX_FRAMES: usize = 5000;

/// Places of the frames within a hop at which sounds are transformed: otherwise the same few
/// spectra would come again and again.
const SHIFTS: usize = 4;

/// Complex spectra, a row a bin.
struct Plane {
    frames: usize,
    re: Vec<f32>,
    im: Vec<f32>,
}

/// One source's sound at every speed and shift.
struct Sound {
    planes: Vec<Plane>,
    /// Brings it to unit level.
    gain: f32,
}

/// Which part of the sources' sound mixtures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What is learnt from.
    Learnt,
    /// What is held back.
    HeldBack,
}

/// Several mixtures, one after the other.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What the network reads, `[bins, mixtures·frames]`.
    pub input: Tensor<2>,
    /// Magnitudes at the models' level, `[bins, mixtures·frames]`.
    pub mixture: Tensor<2>,
    /// Of every source what is in phase with the mixture, `clamp(|S|·cos Δφ, 0, |X|)`,
    /// `[sources, bins, mixtures·frames]`.
    pub targets: Tensor<3>,
}

/// Draws mixtures.
pub struct Scenes {
    sounds: Vec<Arc<Sound>>,
    bins: usize,
    config: JointConfig,
    key: [u8; 32],
}

impl Scenes {
    /// Transforms the sources' clips at every speed and shift.
    ///
    /// - `clips`: name and clips of every source, mono at the models' rate; what goes beyond
    ///   [`MAX_FRAMES`] is left out
    ///
    /// # Errors
    /// [`JointError::TooShort`], or [`JointError::Audio`] from resampling and transforms.
    pub fn new(
        clips: &[(String, Vec<Vec<f32>>)],
        audio: &AudioConfig,
        config: &JointConfig,
        seed: u64,
    ) -> Result<Self, JointError> {
        let stft = Stft::new(audio.stft())?;
        let sounds = clips.par_iter().map(|(name, clips)| {
            let clips = first_samples(clips, MAX_FRAMES * audio.hop);
            let mut gain = 0.0;
            let mut planes = Vec::with_capacity(config.speed_perturbation.len());
            for speed in &config.speed_perturbation {
                let rate = (UNIT_RATE * speed).round() as u32;
                let clips = clips
                    .iter()
                    .map(|clip| Ok(resample(clip, rate, UNIT_RATE as u32)?))
                    .collect::<Result<Vec<_>, JointError>>()?;
                for shift in 0..SHIFTS {
                    let skipped = audio.hop * shift / SHIFTS;
                    let spectra = clips
                        .iter()
                        .map(|clip| Ok(stft.analyze(clip.get(skipped..).unwrap_or_default())?))
                        .collect::<Result<Vec<_>, JointError>>()?;
                    let plane = Plane::new(&spectra, audio.stft().bins());
                    if planes.is_empty() {
                        gain = plane.gain(name, audio.stft().bins(), config)?;
                    }
                    planes.push(plane);
                }
            }
            Ok(Arc::new(Sound { planes, gain }))
        });
        Ok(Self {
            sounds: sounds.collect::<Result<_, JointError>>()?,
            bins: audio.stft().bins(),
            config: config.clone(),
            key: generator(seed, "mixtures").random(),
        })
    }

    /// What a network's input is measured on, `[bins, frames]`.
    pub(crate) fn examples(&self, device: &Device) -> Tensor<2> {
        self.draw(0, 0..EXAMPLES, Side::Learnt, device).input
    }

    /// Mixtures of some of the sources, by their places.
    pub fn of(&self, sources: &[usize]) -> Self {
        let sounds = sources.iter().filter_map(|&i| self.sounds.get(i));
        Self {
            sounds: sounds.cloned().collect(),
            bins: self.bins,
            config: self.config.clone(),
            key: self.key,
        }
    }

    /// Mixtures number `mixtures` of step number `step`; the same numbers give the same mixtures.
    pub fn draw(&self, step: usize, mixtures: Range<usize>, side: Side, device: &Device) -> Batch {
        let frames = self.config.frames;
        let columns = mixtures.len() * frames;
        let (bins, sources) = (self.bins, self.sounds.len());
        let mut mixture = vec![0.0f32; bins * columns];
        let mut targets = vec![0.0f32; sources * bins * columns];
        for (i, number) in mixtures.enumerate() {
            let mut rng = ChaCha8Rng::from_seed(self.key);
            let side_bit = u64::from(side == Side::HeldBack) << 63;
            rng.set_stream(side_bit | (step as u64) << 24 | number as u64);
            let takes = self.takes(&mut rng, side);
            self.mix(&takes, columns, i * frames, &mut mixture, &mut targets);
        }
        let scale = 1.0 / (bins.max(2) - 1) as f32;
        let input = mixture
            .iter()
            .map(|x| compressed(x * scale.sqrt(), self.config.compression as f32))
            .collect();
        Batch {
            input: from_host(input, [bins, columns], device),
            mixture: from_host(mixture, [bins, columns], device),
            targets: from_host(targets, [sources, bins, columns], device),
        }
    }

    /// Of every source a random plane, place and level.
    fn takes(&self, rng: &mut ChaCha8Rng, side: Side) -> Vec<Take<'_>> {
        let takes = self.sounds.iter().map(|sound| {
            let plane = &sound.planes[rng.random_range(0..sound.planes.len())];
            let held = (plane.frames as f64 * self.config.held_back).round() as usize;
            let range = match side {
                Side::Learnt => 0..plane.frames - held,
                Side::HeldBack => plane.frames - held..plane.frames,
            };
            // a source shorter than a mixture comes again from its start
            let last = range.len().saturating_sub(self.config.frames);
            let start = range.start + rng.random_range(0..=last);
            let db = self.config.level_db * rng.random_range(-1.0..=1.0f64);
            Take {
                plane,
                start,
                range,
                gain: sound.gain * 10f32.powf(db as f32 / 20.0),
            }
        });
        takes.collect()
    }

    /// Mixes one scene into columns `first..first + frames`.
    fn mix(
        &self,
        takes: &[Take<'_>],
        columns: usize,
        first: usize,
        mixture: &mut [f32],
        targets: &mut [f32],
    ) {
        let (bins, frames) = (self.bins, self.config.frames);
        let mut parts = vec![(vec![0.0f32; frames], vec![0.0f32; frames]); takes.len()];
        let (mut re, mut im) = (vec![0.0f32; frames], vec![0.0f32; frames]);
        let mut energies = vec![0.0f64; frames];
        for bin in 0..bins {
            re.fill(0.0);
            im.fill(0.0);
            for (take, (of_re, of_im)) in takes.iter().zip(&mut parts) {
                take.row(bin, of_re, of_im);
                add(&mut re, of_re);
                add(&mut im, of_im);
            }
            let row = &mut mixture[bin * columns + first..][..frames];
            for ((x, re), im) in row.iter_mut().zip(&re).zip(&im) {
                *x = (re * re + im * im).sqrt();
            }
            for (energy, x) in energies.iter_mut().zip(&*row) {
                *energy += f64::from(x * x);
            }
            // from here on a unit vector along the mixture
            for ((re, im), x) in re.iter_mut().zip(&mut im).zip(&*row) {
                let inverse = 1.0 / x.max(1e-20);
                *re *= inverse;
                *im *= inverse;
            }
            for (source, (of_re, of_im)) in parts.iter().enumerate() {
                let target = &mut targets[(source * bins + bin) * columns + first..][..frames];
                let mixture = row.iter().zip(re.iter().zip(&im));
                let part = of_re.iter().zip(of_im);
                for ((target, (x, (re, im))), (of_re, of_im)) in
                    target.iter_mut().zip(mixture).zip(part)
                {
                    *target = (of_re * re + of_im * im).max(0.0).min(*x);
                }
            }
        }
        // to the level at which mixtures are separated
        let level = level_of(&energies, bins, self.config.silence_db as f32);
        if level > 0.0 {
            let gain = ((takes.len() as f64).sqrt() / level) as f32;
            for row in mixture.chunks_exact_mut(columns) {
                scale(&mut row[first..first + frames], gain);
            }
            for row in targets.chunks_exact_mut(columns) {
                scale(&mut row[first..first + frames], gain);
            }
        }
    }
}

/// As many clips as have `samples` samples together, the last one cut short.
fn first_samples(clips: &[Vec<f32>], samples: usize) -> Vec<&[f32]> {
    let mut left = samples;
    let cut = clips.iter().map(|clip| {
        let part = &clip[..clip.len().min(left)];
        left -= part.len();
        part
    });
    cut.filter(|part| !part.is_empty()).collect()
}

/// Where a source's part of a mixture comes from.
struct Take<'a> {
    plane: &'a Plane,
    start: usize,
    range: Range<usize>,
    gain: f32,
}

impl Take<'_> {
    /// One bin's frames, from `start` on and round to the start of the range, times the gain.
    fn row(&self, bin: usize, re: &mut [f32], im: &mut [f32]) {
        let frames = self.plane.frames;
        for (from, to) in [(&self.plane.re, re), (&self.plane.im, im)] {
            let row = &from[bin * frames..(bin + 1) * frames];
            let (mut at, mut done) = (self.start, 0);
            while done < to.len() {
                let count = (self.range.end - at).min(to.len() - done);
                for (to, from) in to[done..done + count].iter_mut().zip(&row[at..]) {
                    *to = self.gain * from;
                }
                done += count;
                at = self.range.start;
            }
        }
    }
}

impl Plane {
    fn new(spectra: &[Spectrogram], bins: usize) -> Self {
        let frames = spectra.iter().map(Spectrogram::frames).sum();
        let (mut re, mut im) = (vec![0.0; bins * frames], vec![0.0; bins * frames]);
        let all = spectra
            .iter()
            .flat_map(|part| (0..part.frames()).map(|t| part.frame(t)));
        for (t, frame) in all.enumerate() {
            for (f, z) in frame.iter().enumerate() {
                re[f * frames + t] = z.re;
                im[f * frames + t] = z.im;
            }
        }
        Self { frames, re, im }
    }

    /// What brings the sound to unit level, if there is enough of it.
    fn gain(&self, name: &str, bins: usize, config: &JointConfig) -> Result<f32, JointError> {
        let mut energies = vec![0.0f64; self.frames];
        let rows = self.re.chunks_exact(self.frames.max(1));
        for (re, im) in rows.zip(self.im.chunks_exact(self.frames.max(1))) {
            for ((energy, re), im) in energies.iter_mut().zip(re).zip(im) {
                *energy += f64::from(re * re + im * im);
            }
        }
        let loudest = energies.iter().copied().fold(0.0, f64::max);
        let floor = loudest * 10f64.powf(config.silence_db / 10.0);
        let active = energies.iter().filter(|&&e| e > 0.0 && e >= floor).count();
        if active < MIN_FRAMES {
            return Err(JointError::TooShort {
                name: name.into(),
                frames: active,
                needed: MIN_FRAMES,
            });
        }
        Ok((1.0 / level_of(&energies, bins, config.silence_db as f32)) as f32)
    }
}

/// `x^exponent`.
pub(crate) fn compressed(x: f32, exponent: f32) -> f32 {
    if exponent == 0.5 {
        x.sqrt()
    } else if exponent == 0.25 {
        x.sqrt().sqrt()
    } else {
        x.powf(exponent)
    }
}

fn add(sum: &mut [f32], part: &[f32]) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum += part;
    }
}

fn scale(values: &mut [f32], gain: f32) {
    for value in values {
        *value *= gain;
    }
}
