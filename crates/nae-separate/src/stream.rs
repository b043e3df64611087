//! Long mixtures, block by block, so that memory does not grow with length.

use nae_audio::{AudioError, AudioReader, Blocks, Clip, Crossfade, edge_samples};
use nae_model::optim::{Flow, Progress};

use crate::error::SeparateError;
use crate::separator::Separator;

/// How far a long separation is.
#[derive(Clone, Copy, Debug)]
pub struct BlockProgress {
    /// Number of the block, from 0.
    pub block: u64,
    /// Number of blocks, if the file's header knows its length.
    pub blocks: Option<u64>,
    /// Within the block.
    pub progress: Progress,
}

/// Takes the number of a source and its next finished samples, channel by channel.
pub type WriteStem<'a> = dyn FnMut(usize, &[Vec<f32>]) -> Result<(), AudioError> + 'a;

/// What a separation found.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Samples per channel.
    pub samples: u64,
    /// How far below the mixture the difference between it and the sum of the stems lies.
    pub null: NullDepth,
    /// Largest absolute sample of each stem.
    pub peaks: Vec<f32>,
    /// Loss, the mean over blocks.
    pub loss: f64,
    /// Steps taken in all blocks and runs.
    pub steps: usize,
    /// Whether the observer stopped it; then the stems are incomplete.
    pub is_interrupted: bool,
}

/// Energies of a mixture and of what its stems leave of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NullDepth {
    /// Energy of the mixture, `Σx²`.
    pub mixture: f64,
    /// Energy of the mixture minus the sum of all stems.
    pub rest: f64,
}

impl NullDepth {
    /// Adds one channel's samples.
    pub fn add(&mut self, mixture: &[f32], stems: &[&[f32]]) {
        for (n, &x) in mixture.iter().enumerate() {
            let x = f64::from(x);
            let sum: f64 = stems.iter().map(|stem| f64::from(stem[n])).sum();
            self.mixture += x * x;
            self.rest += (x - sum) * (x - sum);
        }
    }

    /// Energy of the rest relative to the mixture, in dB; −∞ where nothing is left.
    pub fn db(&self) -> f64 {
        if self.rest == 0.0 {
            f64::NEG_INFINITY
        } else {
            10.0 * (self.rest / self.mixture).log10()
        }
    }
}

impl Separator {
    /// Separates everything `reader` gives, in overlapping blocks joined by linear crossfades.
    ///
    /// # Errors
    /// [`SeparateError`] from reading, separating or `write`.
    pub fn separate_stream(
        &self,
        reader: AudioReader,
        write: &mut WriteStem<'_>,
        observe: &mut dyn FnMut(&BlockProgress) -> Flow,
    ) -> Result<Summary, SeparateError> {
        let rate = reader.sample_rate();
        let samples_of = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
        let (block, overlap) = (
            samples_of(self.config.block_s),
            samples_of(self.config.overlap_s),
        );
        let guard = self.guard(rate)?.min(overlap.saturating_sub(1) / 2);
        let blocks = Blocks::new(reader, block, overlap)?;
        let count = blocks.count_hint();
        // the mixture goes through a crossfade of its own, so that it comes out aligned
        let mut fades = vec![Crossfade::new(overlap, guard)?; self.names().len() + 1];
        let mut summary = Summary {
            samples: 0,
            null: NullDepth::default(),
            peaks: vec![0.0; self.names().len()],
            loss: 0.0,
            steps: 0,
            is_interrupted: false,
        };
        let mut done = 0u64;
        for block in blocks {
            let block = block?;
            let mixture = Clip::new(block.channels, rate)?;
            let separated = self.separate(&mixture, &mut |progress| {
                observe(&BlockProgress {
                    block: done,
                    blocks: count,
                    progress: *progress,
                })
            })?;
            if separated.is_interrupted {
                summary.is_interrupted = true;
                break;
            }
            done += 1;
            summary.loss += separated.loss;
            summary.steps += separated.steps;
            let mut finished = Vec::with_capacity(fades.len());
            let clips = separated.stems.into_iter().chain([mixture]);
            for (fade, clip) in fades.iter_mut().zip(clips) {
                finished.push(fade.push(clip.into_channels(), block.is_last)?);
            }
            let Some(mixture) = finished.pop() else {
                continue;
            };
            for (c, x) in mixture.iter().enumerate() {
                let stems: Vec<&[f32]> = finished.iter().map(|stem| stem[c].as_slice()).collect();
                summary.null.add(x, &stems);
            }
            summary.samples += mixture.first().map_or(0, Vec::len) as u64;
            for (i, stem) in finished.iter().enumerate() {
                let peak = stem
                    .iter()
                    .flatten()
                    .fold(0.0f32, |peak, x| peak.max(x.abs()));
                summary.peaks[i] = summary.peaks[i].max(peak);
                write(i, stem)?;
            }
        }
        summary.loss /= done.max(1) as f64;
        Ok(summary)
    }

    /// Samples at a block's ends that hear less than the whole: the resamplers' edges, there and
    /// back, and one frame.
    fn guard(&self, rate: u32) -> Result<usize, SeparateError> {
        let model_rate = self.audio().sample_rate;
        let edges_back = edge_samples(model_rate, rate)? + self.audio().n_fft;
        let back = edges_back as u64 * u64::from(rate) / u64::from(model_rate);
        Ok(edge_samples(rate, model_rate)? + back as usize)
    }
}
