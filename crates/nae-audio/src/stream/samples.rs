//! From samples at the frames' rate to stems at the mixture's.

use super::queue::Queue;
use super::resampler::StreamResampler;
use super::residual::ResidualShares;
use crate::AudioError;

/// From samples at the frames' rate to stems at the mixture's.
pub struct Samples {
    up: StreamResampler,
    upsampled: Vec<Vec<f32>>,
    /// Stems by channels, in this order.
    stems: Queue,
    /// The mixture without offset, until it is compared with the stems.
    mixture: Queue,
    /// Offsets, until they are added again.
    offsets: Queue,
    channels: usize,
    /// Numbers of the stems' sources, and how many sources there are.
    sources: (Vec<usize>, usize),
    /// Samples that have come out at the mixture's rate, and that have gone in at the frames'.
    produced: u64,
    synthesized: u64,
    /// How many will go in, once that is known.
    limit: Option<u64>,
    /// A channel's offsets, and what its stems lack, while both are handed out.
    offset: Vec<f32>,
    lost: Vec<f64>,
}

impl Samples {
    /// - `stems`: numbers of the stems' sources, of `sources`
    /// - `waiting`: samples that may be between two ends of the stream
    /// - `up`: takes stems by channels, and the mixture where rates differ
    pub fn new(
        stems: &[usize],
        sources: usize,
        channels: usize,
        waiting: usize,
        up: StreamResampler,
    ) -> Self {
        Self {
            upsampled: vec![Vec::with_capacity(waiting); up.channels()],
            up,
            stems: Queue::new(stems.len() * channels, waiting),
            mixture: Queue::new(channels, waiting),
            offsets: Queue::new(channels, waiting),
            channels,
            sources: (stems.to_vec(), sources),
            produced: 0,
            synthesized: 0,
            limit: None,
            offset: Vec::with_capacity(waiting),
            lost: Vec::with_capacity(waiting),
        }
    }

    /// Puts silence before the stems.
    pub fn push_zeros(&mut self, samples: usize) {
        self.stems.push_zeros(samples);
    }

    /// Samples of every stem that wait to be taken.
    pub fn ready(&self) -> usize {
        self.stems.len()
    }

    /// Takes samples of a stem's channel, by their number together.
    pub fn take(&mut self, stem: usize, samples: usize) -> impl Iterator<Item = f32> {
        self.stems.take(stem, samples)
    }

    /// Keeps a channel's offsets, and with `mixture` what is left of it, until its stems come.
    pub fn keep(&mut self, channel: usize, offsets: &[f32], mixture: Option<&[f32]>) {
        self.offsets.extend(channel, offsets.iter().copied());
        if let Some(mixture) = mixture {
            self.mixture.extend(channel, mixture.iter().copied());
        }
    }

    /// Says how many samples there are at the frames' rate.
    pub fn end_at(&mut self, samples: u64) {
        self.limit = Some(samples);
    }

    /// Takes samples at the frames' rate, stems by channels, then the mixture where rates differ.
    pub fn push(
        &mut self,
        finished: &[Vec<f32>],
        shares: &ResidualShares,
    ) -> Result<(), AudioError> {
        let new = finished.first().map_or(0, Vec::len);
        let wanted = match self.limit {
            Some(limit) => new.min((limit - self.synthesized) as usize),
            None => new,
        };
        self.synthesized += wanted as u64;
        self.upsampled.iter_mut().for_each(Vec::clear);
        if wanted == new {
            self.up.push(finished, &mut self.upsampled)?;
        } else {
            // the last ones
            let cut: Vec<&[f32]> = finished.iter().map(|channel| &channel[..wanted]).collect();
            self.up.push(&cut, &mut self.upsampled)?;
        }
        self.emit(shares);
        Ok(())
    }

    /// Ends the stems after as many samples as the mixture has.
    pub fn finish(&mut self, total: u64, shares: &ResidualShares) -> Result<(), AudioError> {
        self.upsampled.iter_mut().for_each(Vec::clear);
        self.up.flush(Some(total), &mut self.upsampled)?;
        self.emit(shares);
        Ok(())
    }

    /// Puts what came out of the resampler into the stems' queue, with what belongs to no frame.
    fn emit(&mut self, shares: &ResidualShares) {
        let new = self.upsampled.first().map_or(0, Vec::len);
        let (stems, sources) = (&self.sources.0, self.sources.1);
        for c in 0..self.channels {
            self.offset.clear();
            self.offset.extend(self.offsets.take(c, new));
            let of_mixture = stems.len() * self.channels + c;
            if let Some(known) = self.upsampled.get(of_mixture) {
                self.lost.clear();
                let pairs = self.mixture.take(c, new).zip(known);
                self.lost
                    .extend(pairs.map(|(x, known)| f64::from(x) - f64::from(*known)));
            }
            for (stem, &source) in stems.iter().enumerate() {
                let queue = stem * self.channels + c;
                let values = self.upsampled[queue].iter().zip(&self.offset);
                let share = 1.0 / sources as f32;
                let (lost, produced) = (&self.lost, self.produced);
                let with_rest = values.enumerate().map(|(i, (x, offset))| {
                    let lost = lost
                        .get(i)
                        .map_or(0.0, |lost| lost * shares.at(produced + i as u64, source));
                    (f64::from(*x) + lost) as f32 + offset * share
                });
                self.stems.extend(queue, with_rest);
            }
        }
        self.produced += new as u64;
    }
}
