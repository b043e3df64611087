//! Sound files.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use nae_audio::{AudioError, AudioReader, Warning};

use crate::{message, ogg, scratch};

/// Samples per channel that a byte can stand for at most, and as many of silence where sound is lost: a
/// FLAC frame of 11 bytes can hold 65,535 equal samples.
const SAMPLES_A_BYTE: u64 = 6000;

/// Numbers of all channels that are read at most, to bound the time.
const MOST: u64 = 20_000_000;

/// Numbers that a step gives at most.
const STEP: usize = 1 << 16;

pub(crate) fn wav(bytes: &[u8]) {
    if is_stored(bytes) {
        check(bytes);
    }
}

pub(crate) fn compressed(bytes: &[u8]) {
    if !is_stored(bytes) {
        check(bytes);
        if let Some(repaired) = ogg::repaired(bytes)
            && repaired != bytes
        {
            check(&repaired);
        }
    }
}

/// Whether the first bytes are those of WAV or AIFF.
fn is_stored(bytes: &[u8]) -> bool {
    let start = bytes.get(..4).unwrap_or_default();
    [b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM"]
        .iter()
        .any(|name| start == *name)
}

/// What reading a file gave.
#[derive(Debug, PartialEq)]
struct Sound {
    samples: u64,
    hash: u64,
    warnings: Vec<Warning>,
}

fn check(bytes: &[u8]) {
    let path = scratch::file("sound", bytes);
    let large = read(&path, bytes.len(), &[STEP]);
    let small = read(&path, bytes.len(), &[1, 997, 3, 4096]);
    match (large, small) {
        (Ok(None), Ok(None)) => {}
        (Ok(large), Ok(small)) => assert_eq!(large, small, "steps of another size"),
        (Err(large), Err(small)) => assert_eq!(large.to_string(), small.to_string()),
        (large, small) => panic!("steps of another size: {large:?}, {small:?}"),
    }
}

/// Reads a file in steps of the given lengths, in turn; nothing where that would take too long.
fn read(path: &Path, length: usize, steps: &[usize]) -> Result<Option<Sound>, AudioError> {
    let named = |error: AudioError| {
        message::check_naming(&error, path);
        error
    };
    let mut reader = AudioReader::open(path).map_err(named)?;
    let channels = reader.channel_count();
    assert!((1..=64).contains(&channels), "{channels} channels");
    let rate = reader.sample_rate();
    assert!((100..=1_000_000).contains(&rate), "{rate} Hz");
    let (mut samples, mut is_ended) = (0, false);
    let mut hashers = vec![DefaultHasher::new(); channels];
    let mut steps = steps.iter().cycle();
    while samples * (channels as u64) < MOST {
        let step = steps.next().map_or(1, |step| step / channels).max(1);
        let read = reader.read(step).map_err(named)?;
        assert_eq!(read.len(), channels);
        let count = read[0].len();
        assert!(count <= step, "{count} samples instead of up to {step}");
        for (channel, hasher) in read.iter().zip(&mut hashers) {
            assert_eq!(channel.len(), count, "channels of unequal length");
            for x in channel {
                assert!(x.is_finite(), "{x} among the samples");
                x.to_bits().hash(hasher);
            }
        }
        samples += count as u64;
        if count < step {
            assert!(
                reader.read(1).map_err(named)?[0].is_empty(),
                "an end that is none"
            );
            is_ended = true;
            break;
        }
    }
    let most = SAMPLES_A_BYTE * length as u64;
    assert!(samples <= 2 * most, "{samples} samples in {length} bytes");
    for warning in reader.warnings() {
        message::check(&warning);
        if let Warning::Damaged { samples, .. } = warning {
            assert!(samples <= most, "{samples} samples lost in {length} bytes");
        }
    }
    if !is_ended {
        return Ok(None);
    }
    Ok(Some(Sound {
        samples,
        hash: hashers
            .iter()
            .fold(0, |sum, hasher| sum ^ hasher.finish().rotate_left(1)),
        warnings: reader.warnings(),
    }))
}
