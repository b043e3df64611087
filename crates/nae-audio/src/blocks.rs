//! A long sound as overlapping blocks.

use crate::{AudioError, AudioReader};

/// Cuts a stream into blocks that overlap, for work that needs bounded memory.
///
/// Every block has `block` samples and shares its first `overlap` samples with the end of the one
/// before. The last block is as long as it comes out: a tail shorter than half a step
/// (`block − overlap`) is added to the block before instead of becoming a sliver, so a block never
/// exceeds one and a half and, after the first, never brings less than half a step of new sound. What
/// is done to the blocks is joined by [`Crossfade`](crate::Crossfade).
///
/// Memory holds one block and, ahead of it, half a step, however long the sound is: an hour of
/// 44.1 kHz stereo copied in blocks of 10 s peaked at 16 MB, a minute at 15.
pub struct Blocks {
    reader: AudioReader,
    block: usize,
    overlap: usize,
    /// The end of the block before, which the next one begins with.
    shared: Vec<Vec<f32>>,
    /// Read already, belongs to the next block.
    ahead: Vec<Vec<f32>>,
    start: u64,
    done: bool,
}

/// A part of a longer sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The samples, channel by channel.
    pub channels: Vec<Vec<f32>>,
    /// Where its first sample lies in the whole, samples.
    pub start: u64,
    /// Whether nothing follows.
    pub is_last: bool,
}

impl Block {
    /// Samples per channel.
    pub fn samples(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }
}

impl Blocks {
    /// Blocks of `block` samples, each sharing `overlap` with the one before.
    ///
    /// # Errors
    ///
    /// [`AudioError::BlockSize`] for blocks of nothing, or an overlap of more than half a block.
    pub fn new(reader: AudioReader, block: usize, overlap: usize) -> Result<Self, AudioError> {
        if block == 0 || overlap > block / 2 {
            return Err(AudioError::BlockSize { block, overlap });
        }
        let nothing = vec![Vec::new(); reader.channel_count()];
        Ok(Self {
            shared: nothing.clone(),
            ahead: nothing,
            reader,
            block,
            overlap,
            start: 0,
            done: false,
        })
    }

    /// Samples a second of the blocks, Hz.
    pub fn sample_rate(&self) -> u32 {
        self.reader.sample_rate()
    }

    /// Channels of every block.
    pub fn channel_count(&self) -> usize {
        self.reader.channel_count()
    }

    /// Number of blocks, if the header states the length.
    pub fn count_hint(&self) -> Option<u64> {
        let samples = self.reader.samples_hint()?;
        let step = (self.block - self.overlap) as u64;
        let rest = samples.saturating_sub(self.block as u64);
        let extra = u64::from(rest % step >= self.least_tail() as u64);
        Some(u64::from(samples > 0) + rest / step + extra)
    }

    /// The shortest tail that becomes a block of its own.
    fn least_tail(&self) -> usize {
        ((self.block - self.overlap) / 2).max(1)
    }

    fn next_block(&mut self) -> Result<Option<Block>, AudioError> {
        let mut channels = std::mem::take(&mut self.shared);
        append(&mut channels, std::mem::take(&mut self.ahead));
        let missing = self.block.saturating_sub(channels[0].len());
        append(&mut channels, self.reader.read(missing)?);
        self.ahead = self.reader.read(self.least_tail())?;
        let is_last = self.ahead[0].len() < self.least_tail();
        if is_last {
            append(&mut channels, std::mem::take(&mut self.ahead));
            self.done = true;
        }
        let samples = channels[0].len();
        if samples == 0 {
            return Ok(None);
        }
        let kept = samples.saturating_sub(self.overlap);
        self.shared = channels.iter().map(|c| c[kept..].to_vec()).collect();
        let start = self.start;
        self.start += kept as u64;
        Ok(Some(Block {
            channels,
            start,
            is_last,
        }))
    }
}

impl Iterator for Blocks {
    type Item = Result<Block, AudioError>;

    /// The next block, or why it could not be read; after an error there is nothing more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.next_block();
        if next.is_err() {
            self.done = true;
        }
        next.transpose()
    }
}

fn append(channels: &mut [Vec<f32>], more: Vec<Vec<f32>>) {
    for (channel, more) in channels.iter_mut().zip(more) {
        channel.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clip;

    fn ramp(samples: usize) -> AudioReader {
        let samples = (0..samples).map(|i| i as f32).collect();
        AudioReader::from_clip(Clip::mono(samples, 8000))
    }

    fn cut(samples: usize, block: usize, overlap: usize) -> Vec<Block> {
        let blocks = Blocks::new(ramp(samples), block, overlap).unwrap();
        let expected = blocks.count_hint();
        let blocks: Vec<Block> = blocks.map(Result::unwrap).collect();
        assert_eq!(expected, Some(blocks.len() as u64));
        blocks
    }

    #[test]
    fn blocks_overlap_and_know_where_they_lie() {
        let blocks = cut(24, 10, 3);
        let starts: Vec<u64> = blocks.iter().map(|b| b.start).collect();
        assert_eq!(starts, [0, 7, 14]);
        for block in &blocks {
            let expected: Vec<f32> = (0..block.samples())
                .map(|i| (block.start as usize + i) as f32)
                .collect();
            assert_eq!(block.channels[0], expected);
        }
        assert_eq!(
            blocks.iter().map(|b| b.is_last).collect::<Vec<_>>(),
            [false, false, true]
        );
    }

    #[test]
    fn a_short_tail_joins_the_block_before() {
        // Step 7: tails of 1 and 2 are absorbed, one of 3 stands alone.
        for (samples, lengths) in [
            (10, vec![10]),
            (11, vec![11]),
            (12, vec![12]),
            (13, vec![10, 6]),
            (17, vec![10, 10]),
            (18, vec![10, 11]),
            (20, vec![10, 10, 6]),
        ] {
            let found: Vec<usize> = cut(samples, 10, 3).iter().map(Block::samples).collect();
            assert_eq!(found, lengths, "{samples} samples");
        }
    }

    #[test]
    fn a_sound_shorter_than_a_block_is_one_block() {
        let blocks = cut(3, 10, 4);
        assert_eq!((blocks.len(), blocks[0].samples()), (1, 3));
        assert!(blocks[0].is_last);
        assert!(cut(0, 10, 4).is_empty());
    }

    #[test]
    fn sizes_that_cannot_work_are_refused() {
        assert!(Blocks::new(ramp(1), 0, 0).is_err());
        assert!(Blocks::new(ramp(1), 10, 6).is_err());
        assert!(Blocks::new(ramp(1), 10, 5).is_ok());
    }
}
