//! A sound file as one channel, in which all that its channels hold can be heard.

use std::path::Path;

use crate::offset::without_offset;
use crate::warning::warn_once;
use crate::{AudioError, AudioReader, Clip};

/// Values over all channels that are held at once: 6 min of stereo at 44.1 kHz, 35 min of mono at 16 kHz.
const PIECE: usize = 1 << 25;

/// Samples per channel read at once.
const STEP: usize = 1 << 16;

/// Correlation below which a channel is the opposite of another. Channels of one room are never so by
/// themselves; a plug with its poles reversed makes them so.
const OPPOSITE: f64 = -0.75;

/// Reads a file as one channel, in long pieces, so that memory does not grow with its length.
///
/// Channels are freed of constant offsets ([`without_offset`]) and averaged. One that would cancel the
/// others, because its polarity is the opposite of theirs, is reversed first, which is logged with
/// [`log::warn!`].
pub struct MonoReader {
    reader: AudioReader,
    piece: usize,
}

/// Consecutive samples of a file, mixed down.
#[derive(Debug)]
pub struct Piece {
    /// Mono samples.
    pub samples: Vec<f32>,
    /// Whether the file ends here.
    pub is_last: bool,
}

impl MonoReader {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// As [`AudioReader::open`].
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        let reader = AudioReader::open(path)?;
        let piece = (PIECE / reader.channel_count()).max(STEP);
        Ok(Self { reader, piece })
    }

    /// With pieces of another length.
    ///
    /// - `samples`: per channel, at least 1
    pub fn in_pieces_of(self, samples: usize) -> Self {
        Self {
            piece: samples.max(1),
            ..self
        }
    }

    /// Samples a second, Hz.
    pub fn sample_rate(&self) -> u32 {
        self.reader.sample_rate()
    }

    /// The next piece, the whole file if it is short enough; none after the last.
    ///
    /// # Errors
    ///
    /// As [`AudioReader::read`].
    pub fn next_piece(&mut self) -> Result<Option<Piece>, AudioError> {
        let mut channels = vec![Vec::new(); self.reader.channel_count()];
        let mut is_last = false;
        while !is_last && channels[0].len() < self.piece {
            let step = STEP.min(self.piece - channels[0].len());
            let more = self.reader.read(step)?;
            is_last = more[0].len() < step;
            for (channel, more) in channels.iter_mut().zip(more) {
                channel.extend(more);
            }
        }
        if channels[0].is_empty() {
            return Ok(None);
        }
        let clip = Clip::new(channels, self.sample_rate())?;
        let (samples, reversed) = mono(clip);
        if !reversed.is_empty() {
            let all: Vec<String> = reversed.iter().map(|c| (c + 1).to_string()).collect();
            let (channels, have, are) = match all.as_slice() {
                [_] => ("channel", "has", "is"),
                _ => ("channels", "have", "are"),
            };
            warn_once(&format!(
                "{}: {channels} {} {have} the opposite polarity of the others, which would cancel them, and {are} reversed",
                self.reader.path().display(),
                all.join(", "),
            ));
        }
        Ok(Some(Piece { samples, is_last }))
    }
}

/// The mean over all channels without their offsets, and the indices of those reversed for it.
fn mono(clip: Clip) -> (Vec<f32>, Vec<usize>) {
    let rate = clip.sample_rate();
    let mut channels = clip.into_channels();
    for channel in &mut channels {
        if let std::borrow::Cow::Owned(centred) = without_offset(channel, rate) {
            *channel = centred;
        }
    }
    let reversed = opposites(&channels);
    for &c in &reversed {
        channels[c].iter_mut().for_each(|x| *x = -*x);
    }
    if channels.len() == 1 {
        return (channels.swap_remove(0), reversed);
    }
    (Clip::of(channels, rate).mixdown(), reversed)
}

/// The channels that are the opposite of a louder one, in ascending order.
fn opposites(channels: &[Vec<f32>]) -> Vec<usize> {
    if channels.len() < 2 {
        return Vec::new();
    }
    let product = |a: &[f32], b: &[f32]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let energies: Vec<f64> = channels.iter().map(|c| product(c, c)).collect();
    let mut order: Vec<usize> = (0..channels.len()).collect();
    order.sort_by(|&a, &b| energies[b].total_cmp(&energies[a]));
    let mut signs = vec![1.0f64; channels.len()];
    for (i, &c) in order.iter().enumerate() {
        let is_opposite = order[..i].iter().any(|&louder| {
            let scale = (energies[c] * energies[louder]).sqrt();
            scale > 0.0
                && signs[louder] * product(&channels[louder], &channels[c]) < OPPOSITE * scale
        });
        if is_opposite {
            signs[c] = -1.0;
        }
    }
    (0..channels.len()).filter(|&c| signs[c] < 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BitDepth, write};

    /// Noise from a small generator, at ±0.3.
    fn noise(seed: u32, samples: usize) -> Vec<f32> {
        let mut state = seed;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        std::iter::repeat_with(next)
            .take(samples)
            .map(|x| 0.3 * x)
            .collect()
    }

    fn reversed(x: &[f32]) -> Vec<f32> {
        x.iter().map(|x| -x).collect()
    }

    #[test]
    fn channels_without_faults_give_their_mean() {
        for count in [1, 2, 5] {
            let channels: Vec<Vec<f32>> = (0..count).map(|c| noise(c, 4000)).collect();
            let clip = Clip::new(channels, 8000).unwrap();
            assert_eq!(mono(clip.clone()), (clip.mixdown(), Vec::new()));
        }
    }

    #[test]
    fn channels_that_cancel_are_heard() {
        let (x, y) = (noise(1, 4000), noise(2, 4000));
        let mono = |channels: &[&[f32]]| {
            let channels = channels.iter().map(|c| c.to_vec()).collect();
            super::mono(Clip::new(channels, 8000).unwrap())
        };
        assert_eq!(mono(&[&x, &reversed(&x)]), (x.clone(), vec![1]));
        // at other levels, with other noise, among others, with offsets
        let softer: Vec<f32> = x.iter().map(|x| 0.9 * x).collect();
        assert_eq!(mono(&[&softer, &reversed(&x)]).1, [0]);
        let noisy: Vec<f32> = x.iter().zip(&y).map(|(x, y)| 0.3 * y - x).collect();
        assert_eq!(mono(&[&x, &noisy]).1.len(), 1);
        assert_eq!(mono(&[&y, &x, &reversed(&x)]).1.len(), 1);
        let offset = |x: &[f32]| -> Vec<f32> { x.iter().map(|x| x + 0.4).collect() };
        let (sum, found) = mono(&[&offset(&x), &offset(&reversed(&x))]);
        assert_eq!(found.len(), 1);
        assert!(
            sum.iter()
                .zip(&x)
                .all(|(a, b)| (a.abs() - b.abs()).abs() < 0.02)
        );
    }

    #[test]
    fn a_file_is_read_as_it_is_and_an_empty_piece_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        // one step exactly, and one sample more
        for samples in [STEP, STEP + 1] {
            let x = noise(3, samples);
            write(&path, &Clip::mono(x.clone(), 8000), BitDepth::Float32).unwrap();
            let mut reader = MonoReader::open(&path).unwrap();
            let piece = reader.next_piece().unwrap().unwrap();
            assert_eq!((piece.samples, piece.is_last), (x, true));
            assert!(reader.next_piece().unwrap().is_none());
        }
    }

    #[test]
    fn long_files_come_in_pieces_that_join() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let x = noise(3, 3 * STEP);
        write(&path, &Clip::mono(x.clone(), 8000), BitDepth::Float32).unwrap();
        let reader = MonoReader::open(&path).unwrap();
        let mut reader = reader.in_pieces_of(2 * STEP - 7);
        let mut joined = Vec::new();
        let mut ends = Vec::new();
        while let Some(piece) = reader.next_piece().unwrap() {
            joined.extend(piece.samples);
            ends.push(piece.is_last);
        }
        assert_eq!(joined, x);
        assert_eq!(ends, [false, true]);
    }
}
