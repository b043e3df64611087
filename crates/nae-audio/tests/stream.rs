//! Sound that is still coming, against the transforms of whole sounds.
#![allow(clippy::unwrap_used)] // tests may panic

mod common;

use common::{SEED, chirp};
use nae_audio::stream::{
    MaskStream, MaskStreamConfig, StreamAnalysis, StreamMasks, StreamResampler, StreamSynthesis,
};
use nae_audio::{AudioError, Complex32, Spectrogram, Stft, StftConfig, resample};
use nae_testing::compare::largest_difference;
use nae_testing::noise::white;
use proptest::prelude::*;

/// Cuts a sound into pieces of these lengths, again and again.
fn pieces<'a>(x: &'a [f32], lengths: &[usize]) -> Vec<&'a [f32]> {
    let mut rest = x;
    let mut pieces = Vec::new();
    for &length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn streamed_frames(x: &[f32], config: StftConfig, lengths: &[usize]) -> Vec<Complex32> {
    let mut analysis = StreamAnalysis::new(config, 1).unwrap();
    let mut frames = Vec::new();
    let mut visit = |frame: &[Complex32]| -> Result<(), AudioError> {
        frames.extend_from_slice(frame);
        Ok(())
    };
    for piece in pieces(x, lengths) {
        analysis.push(&[piece], &mut visit).unwrap();
    }
    analysis.flush(&mut visit).unwrap();
    frames
}

fn streamed_samples(spectrogram: &Spectrogram, config: StftConfig, samples: usize) -> Vec<f32> {
    let mut synthesis = StreamSynthesis::new(config, 1).unwrap();
    let mut y = Vec::new();
    for t in 0..spectrogram.frames() {
        y.extend_from_slice(&synthesis.push(spectrogram.frame(t)).unwrap()[0]);
    }
    y.truncate(samples);
    y
}

/// Frames and samples as the whole sound's, bit by bit.
fn same_as_whole(x: &[f32], config: StftConfig, lengths: &[usize]) {
    let stft = Stft::new(config).unwrap();
    let whole = stft.analyze(x).unwrap();
    assert!(streamed_frames(x, config, lengths) == whole.data());
    let back = stft.synthesize(&whole, x.len()).unwrap();
    assert_eq!(streamed_samples(&whole, config, x.len()), back);
}

/// The low bins to source 0, the high ones to source 1; source 2 gets nothing.
struct Crossover {
    bins: usize,
    look_ahead: usize,
    frames: usize,
}

impl StreamMasks for Crossover {
    type Error = AudioError;

    fn sources(&self) -> usize {
        3
    }

    fn look_ahead(&self) -> usize {
        self.look_ahead
    }

    fn estimate(&mut self, magnitude: Option<&[f32]>, masks: &mut [f32]) -> Result<(), AudioError> {
        self.frames += usize::from(magnitude.is_some());
        for (source, mask) in masks.chunks_exact_mut(self.bins).enumerate() {
            for (k, m) in mask.iter_mut().enumerate() {
                *m = f32::from(u8::from(source == usize::from(k >= self.bins / 4)));
            }
        }
        Ok(())
    }
}

fn stream(
    rates: (u32, u32),
    channels: usize,
    stft: (usize, usize),
    look_ahead: usize,
) -> MaskStream<Crossover> {
    let stft = StftConfig {
        n_fft: stft.0,
        hop: stft.1,
    };
    let masks = Crossover {
        bins: stft.bins(),
        look_ahead,
        frames: 0,
    };
    let config = MaskStreamConfig {
        rate: rates.0,
        channels,
        model_rate: rates.1,
        stft,
        stems: vec![0, 1, 2],
        filter: 128,
    };
    MaskStream::new(masks, config).unwrap()
}

/// All stems of a mixture pushed in pieces, `[stem][channel]`, checking that every push gives as many
/// samples as it takes.
fn stems(
    mut stream: MaskStream<Crossover>,
    channels: &[Vec<f32>],
    lengths: &[usize],
) -> Vec<Vec<Vec<f32>>> {
    let mut stems = vec![vec![Vec::new(); channels.len()]; 3];
    let mut first = 0;
    for piece in pieces(&channels[0], lengths) {
        let part: Vec<&[f32]> = channels
            .iter()
            .map(|x| &x[first..first + piece.len()])
            .collect();
        stream.push(&part).unwrap();
        first += piece.len();
        stream.pull(&mut stems);
        assert!(stems.iter().flatten().all(|x| x.len() == first));
    }
    stream.flush().unwrap();
    stream.pull(&mut stems);
    let total = channels[0].len() + stream.latency();
    assert!(stems.iter().flatten().all(|x| x.len() == total));
    stems
}

fn sum(stems: &[Vec<Vec<f32>>], channel: usize) -> Vec<f32> {
    (0..stems[0][channel].len())
        .map(|n| stems.iter().map(|stem| stem[channel][n]).sum())
        .collect()
}

/// The sum of the stems against the mixture, which it must be exactly `latency` samples late.
fn assert_delayed(stems: &[Vec<Vec<f32>>], mixture: &[Vec<f32>], latency: usize) {
    for (c, x) in mixture.iter().enumerate() {
        let y = sum(stems, c);
        assert!(y[..latency].iter().all(|y| *y == 0.0));
        // roundings of three stems in f32
        let error = largest_difference(x, &y[latency..]);
        assert!(error < 1e-6, "{error}");
    }
}

#[test]
fn frames_and_samples_are_those_of_the_whole_sound() {
    for (n_fft, hop, samples) in [
        (512, 128, 5000),
        (1024, 256, 100),
        (30, 7, 400),
        (16, 13, 90),
        (2, 1, 20),
        (100, 50, 1),
    ] {
        let config = StftConfig { n_fft, hop };
        for lengths in [vec![1], vec![samples], vec![hop], vec![3, 1, 500]] {
            same_as_whole(&white(samples, SEED), config, &lengths);
        }
    }
    assert!(streamed_frames(&[], StftConfig::default(), &[1]).is_empty());
}

/// Samples at rate `from` that are a whole number at rate `to`.
fn unit(from: u32, to: u32) -> usize {
    let (mut a, mut b) = (from, to);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (from / a) as usize
}

#[test]
fn a_resampled_stream_is_the_resampled_sound() {
    for (from, to) in [
        (48_000, 16_000),
        (44_100, 16_000),
        (16_000, 44_100),
        (8000, 16_000),
        (16_000, 16_000),
    ] {
        // lengths that are whole at both rates: a fraction of a sample at the end is cut by `resample`
        for samples in [480, 882, 21_168, 16_000].map(|n| n / unit(from, to) * unit(from, to)) {
            let x = white(samples, SEED);
            let whole = resample(&x, from, to).unwrap();
            for lengths in [vec![1], vec![997, 3]] {
                let filter = StreamResampler::OFFLINE_FILTER;
                let mut resampler = StreamResampler::new(from, to, 2, filter).unwrap();
                let mut y = vec![vec![]; 2];
                let latency = resampler.latency() as f64;
                let mut received = 0;
                for piece in pieces(&x, &lengths) {
                    resampler.push(&[piece, piece], &mut y).unwrap();
                    received += piece.len();
                    let due = (received as f64 - latency) * f64::from(to) / f64::from(from);
                    assert!(y[0].len() as f64 >= due, "{} {due}", y[0].len());
                }
                resampler.flush(None, &mut y).unwrap();
                assert_eq!(y[0], whole, "{from} {to} {samples}");
                assert_eq!(y[1], whole);
            }
        }
    }
}

#[test]
fn an_impulse_and_a_chirp_arrive_exactly_at_the_latency() {
    for rates in [
        (16_000, 16_000),
        (48_000, 16_000),
        (44_100, 16_000),
        (8000, 16_000),
    ] {
        for look_ahead in [0, 3] {
            let new = || stream(rates, 1, (512, 128), look_ahead);
            let latency = new().latency();
            for at in [0, 1, 127, 128, 5000] {
                let mut impulse = vec![0.0; 9000];
                impulse[at] = 1.0;
                let y = sum(&stems(new(), &[impulse], &[441]), 0);
                let largest = (0..y.len()).max_by(|&a, &b| y[a].abs().total_cmp(&y[b].abs()));
                assert_eq!(largest, Some(at + latency), "{rates:?} {look_ahead}");
                assert!((y[at + latency] - 1.0).abs() < 1e-5);
            }
            let x = vec![chirp(12_000)];
            assert_delayed(&stems(new(), &x, &[160]), &x, latency);
        }
    }
}

#[test]
fn at_16_khz_with_short_frames_the_latency_is_32_ms() {
    assert_eq!(stream((16_000, 16_000), 1, (512, 128), 0).latency(), 511);
    assert_eq!(stream((16_000, 16_000), 1, (512, 128), 2).latency(), 767);
    // both resamplers in addition: two blocks of 8 ms and two half filters
    let at_48 = stream((48_000, 16_000), 1, (512, 128), 0).latency();
    assert!((2 * 576..=2 * 576 + 3 * 512).contains(&at_48), "{at_48}");
}

#[test]
fn the_latency_is_not_longer_than_it_must_be() {
    // with one sample less, some sample would come too late
    for rates in [(16_000, 16_000), (48_000, 16_000), (44_100, 16_000)] {
        let mut stream = stream(rates, 1, (512, 128), 1);
        let latency = stream.latency();
        let x = white(30_000, SEED);
        let mut stems = vec![vec![Vec::new()]; 3];
        let mut is_tight = false;
        for (n, x) in x.iter().enumerate() {
            stream.push(&[[*x]]).unwrap();
            is_tight |= n > latency && stream.ready() == 1;
            stream.pull(&mut stems);
        }
        assert!(is_tight, "{rates:?}");
    }
}

#[test]
fn what_is_not_finite_is_silenced_and_counted() {
    let mut x = vec![white(4000, SEED), white(4000, SEED + 1)];
    let clean = {
        let mut clean = x.clone();
        for n in [0, 999, 3999] {
            clean[1][n] = 0.0;
        }
        stems(stream((48_000, 16_000), 2, (512, 128), 0), &clean, &[100])
    };
    (x[1][0], x[1][999], x[1][3999]) = (f32::NAN, f32::INFINITY, -1e30);
    let mut stream = stream((48_000, 16_000), 2, (512, 128), 0);
    stream.push(&x).unwrap();
    assert_eq!(stream.silenced(), 3);
    stream.flush().unwrap();
    let mut all = vec![vec![Vec::new(); 2]; 3];
    stream.pull(&mut all);
    assert_eq!(all, clean);
}

#[test]
fn an_offset_is_shared_equally() {
    let x: Vec<f32> = chirp(64_000).iter().map(|x| x + 0.2).collect();
    let mixture = vec![x];
    let stream = stream((16_000, 16_000), 1, (512, 128), 0);
    let latency = stream.latency();
    let all = stems(stream, &mixture, &[1000]);
    assert_delayed(&all, &mixture, latency);
    // the last stem has nothing else
    let last = &all[2][0][48_000..60_000];
    assert!(last.iter().all(|y| (y - 0.2 / 3.0).abs() < 2e-3));
}

#[test]
fn streams_that_would_take_all_memory_are_refused() {
    let stft = StftConfig {
        n_fft: 1 << 20,
        hop: 1 << 18,
    };
    let masks = Crossover {
        bins: stft.bins(),
        look_ahead: 1000,
        frames: 0,
    };
    let config = MaskStreamConfig {
        rate: 16_000,
        channels: 64,
        model_rate: 16_000,
        stft,
        stems: vec![0],
        filter: 128,
    };
    let error = MaskStream::new(masks, config).err().unwrap().to_string();
    assert!(
        error.contains("GiB") && error.contains("64 channels"),
        "{error}"
    );
}

#[test]
fn channels_that_do_not_fit_and_samples_after_the_end_are_refused() {
    let mut stream = stream((16_000, 16_000), 2, (512, 128), 0);
    let error = stream.push(&[[0.0f32; 4]]).unwrap_err().to_string();
    assert!(error.contains("2 channels"), "{error}");
    let error = stream.push(&[vec![0.0; 4], vec![0.0; 3]]).unwrap_err();
    assert!(error.to_string().contains("of one length"), "{error}");
    stream.flush().unwrap();
    assert!(matches!(
        stream.push(&[[0.0f32], [0.0]]),
        Err(AudioError::StreamEnded)
    ));
    assert!(matches!(stream.flush(), Err(AudioError::StreamEnded)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_sizes_of_pushes_give_the_same_samples(
        lengths in proptest::collection::vec(1usize..3000, 1..8),
        n_fft in 8usize..300,
        part in 2usize..6,
        look_ahead in 0usize..4,
        rate in 0usize..4,
        samples in 0usize..6000,
    ) {
        let rates = [(16_000, 16_000), (48_000, 16_000), (44_100, 16_000), (11_025, 16_000)][rate];
        let stft = (n_fft, (n_fft / part).max(1));
        let x = vec![white(samples, SEED), white(samples, SEED + 1)];
        let new = || stream(rates, 2, stft, look_ahead);
        let in_pieces = stems(new(), &x, &lengths);
        let at_once = stems(new(), &x, &[6000]);
        prop_assert!(in_pieces == at_once);
        assert_delayed(&at_once, &x, new().latency());
    }

    #[test]
    fn any_frames_are_those_of_the_whole_sound(
        lengths in proptest::collection::vec(1usize..400, 1..8),
        n_fft in 2usize..300,
        part in 2usize..6,
        samples in 1usize..2000,
    ) {
        let config = StftConfig { n_fft, hop: (n_fft / part).max(1) };
        same_as_whole(&white(samples, SEED), config, &lengths);
    }
}
