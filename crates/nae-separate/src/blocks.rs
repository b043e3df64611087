//! Mixtures of any length in overlapping blocks, so that memory does not grow with length.

use nae_audio::{AudioError, AudioReader, Blocks, Clip, Crossfade, edge_samples};
use nae_model::optim::{Flow, Progress};

use crate::empty_band::EmptyBand;
use crate::error::SeparateError;
use crate::residual::ResidualLevel;
use crate::separator::Separator;

/// Progress of a separation in blocks.
#[derive(Clone, Copy, Debug)]
pub struct BlockProgress {
    /// Index of the block, from 0.
    pub block: u64,
    /// Number of blocks, if the file's header states its length.
    pub blocks: Option<u64>,
    /// Progress within the block; `None` when it begins.
    pub progress: Option<Progress>,
}

/// Takes the index of a source and its next samples, one vector a channel.
pub type WriteStem<'a> = dyn FnMut(usize, &[Vec<f32>]) -> Result<(), AudioError> + 'a;

/// Figures of a separation in blocks.
#[derive(Clone, Debug)]
pub struct SeparationSummary {
    /// Samples per channel.
    pub samples: u64,
    /// Level of the residual, the mixture minus the sum of the stems.
    pub residual: ResidualLevel,
    /// Largest absolute sample of each stem.
    pub peaks: Vec<f32>,
    /// Energy of each stem, `Σx²` over all channels.
    pub energies: Vec<f64>,
    /// Final loss, the mean over blocks.
    pub loss: f64,
    /// Steps taken in all blocks and runs.
    pub steps: usize,
    /// Whether the observer stopped it; then the stems are incomplete.
    pub is_interrupted: bool,
    /// The band that the mixture leaves empty, if there is one.
    pub empty_band: Option<EmptyBand>,
}

impl SeparationSummary {
    fn new(sources: usize, empty_band: Option<EmptyBand>) -> Self {
        Self {
            samples: 0,
            residual: ResidualLevel::default(),
            peaks: vec![0.0; sources],
            energies: vec![0.0; sources],
            loss: 0.0,
            steps: 0,
            is_interrupted: false,
            empty_band,
        }
    }

    /// Adds the next samples of the mixture's channels and of every stem's.
    fn add(&mut self, mixture: &[Vec<f32>], stems: &[Vec<Vec<f32>>]) {
        for (c, x) in mixture.iter().enumerate() {
            let stems: Vec<&[f32]> = stems.iter().map(|stem| stem[c].as_slice()).collect();
            self.residual.add(x, &stems);
        }
        self.samples += mixture.first().map_or(0, Vec::len) as u64;
        let figures = self.peaks.iter_mut().zip(&mut self.energies);
        for ((peak, energy), stem) in figures.zip(stems) {
            for x in stem.iter().flatten() {
                *peak = peak.max(x.abs());
                *energy += f64::from(*x) * f64::from(*x);
            }
        }
    }
}

impl Separator {
    /// Separates all that `reader` reads, in overlapping blocks with linear crossfades.
    ///
    /// - `observe`: called when a block begins, and once a window of steps where its masks are
    ///   optimised
    ///
    /// # Errors
    /// [`SeparateError`] from reading, separating or `write`.
    pub fn separate_blocks(
        &self,
        reader: AudioReader,
        write: &mut WriteStem<'_>,
        observe: &mut dyn FnMut(&BlockProgress) -> Flow,
    ) -> Result<SeparationSummary, SeparateError> {
        let rate = reader.sample_rate();
        let samples_of = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
        let (block, overlap) = (
            samples_of(self.config.block_s),
            samples_of(self.config.overlap_s),
        );
        let guard = self.guard_samples(rate)?.min(overlap.saturating_sub(1) / 2);
        let blocks = Blocks::new(reader, block, overlap)?;
        let count = blocks.count_hint();
        // the mixture has a crossfade of its own, which keeps it aligned with the stems
        let mut fades = vec![Crossfade::new(overlap, guard)?; self.names().len() + 1];
        let mut summary = SeparationSummary::new(self.names().len(), self.empty_band(rate));
        let mut done = 0u64;
        for block in blocks {
            let block = block?;
            let begun = BlockProgress {
                block: done,
                blocks: count,
                progress: None,
            };
            if observe(&begun) == Flow::Stop {
                summary.is_interrupted = true;
                break;
            }
            let mixture = Clip::new(block.channels, rate)?;
            let separated = self.separate(&mixture, &mut |progress| {
                observe(&BlockProgress {
                    progress: Some(*progress),
                    ..begun
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
            summary.add(&mixture, &finished);
            for (source, stem) in finished.iter().enumerate() {
                write(source, stem)?;
            }
        }
        summary.loss /= done.max(1) as f64;
        Ok(summary)
    }

    /// Samples at a block's ends that would differ in a longer block: the edges of both resamplers,
    /// and one frame.
    fn guard_samples(&self, rate: u32) -> Result<usize, SeparateError> {
        let model_rate = self.audio().sample_rate;
        let edges_back = edge_samples(model_rate, rate)? + self.audio().n_fft;
        let back = edges_back as u64 * u64::from(rate) / u64::from(model_rate);
        Ok(edge_samples(rate, model_rate)? + back as usize)
    }
}
