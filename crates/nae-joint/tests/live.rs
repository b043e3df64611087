//! Joint encoders on sound that is still coming, against whole sounds.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use burn::tensor::Device;
use nae_audio::{Clip, Stft};
use nae_joint::live::LookAhead;
use nae_joint::{BodyKind, JointConfig, JointEncoder, TemporalContext, TrainingSource};
use nae_model::ModelKind;
use nae_model::optim::Flow;
use nae_model::spectra::level;
use nae_separate::{Live, LiveConfig, LiveLevel, SeparateConfig};
use nae_testing::compare::largest_difference;

use common::{AUDIO, RATE, SEED, joined, pair, several, small, sound};

fn encoder(body: BodyKind, context: TemporalContext, ensemble_size: usize) -> JointEncoder {
    encoder_of(&pair(), body, context, ensemble_size)
}

fn encoder_of(
    sources: &[TrainingSource],
    body: BodyKind,
    context: TemporalContext,
    ensemble_size: usize,
) -> JointEncoder {
    let config = JointConfig {
        body,
        context,
        ensemble_size,
        steps: 4,
        frames: 16,
        ..small()
    };
    joined(sources, &config, SEED)
}

fn mixture() -> Vec<f32> {
    let (low, high) = (sound(300.0, 1.0, 7), sound(1100.0, 1.0, 8));
    low.iter().zip(&high).map(|(a, b)| a + b).collect()
}

/// The mixture's level as it is measured of whole sounds.
fn fixed(x: &[f32]) -> LiveConfig {
    let magnitude = Stft::new(AUDIO.stft())
        .unwrap()
        .analyze(x)
        .unwrap()
        .magnitude();
    let mut config = LiveConfig::new(RATE, 1);
    config.level = LiveLevel::Fixed(level(&magnitude, config.silence_db as f32));
    config
}

/// Stems of a mono mixture pushed in pieces of these lengths, without the delay.
fn stems(mut live: Live, x: &[f32], lengths: &[usize]) -> Vec<Vec<f32>> {
    let mut stems = vec![vec![Vec::new()]; live.names().len()];
    let (mut rest, mut lengths) = (x, lengths.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at((*lengths.next().unwrap()).min(rest.len()));
        live.push(&[piece]).unwrap();
        live.pull(&mut stems);
        rest = after;
    }
    live.flush().unwrap();
    live.pull(&mut stems);
    let latency = live.latency();
    stems
        .into_iter()
        .map(|mut stem| stem.remove(0).split_off(latency))
        .collect()
}

fn offline(encoder: &JointEncoder, x: &[f32]) -> Vec<Vec<f32>> {
    let separator = encoder
        .separator(SeparateConfig::default(), &Device::flex())
        .unwrap();
    let clip = Clip::mono(x.to_vec(), RATE);
    let separated = separator.separate(&clip, &mut |_| Flow::Continue).unwrap();
    separated
        .stems
        .into_iter()
        .map(|stem| stem.into_channels().remove(0))
        .collect()
}

fn assert_as_offline(encoder: &JointEncoder, latency: usize) {
    let x = mixture();
    let expected = offline(encoder, &x);
    for lengths in [&[1000][..], &[1, 77, 500]] {
        let live = encoder.live(&fixed(&x), LookAhead::Full).unwrap();
        assert_eq!(live.latency(), latency);
        for (came, expected) in stems(live, &x, lengths).iter().zip(&expected) {
            // products are summed in another order
            let error = largest_difference(came, expected);
            assert!(error < 1e-5, "{error}");
        }
    }
}

#[test]
fn stems_are_those_of_the_whole_sound() {
    use TemporalContext::{Bidirectional, Causal};
    let (frame, sources) = (AUDIO.n_fft - 1, pair());
    for (body, context, look_ahead) in [
        (BodyKind::Conv, Causal, 0),
        // a kernel of 3 reads 1 and 2 frames ahead
        (BodyKind::Conv, Bidirectional, 3),
        (BodyKind::Gru, Causal, 0),
        (BodyKind::Lstm, Causal, 0),
        (BodyKind::None, Bidirectional, 0),
    ] {
        let encoder = encoder_of(&sources, body, context, 1);
        assert_as_offline(&encoder, frame + look_ahead * AUDIO.hop);
    }
}

#[test]
fn activations_may_be_estimated_some_frames_later() {
    let sources = pair();
    for body in [BodyKind::Conv, BodyKind::Gru, BodyKind::None] {
        let config = JointConfig {
            body,
            context: TemporalContext::Causal,
            look_ahead: 2,
            steps: 4,
            frames: 16,
            ..small()
        };
        let encoder = joined(&sources, &config, SEED);
        let latency = AUDIO.n_fft - 1 + 2 * AUDIO.hop;
        assert_as_offline(&encoder, latency);
        let live = encoder.live(&LiveConfig::new(RATE, 1), LookAhead::AtMost(0));
        assert_eq!(live.unwrap().latency(), latency);
        let bytes = encoder.to_bytes().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("joint.safetensors");
        std::fs::write(&path, bytes).unwrap();
        let loaded = JointEncoder::load(&path, &Device::flex()).unwrap();
        assert_eq!(loaded.networks[0].look_ahead(), 2);
        assert_as_offline(&loaded, latency);
    }
}

#[test]
fn masks_of_several_networks_are_averaged() {
    let encoder = encoder(BodyKind::Conv, TemporalContext::Causal, 2);
    assert_eq!(encoder.networks.len(), 2);
    assert_as_offline(&encoder, AUDIO.n_fft - 1);
}

#[test]
fn decoders_may_remember_frames() {
    for kind in [ModelKind::Nmf, ModelKind::Nae] {
        let sources = [several(kind, 300.0), several(kind, 1100.0)];
        let config = JointConfig {
            context: TemporalContext::Causal,
            steps: 10,
            ..small()
        };
        assert_as_offline(&joined(&sources, &config, SEED), AUDIO.n_fft - 1);
    }
}

#[test]
fn less_look_ahead_means_less_delay_and_the_stems_still_sum_to_the_mixture() {
    let encoder = encoder(BodyKind::Conv, TemporalContext::Bidirectional, 1);
    let x = mixture();
    for (frames, expected) in [(0, 0), (1, 1), (2, 2), (100, 3)] {
        let live = encoder.live(&fixed(&x), LookAhead::AtMost(frames)).unwrap();
        assert_eq!(live.latency(), AUDIO.n_fft - 1 + expected * AUDIO.hop);
        let stems = stems(live, &x, &[300]);
        let sum: Vec<f32> = stems[0].iter().zip(&stems[1]).map(|(a, b)| a + b).collect();
        assert!(largest_difference(&sum, &x) < 1e-6);
    }
}

#[test]
fn the_level_is_followed_to_that_of_the_whole_sound() {
    let encoder = encoder(BodyKind::Conv, TemporalContext::Causal, 1);
    let x: Vec<f32> = mixture().iter().map(|x| 0.01 * x).collect();
    let live = encoder
        .live(&LiveConfig::new(RATE, 1), LookAhead::Full)
        .unwrap();
    let (came, expected) = (stems(live, &x, &[64]), offline(&encoder, &x));
    let power = |x: &[f32]| x.iter().map(|x| f64::from(x * x)).sum::<f64>();
    for (came, expected) in came.iter().zip(&expected) {
        let half = x.len() / 2;
        let error: Vec<f32> = came.iter().zip(expected).map(|(a, b)| a - b).collect();
        // most of it is known by then
        let ratio = power(&error[half..]) / power(&expected[half..]);
        assert!(ratio < 1e-2, "{ratio}");
    }
}

#[test]
fn networks_that_run_backwards_are_refused() {
    let sources = pair();
    for body in [BodyKind::Gru, BodyKind::Lstm] {
        let encoder = encoder_of(&sources, body, TemporalContext::Bidirectional, 1);
        let error = encoder.live(&LiveConfig::new(RATE, 1), LookAhead::Full);
        let error = error.err().expect("refused").to_string();
        assert!(
            error.contains("hearing") && error.contains("configs/live.toml"),
            "{error}"
        );
    }
}

#[test]
fn an_unknown_stem_is_refused() {
    let encoder = encoder(BodyKind::Conv, TemporalContext::Causal, 1);
    let mut config = LiveConfig::new(RATE, 1);
    config.stems = vec!["high".into()];
    assert_eq!(
        encoder.live(&config, LookAhead::Full).unwrap().names(),
        ["high"]
    );
    config.stems = vec!["medium".into()];
    let error = encoder
        .live(&config, LookAhead::Full)
        .err()
        .expect("refused");
    assert!(error.to_string().contains("`low`, `high`"), "{error}");
}
