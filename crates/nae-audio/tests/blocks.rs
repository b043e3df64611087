//! A long sound cut into blocks and joined again.
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use common::{SEED, fixture};
use nae_audio::{
    AudioReader, BitDepth, Blocks, Clip, Crossfade, edge_samples, read, resample, resample_to_len,
    write,
};
use nae_testing::compare::largest_difference;
use nae_testing::noise::white;
use proptest::prelude::*;

fn clip(samples: usize, channels: u64) -> Clip {
    let channels = (0..channels).map(|c| white(samples, SEED + c)).collect();
    Clip::new(channels, 44_100).unwrap()
}

/// Cuts, maps every block's channels, joins.
fn through(
    reader: AudioReader,
    (block, overlap, guard): (usize, usize, usize),
    map: impl Fn(&[f32]) -> Vec<f32>,
) -> Vec<Vec<f32>> {
    let mut joined = vec![Vec::new(); reader.channel_count()];
    let mut fade = Crossfade::new(overlap, guard).unwrap();
    for part in Blocks::new(reader, block, overlap).unwrap() {
        let part = part.unwrap();
        assert!(part.samples() <= block + block / 2);
        let mapped = part.channels.iter().map(|c| map(c)).collect();
        let finished = fade.push(mapped, part.is_last).unwrap();
        for (channel, more) in joined.iter_mut().zip(finished) {
            channel.extend(more);
        }
    }
    joined
}

proptest! {
    #[test]
    fn blocks_joined_unchanged_are_the_sound_itself(
        samples in 1usize..3000,
        block in 1usize..500,
        share in 0.0f64..=0.5,
        guard_share in 0.0f64..0.49,
        channels in 1u64..3,
    ) {
        let overlap = (block as f64 * share) as usize;
        let guard = (overlap as f64 * guard_share) as usize;
        let clip = clip(samples, channels);
        let joined = through(AudioReader::from_clip(clip.clone()), (block, overlap, guard), <[f32]>::to_vec);
        // old + (new − old)·w is exact where both are equal.
        prop_assert_eq!(joined, clip.into_channels());
    }
}

#[test]
fn a_file_in_blocks_is_the_file() {
    let whole = read(&fixture("tone.flac")).unwrap();
    let reader = AudioReader::open(&fixture("tone.flac")).unwrap();
    assert_eq!(
        through(reader, (701, 101, 10), <[f32]>::to_vec),
        whole.channels()
    );
}

#[test]
fn blocks_through_another_rate_and_back_are_as_good_as_the_whole() {
    let (from, to) = (44_100, 16_000);
    let there_and_back =
        |x: &[f32]| resample_to_len(&resample(x, from, to).unwrap(), to, from, x.len()).unwrap();
    // Both ways reach as far, and both ends of the overlap need the room.
    let guard = 2 * edge_samples(from, to).unwrap();
    let overlap = 3 * guard;
    let block = 441 * 50; // whole at both rates, so that every block lies on the same grid
    let step = (block - overlap) / 441 * 441;
    let overlap = block - step;
    let clip = clip(100_000, 1);
    let whole = there_and_back(&clip.channels()[0]);
    let joined = through(
        AudioReader::from_clip(clip),
        (block, overlap, guard),
        there_and_back,
    );
    // Two roundings to f32 on the way.
    let error = largest_difference(&whole, &joined[0]);
    assert!(error < 1e-6, "{error}");
}

#[test]
fn an_error_in_the_file_ends_the_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    write(&path, &clip(5000, 1), BitDepth::Float32).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() - 4 * 1000;
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let mut blocks = Blocks::new(AudioReader::open(&path).unwrap(), 1000, 100).unwrap();
    let error = blocks.by_ref().find_map(Result::err).unwrap();
    assert!(error.to_string().contains("sample 4000"), "{error}");
    assert!(blocks.next().is_none());
}
