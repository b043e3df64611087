//! MP4 files (M4A, MOV): the encoder's delay and padding are left out as the edit list or
//! iTunes' own note says.

use std::fs::File;
use std::path::Path;

use super::demuxer::{Demuxer, Next, Unit};
use super::mp4::{Edit, EditList, Patched, TopBoxes};
use super::packets::Packets;
use super::spec::Spec;
use super::timeline::Timeline;
use crate::AudioError;
use crate::warning::Warning;

/// Samples in a packet of AAC.
const AAC_SAMPLES: u64 = 1024;

/// Samples in a packet of any coding, at most.
const MOST_SAMPLES: u64 = 1 << 16;

/// Decodes an MP4 file.
pub(crate) struct Mp4 {
    demuxer: Demuxer,
    /// Whether the track's clock counts samples.
    in_samples: bool,
    start: u64,
    wanted: Option<u64>,
    samples: Option<u64>,
    is_begun: bool,
    is_cut: bool,
    warnings: Vec<Warning>,
}

impl Mp4 {
    /// `head` is the start of the file.
    pub fn open(path: &Path, head: &[u8], mut file: File) -> Result<Self, AudioError> {
        let io = |e| AudioError::io(path, "read its index", e);
        let TopBoxes {
            patches,
            wrong,
            index,
        } = TopBoxes::read(&mut file).map_err(io)?;
        let Some(index) = index else {
            return Err(AudioError::damaged(
                path,
                "it is cut short: its index (the `moov` box), without which the sound cannot be found, is missing",
            ));
        };
        let open = |file: &File| -> Result<Demuxer, AudioError> {
            let file = file.try_clone().map_err(io)?;
            let patched = Patched::new(file, patches.clone()).map_err(io)?;
            Demuxer::open(path, head, Box::new(patched))
        };
        refuse_cut(path, open(&file)?)?;
        let demuxer = open(&file)?;
        let mut this = Self {
            in_samples: false,
            start: 0,
            wanted: None,
            samples: demuxer.samples_hint(),
            is_begun: false,
            is_cut: false,
            warnings: Vec::new(),
            demuxer,
        };
        let clock = this.demuxer.duration().map(|(_, clock)| clock);
        this.in_samples = clock == Some(this.demuxer.spec().sample_rate);
        if wrong > 0 {
            let places: Vec<String> = patches.iter().map(|(at, _)| at.to_string()).collect();
            this.warnings.push(Warning::Header {
                detail: format!(
                    "the length of the box at byte {} leads to nothing known; the next known one was taken instead",
                    places.join(", ")
                ),
            });
        }
        match EditList::read(&index, this.demuxer.track()) {
            EditList::None => {}
            EditList::One(edit) => this.follow(edit),
            EditList::Several(count) => this.warnings.push(Warning::Header {
                detail: format!(
                    "its edit list joins {count} pieces of the sound, which is not followed; all of the sound is used, in the order it is stored"
                ),
            }),
        }
        Ok(this)
    }

    /// Leaves out the encoder's delay and padding.
    fn follow(&mut self, edit: Edit) {
        let Some((all, _)) = self.demuxer.duration() else {
            return;
        };
        if !self.in_samples {
            if edit.start > 0 {
                self.warnings.push(Warning::Header {
                    detail: "its edit list does not count in samples, and is not followed; the sound begins with the encoder's delay".into(),
                });
            }
            return;
        }
        self.start = edit.start;
        let rest = all.saturating_sub(edit.start);
        // the packets give their length to the sample, the edit list in coarser ticks
        self.wanted = edit
            .duration
            .filter(|duration| rest > 0 && rest.saturating_sub(*duration) > edit.tick);
        if rest > 0 {
            self.samples = Some(self.wanted.unwrap_or(rest));
        }
    }

    fn put(&self, unit: Unit, timeline: &mut Timeline) {
        match unit.sound {
            Some(mut sound) => {
                // shorter than it is coded: the encoder's padding
                if self.in_samples && unit.duration > 0 {
                    for channel in &mut sound {
                        channel.truncate(unit.duration as usize);
                    }
                }
                timeline.push(sound);
            }
            None if self.in_samples && unit.duration <= MOST_SAMPLES => {
                timeline.lose(unit.duration);
            }
            None => timeline.lose(AAC_SAMPLES),
        }
    }
}

impl Packets for Mp4 {
    fn spec(&self) -> Spec {
        self.demuxer.spec()
    }

    fn samples(&self) -> Option<u64> {
        self.samples
    }

    fn step(&mut self, path: &Path, timeline: &mut Timeline) -> Result<bool, AudioError> {
        if !self.is_begun {
            self.is_begun = true;
            timeline.begin(self.start, self.wanted);
        }
        match self.demuxer.next(path)? {
            Next::Unit(unit) => self.put(unit, timeline),
            Next::End => return Ok(false),
            Next::EndOfFile => {
                self.is_cut = true;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.warnings.clone();
        if self.is_cut {
            warnings.push(Warning::Unfinished);
        }
        warnings
    }
}

/// Refuses a file that does not hold the last packet of its index; names the first that is missing.
fn refuse_cut(path: &Path, mut demuxer: Demuxer) -> Result<(), AudioError> {
    let Some((all, clock)) = demuxer.duration().filter(|&(all, _)| all > 0) else {
        return Ok(());
    };
    if demuxer.can_read(path, all - 1)? {
        return Ok(());
    }
    let (mut there, mut missing) = (0, all - 1);
    while there + 1 < missing {
        let middle = there + (missing - there) / 2;
        if demuxer.can_read(path, middle)? {
            there = middle;
        } else {
            missing = middle;
        }
    }
    let rate = demuxer.spec().sample_rate;
    let samples = |ticks: u64| (u128::from(ticks) * u128::from(rate) / u128::from(clock)) as u64;
    Err(AudioError::Truncated {
        path: path.into(),
        promised: samples(all),
        found: samples(missing),
        unit: "samples per channel",
    })
}
