//! What all coded formats share: packets that become sound one by one.

use std::path::Path;

use super::spec::Spec;
use super::timeline::Timeline;
use crate::AudioError;
use crate::warning::Warning;

/// A file of packets.
pub(crate) trait Packets: Send {
    /// Rate and channels, the same in all of them.
    fn spec(&self) -> Spec;

    /// Samples per channel, if they are known.
    fn samples(&self) -> Option<u64>;

    /// Decodes the next packet; false at the end.
    fn step(&mut self, path: &Path, timeline: &mut Timeline) -> Result<bool, AudioError>;

    /// What is wrong with the file; complete at its end.
    fn warnings(&self) -> Vec<Warning>;
}

/// Streams the sound of [`Packets`].
pub(crate) struct PacketReader {
    packets: Box<dyn Packets>,
    timeline: Timeline,
}

impl PacketReader {
    /// Decodes up to the first sample of a file of `bytes` bytes.
    pub fn new(path: &Path, packets: Box<dyn Packets>, bytes: u64) -> Result<Self, AudioError> {
        let timeline = Timeline::new(packets.spec(), bytes);
        let mut this = Self { packets, timeline };
        while this.timeline.queued() == 0 {
            if !this.packets.step(path, &mut this.timeline)? {
                return Err(AudioError::NoSamples { path: path.into() });
            }
        }
        Ok(this)
    }

    pub fn spec(&self) -> Spec {
        self.packets.spec()
    }

    pub fn samples(&self) -> Option<u64> {
        self.packets.samples()
    }

    /// Up to `samples` further samples per channel.
    pub fn read(&mut self, path: &Path, samples: usize) -> Result<Vec<Vec<f32>>, AudioError> {
        while self.timeline.queued() < samples as u64
            && self.packets.step(path, &mut self.timeline)?
        {}
        Ok(self.timeline.take(samples))
    }

    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.packets.warnings();
        warnings.extend(self.timeline.damage());
        warnings
    }
}
