//! Samples of several channels that wait to be taken.

use std::collections::VecDeque;

/// A queue of the samples of several channels, all of one length.
#[derive(Debug)]
pub struct Queue {
    channels: Vec<VecDeque<f32>>,
}

impl Queue {
    /// An empty queue with room for `capacity` samples of every channel.
    pub fn new(channels: usize, capacity: usize) -> Self {
        let channel = |_| VecDeque::with_capacity(capacity);
        Self {
            channels: (0..channels).map(channel).collect(),
        }
    }

    /// Samples of every channel.
    pub fn len(&self) -> usize {
        self.channels.first().map_or(0, VecDeque::len)
    }

    /// Adds silence.
    pub fn push_zeros(&mut self, samples: usize) {
        for channel in &mut self.channels {
            channel.extend(std::iter::repeat_n(0.0, samples));
        }
    }

    /// Adds samples of one channel; the others must get as many.
    pub fn extend(&mut self, channel: usize, samples: impl Iterator<Item = f32>) {
        self.channels[channel].extend(samples);
    }

    /// Takes up to `samples` samples of one channel; as many must be taken of the others.
    pub fn take(&mut self, channel: usize, samples: usize) -> impl Iterator<Item = f32> {
        let channel = &mut self.channels[channel];
        let samples = samples.min(channel.len());
        channel.drain(..samples)
    }
}
