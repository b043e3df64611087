//! Decoded packets as one sound: in order, trimmed, and with silence where packets are lost.

use std::collections::VecDeque;

use super::spec::Spec;
use crate::warning::Warning;

/// Samples per channel that a byte can stand for at most: a FLAC frame of 11 bytes can hold 65,535 equal
/// ones.
const MOST_SAMPLES_A_BYTE: u64 = 6000;

/// The samples between a decoder and its reader.
///
/// Silence is a number until it is read, so that a long gap takes no memory.
pub(crate) struct Timeline {
    channels: usize,
    sample_rate: u32,
    queue: VecDeque<Piece>,
    /// Samples in `queue`.
    queued: u64,
    /// Samples that went into `queue` so far.
    position: u64,
    /// Samples still to be dropped.
    skip: u64,
    /// Samples that are still wanted.
    wanted: Option<u64>,
    lost: Lost,
    /// Samples that may still be lost.
    losable: u64,
}

enum Piece {
    Silence(u64),
    Sound {
        channels: Vec<Vec<f32>>,
        read: usize,
    },
}

#[derive(Default)]
struct Lost {
    places: u64,
    samples: u64,
    first: u64,
    /// Whether the sound so far ends in a damaged place.
    is_open: bool,
}

impl Timeline {
    /// Of a file of `bytes` bytes.
    pub fn new(spec: Spec, bytes: u64) -> Self {
        Self {
            channels: spec.channels,
            sample_rate: spec.sample_rate,
            queue: VecDeque::new(),
            queued: 0,
            position: 0,
            skip: 0,
            wanted: None,
            lost: Lost::default(),
            losable: bytes.saturating_mul(MOST_SAMPLES_A_BYTE),
        }
    }

    /// From here on drops `skip` samples, then keeps `wanted` (all for `None`) and drops the rest.
    pub fn begin(&mut self, skip: u64, wanted: Option<u64>) {
        (self.skip, self.wanted) = (skip, wanted);
    }

    /// Samples that can be taken.
    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// Samples that were put in, dropped ones left out.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Puts in a decoded packet.
    pub fn push(&mut self, mut channels: Vec<Vec<f32>>) {
        let samples = channels.first().map_or(0, Vec::len);
        let (from, kept) = self.trimmed(samples as u64);
        if samples > 0 {
            self.lost.is_open = false;
        }
        if kept == 0 {
            return;
        }
        for channel in &mut channels {
            channel.truncate((from + kept) as usize);
        }
        self.queue.push_back(Piece::Sound {
            channels,
            read: from as usize,
        });
    }

    /// Puts in silence for `samples` that are lost, of all together no more than the file can have held:
    /// a damaged position or duration may say anything.
    pub fn lose(&mut self, samples: u64) {
        let place = self.position;
        let (_, kept) = self.trimmed(samples.min(self.losable));
        if kept == 0 {
            return;
        }
        self.losable -= kept;
        if !self.lost.is_open {
            if self.lost.places == 0 {
                self.lost.first = place;
            }
            self.lost.places += 1;
            self.lost.is_open = true;
        }
        self.lost.samples += kept;
        self.queue.push_back(Piece::Silence(kept));
    }

    /// Up to `samples` of what was put in.
    pub fn take(&mut self, samples: usize) -> Vec<Vec<f32>> {
        let count = (samples as u64).min(self.queued) as usize;
        let mut taken = vec![Vec::with_capacity(count); self.channels];
        let mut missing = count;
        while missing > 0 {
            let Some(piece) = self.queue.front_mut() else {
                break;
            };
            let is_used_up = match piece {
                Piece::Silence(left) => {
                    let part = (*left).min(missing as u64) as usize;
                    for channel in &mut taken {
                        channel.resize(channel.len() + part, 0.0);
                    }
                    *left -= part as u64;
                    missing -= part;
                    *left == 0
                }
                Piece::Sound { channels, read } => {
                    let len = channels.first().map_or(0, Vec::len);
                    let part = (len - *read).min(missing);
                    for (to, from) in taken.iter_mut().zip(channels.iter()) {
                        to.extend_from_slice(&from[*read..*read + part]);
                    }
                    *read += part;
                    missing -= part;
                    *read == len
                }
            };
            if is_used_up {
                self.queue.pop_front();
            }
        }
        self.queued -= (count - missing) as u64;
        taken
    }

    /// What was lost so far.
    pub fn damage(&self) -> Option<Warning> {
        let Lost {
            places,
            samples,
            first,
            ..
        } = self.lost;
        (places > 0).then_some(Warning::Damaged {
            places,
            samples,
            first,
            sample_rate: self.sample_rate,
        })
    }

    /// How many of `samples` to leave out in front and how many of the rest to keep; counts them.
    fn trimmed(&mut self, samples: u64) -> (u64, u64) {
        let from = samples.min(self.skip);
        self.skip -= from;
        let mut kept = samples - from;
        if let Some(wanted) = &mut self.wanted {
            kept = kept.min(*wanted);
            *wanted -= kept;
        }
        self.position += kept;
        self.queued += kept;
        (from, kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec {
        sample_rate: 10,
        channels: 1,
    };

    #[test]
    fn what_goes_in_comes_out_in_pieces_of_any_size() {
        let mut timeline = Timeline::new(SPEC, 1);
        timeline.push(vec![vec![1.0, 2.0, 3.0]]);
        timeline.lose(2);
        timeline.push(vec![vec![4.0]]);
        assert_eq!(timeline.take(2), [[1.0, 2.0]]);
        assert_eq!(timeline.take(2), [[3.0, 0.0]]);
        assert_eq!(timeline.take(9), [[0.0, 4.0]]);
        assert_eq!((timeline.queued(), timeline.position()), (0, 6));
    }

    #[test]
    fn delay_and_padding_are_left_out() {
        let mut timeline = Timeline::new(SPEC, 1);
        timeline.begin(2, Some(3));
        timeline.push(vec![vec![1.0, 2.0, 3.0, 4.0]]);
        timeline.push(vec![vec![5.0, 6.0]]);
        timeline.push(vec![vec![7.0]]);
        assert_eq!(timeline.take(9), [[3.0, 4.0, 5.0]]);
    }

    #[test]
    fn no_more_is_lost_than_the_file_can_have_held() {
        let mut timeline = Timeline::new(SPEC, 1);
        timeline.lose(10);
        timeline.push(vec![vec![1.0]]);
        timeline.lose(u64::MAX);
        timeline.lose(1);
        assert_eq!(timeline.queued(), MOST_SAMPLES_A_BYTE + 1);
    }

    #[test]
    fn lost_packets_side_by_side_are_one_place() {
        let mut timeline = Timeline::new(SPEC, 1);
        timeline.push(vec![vec![1.0]]);
        timeline.lose(1);
        timeline.lose(1);
        timeline.push(vec![vec![1.0]]);
        timeline.lose(5);
        let Some(Warning::Damaged {
            places,
            samples,
            first,
            ..
        }) = timeline.damage()
        else {
            panic!("no damage")
        };
        assert_eq!((places, samples, first), (2, 7, 1));
    }
}
