//! A table of sounds through the separator: stems that are finite, of the exact length and that sum to
//! the mixture, or one clear sentence.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test a panic is the report"
)]

use burn::tensor::Device;
use nae_audio::Clip;
use nae_model::optim::Flow;
use nae_model::{AudioConfig, Model, ModelConfig};
use nae_separate::error::PEAK_LIMIT;
use nae_separate::{
    EmptyBand, SeparateConfig, SeparateError, Separated, Separator, Source, separate_many,
};
use nae_testing_models::models::untrained;

const AUDIO: AudioConfig = AudioConfig {
    sample_rate: 8000,
    n_fft: 64,
    hop: 16,
};

fn model(name: &str, seed: u64, audio: AudioConfig) -> Model {
    let settings = ModelConfig {
        layers: 2,
        rank: 3,
        ..Default::default()
    };
    untrained(name, audio, &settings, seed, &Device::flex())
}

/// A separator of two random models, the first one changed.
fn separator(audio: AudioConfig, change: impl FnOnce(Model) -> Model) -> Separator {
    let models = [change(model("a", 1, audio)), model("b", 2, audio)];
    let source = |model: Model| Source {
        name: model.metadata.name.clone(),
        models: vec![model],
    };
    let config = SeparateConfig {
        max_steps: 4,
        window: 2,
        ..Default::default()
    };
    Separator::new(&models.map(source), config, 8, &Device::flex()).unwrap()
}

/// Half a second of two tones.
fn tones() -> Vec<f32> {
    (0..4000)
        .map(|n| 0.1 * (n as f32 * 0.31).sin() + 0.07 * (n as f32 * 1.1).sin())
        .collect()
}

#[test]
fn an_offset_changes_no_stem_but_by_its_share() {
    for rate in [8000, 11_025] {
        let separator = separator(AUDIO, |model| model);
        let clean = Clip::new(vec![tones(), tones()], rate).unwrap();
        let moved = |by: f32| tones().iter().map(|x| x + by).collect::<Vec<f32>>();
        let offsets = [0.05f32, -0.4];
        let shifted = Clip::new(offsets.map(moved).to_vec(), rate).unwrap();
        let separate = |clip: &Clip| separator.separate(clip, &mut |_| Flow::Continue).unwrap();
        let expected = separate(&clean);
        let many = [(&separator, &shifted)];
        let many = separate_many(&many, &mut |_| Flow::Continue).pop().unwrap();
        for found in [separate(&shifted), many.unwrap()] {
            for (found, expected) in found.stems.iter().zip(&expected.stems) {
                let channels = found.channels().iter().zip(expected.channels());
                for ((found, expected), offset) in channels.zip(offsets) {
                    for (a, b) in found.iter().zip(expected) {
                        // the mean of the tones themselves is taken off too
                        assert!((a - b - offset / 2.0).abs() < 5e-3, "{rate} Hz: {a} {b}");
                    }
                }
            }
            for c in 0..2 {
                for (n, x) in shifted.channels()[c].iter().enumerate() {
                    let sum: f32 = found.stems.iter().map(|stem| stem.channels()[c][n]).sum();
                    assert!((sum - x).abs() < 1e-6, "{sum} {x}");
                }
            }
        }
    }
}

/// The model with the largest weight of a tensor replaced.
fn with_weight(model: Model, tensor: &'static str, value: f32) -> Model {
    let mut stored = model.network.values().unwrap();
    let network = model.network.with_values(|name, _| {
        let (_, mut values) = stored.remove(name).unwrap();
        if name == tensor {
            values.fill(value);
        }
        Ok::<_, SeparateError>(values)
    });
    Model {
        network: network.unwrap(),
        ..model
    }
}

fn separate(separator: &Separator, mixture: &Clip) -> Result<Separated, SeparateError> {
    separator.separate(mixture, &mut |_| Flow::Continue)
}

/// Sounds by name, of `samples` samples each.
fn sounds(samples: usize, rate: u32) -> Vec<(&'static str, Vec<f32>)> {
    let sound = |f: &dyn Fn(usize) -> f32| (0..samples).map(f).collect();
    let phase = move |n: usize| std::f32::consts::TAU * 440.0 * n as f32 / rate as f32;
    vec![
        ("silence", sound(&|_| 0.0)),
        ("negative zeros", sound(&|_| -0.0)),
        (
            "full-scale square",
            sound(&|n| {
                if (n / 20).is_multiple_of(2) {
                    1.0
                } else {
                    -1.0
                }
            }),
        ),
        ("DC", sound(&|_| 0.5)),
        ("a tone on DC", sound(&|n| 0.5 + 0.1 * phase(n).sin())),
        ("denormals", sound(&|n| 1e-40 * phase(n).sin())),
        (
            "the smallest number",
            sound(&|n| {
                if n.is_multiple_of(3) {
                    f32::from_bits(1)
                } else {
                    0.0
                }
            }),
        ),
        (
            "one click",
            sound(&|n| if n == samples / 2 { 1.0 } else { 0.0 }),
        ),
        (
            "Nyquist",
            sound(&|n| if n.is_multiple_of(2) { 0.9 } else { -0.9 }),
        ),
        ("200 dB over full scale", sound(&|n| 1e10 * phase(n).sin())),
        (
            "200 dB below full scale",
            sound(&|n| 1e-10 * phase(n).sin()),
        ),
        (
            "half silence",
            sound(&|n| if n < samples / 2 { 0.0 } else { phase(n).sin() }),
        ),
    ]
}

/// What must hold of the stems of any mixture.
fn check(case: &str, mixture: &Clip, stems: &[Clip]) {
    let peak = mixture.channels().iter().flatten();
    let peak = peak.fold(0.0f32, |peak, x| peak.max(x.abs()));
    // a few roundings of the mixture and of the resampled parts; below that, of the smallest number
    let tolerance = f64::from(peak) * 1e-5 + 1e-42;
    for stem in stems {
        let shape = |clip: &Clip| (clip.samples(), clip.channel_count(), clip.sample_rate());
        assert_eq!(shape(stem), shape(mixture), "{case}");
        assert!(
            stem.channels().iter().flatten().all(|x| x.is_finite()),
            "{case}: a stem is not finite"
        );
    }
    for (c, channel) in mixture.channels().iter().enumerate() {
        for (n, x) in channel.iter().enumerate() {
            let stems = stems.iter().map(|stem| f64::from(stem.channels()[c][n]));
            let residual = (f64::from(*x) - stems.sum::<f64>()).abs();
            assert!(
                residual <= tolerance,
                "{case}: {residual} at {n}, peak {peak}"
            );
        }
    }
}

#[test]
fn every_sound_at_every_rate_gives_finite_stems_of_its_length_that_null() {
    let separator = separator(AUDIO, |model| model);
    for rate in [8000, 11_025, 16_000, 44_100, 96_000, 384_000] {
        // 50 ms
        for (name, samples) in sounds(rate as usize / 20, rate) {
            let mixture = Clip::mono(samples, rate);
            let stems = separate(&separator, &mixture).unwrap().stems;
            check(&format!("{name} at {rate} Hz"), &mixture, &stems);
        }
    }
}

#[test]
fn every_length_gives_stems_of_its_length() {
    let separator = separator(AUDIO, |model| model);
    for rate in [8000, 44_100, 6000] {
        for samples in [1, 2, 3, 15, 16, 17, 63, 64, 65, 100, 1000] {
            for (name, samples) in sounds(samples, rate) {
                let case = format!("{} samples of {name} at {rate} Hz", samples.len());
                let mixture = Clip::mono(samples, rate);
                let stems = separate(&separator, &mixture).unwrap().stems;
                check(&case, &mixture, &stems);
            }
        }
    }
}

#[test]
fn up_to_8_channels_of_different_sounds_null_channel_by_channel() {
    let separator = separator(AUDIO, |model| model);
    for rate in [8000, 48_000] {
        let sounds = sounds(rate as usize / 20, rate);
        for channels in 1..=8 {
            // loud ones beside them would raise the tolerance of the others
            let own = sounds.iter().filter(|(name, _)| !name.contains("over"));
            let own: Vec<_> = own.cycle().skip(channels).take(channels).collect();
            let names: Vec<_> = own.iter().map(|(name, _)| *name).collect();
            let channels = own
                .into_iter()
                .map(|(_, samples)| samples.clone())
                .collect();
            let mixture = Clip::new(channels, rate).unwrap();
            let stems = separate(&separator, &mixture).unwrap().stems;
            check(&format!("{names:?} at {rate} Hz"), &mixture, &stems);
        }
    }
}

#[test]
fn sounds_together_are_as_each_alone() {
    let separator = separator(AUDIO, |model| model);
    let clips: Vec<Clip> = sounds(700, 8000)
        .into_iter()
        .map(|(_, samples)| Clip::mono(samples, 8000))
        .chain([Clip::mono(vec![f32::NAN; 100], 8000)])
        .collect();
    let jobs: Vec<_> = clips.iter().map(|clip| (&separator, clip)).collect();
    let mut separated = separate_many(&jobs, &mut |_| Flow::Continue);
    let refused = separated.pop().unwrap();
    assert!(matches!(refused, Err(SeparateError::TooLoud { .. })));
    for (clip, separated) in clips.iter().zip(separated) {
        check("together", clip, &separated.unwrap().stems);
    }
}

#[test]
fn absurd_levels_are_refused_by_the_level() {
    let separator = separator(AUDIO, |model| model);
    for peak in [1e13, 1e30, 1e38, f32::MAX, f32::INFINITY, f32::NAN] {
        let mut samples = vec![0.1; 500];
        samples[200] = -peak;
        let refused = separate(&separator, &Clip::mono(samples, 8000)).unwrap_err();
        let message = refused.to_string();
        assert!(
            matches!(refused, SeparateError::TooLoud { .. }),
            "{message}"
        );
        assert!(
            message.contains("level") && !message.contains("learning rate"),
            "{message}"
        );
    }
    let loudest = Clip::mono(vec![PEAK_LIMIT, -PEAK_LIMIT, 0.0, PEAK_LIMIT], 8000);
    check(
        "the limit",
        &loudest,
        &separate(&separator, &loudest).unwrap().stems,
    );
}

#[test]
fn a_model_that_gives_no_finite_numbers_is_named() {
    for (tensor, weight) in [
        ("decoder.0.weight", 3e38),
        ("encoder.0.weight", 3e38),
        ("decoder.0.weight", f32::NAN),
        ("decoder.0.weight", f32::INFINITY),
    ] {
        let separator = separator(AUDIO, |model| with_weight(model, tensor, weight));
        for rate in [8000, 16_000] {
            let tone = |n: usize| (0.3 * n as f32).sin();
            let mixture = Clip::mono((0..1000).map(tone).collect(), rate);
            let message = separate(&separator, &mixture).unwrap_err().to_string();
            assert!(
                message.contains("model of `a`"),
                "{tensor} {weight}: {message}"
            );
            assert!(!message.contains("learning rate"), "{message}");
        }
    }
}

#[test]
fn spectra_beyond_what_memory_holds_are_refused_with_the_number() {
    // 20 s in 320,001 frames of 8193 bins: 20 GB
    let separator = separator(
        AudioConfig {
            sample_rate: 16_000,
            n_fft: 16_384,
            hop: 1,
        },
        |model| model,
    );
    let mixture = Clip::mono(vec![0.1; 320_000], 16_000);
    let message = separate(&separator, &mixture).unwrap_err().to_string();
    for word in ["20.0 s", "19.5 GiB", "at most 2", "separate.block_s"] {
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[test]
fn a_mixture_below_the_models_rate_leaves_a_band_empty() {
    let separator = separator(AUDIO, |model| model);
    assert_eq!(separator.empty_band(8000), None);
    assert_eq!(separator.empty_band(44_100), None);
    let band = separator.empty_band(6000).unwrap();
    assert_eq!(
        band,
        EmptyBand {
            mixture_rate: 6000,
            model_rate: 8000
        }
    );
    let message = band.to_string();
    for word in ["6000 Hz", "3000 Hz", "4000 Hz", "empty", "same sample rate"] {
        assert!(message.contains(word), "{word}: {message}");
    }
}
