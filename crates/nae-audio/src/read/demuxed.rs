//! Files whose packets simply follow each other: ADPCM in WAV, and what only symphonia's prober finds.

use std::path::Path;

use symphonia::core::io::MediaSource;

use super::demuxer::{Demuxer, Next};
use super::packets::Packets;
use super::spec::Spec;
use super::timeline::Timeline;
use crate::AudioError;
use crate::warning::Warning;

/// Decodes packet after packet.
pub(crate) struct Demuxed {
    demuxer: Demuxer,
    is_cut: bool,
}

impl Demuxed {
    /// `head` is the start of the file.
    pub fn open(
        path: &Path,
        head: &[u8],
        source: Box<dyn MediaSource>,
    ) -> Result<Self, AudioError> {
        Ok(Self {
            demuxer: Demuxer::open(path, head, source)?,
            is_cut: false,
        })
    }
}

impl Packets for Demuxed {
    fn spec(&self) -> Spec {
        self.demuxer.spec()
    }

    fn samples(&self) -> Option<u64> {
        self.demuxer.samples_hint()
    }

    fn step(&mut self, path: &Path, timeline: &mut Timeline) -> Result<bool, AudioError> {
        let unit = match self.demuxer.next(path)? {
            Next::Unit(unit) => unit,
            Next::End => return Ok(false),
            Next::EndOfFile => {
                self.is_cut = true;
                return Ok(false);
            }
        };
        match unit.sound {
            Some(sound) => timeline.push(sound),
            None => timeline.lose(unit.duration),
        }
        Ok(true)
    }

    fn warnings(&self) -> Vec<Warning> {
        Vec::from_iter(self.is_cut.then_some(Warning::Unfinished))
    }
}
